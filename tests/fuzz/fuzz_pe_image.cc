#include "bootchain/boot_policy.h"
#include "bootchain/pe_image.h"
#include "bootchain/shim_image.h"
#include "bootchain/shim_state.h"
#include "bootchain/signature_list.h"

namespace {

using namespace slipway;

// The image judged by shim, which is the image itself, as each of those that ask.
void judge(const bootchain::UnverifiedPeImage& image, const bootchain::SecureBootState& firmware) {
  static_cast<void>(bootchain::would_firmware_load(image, firmware));
  const auto trust = bootchain::read_shim_trust(image, {});
  if (!trust) return;
  const auto start = bootchain::would_shim_start(image, firmware, *trust);
  if (start.loads != start.rule.empty()) __builtin_trap();
  const auto shim = bootchain::would_shim_load(image, firmware, *trust, bootchain::ShimCaller::kShim);
  const auto lock = bootchain::would_shim_load(image, firmware, *trust, bootchain::ShimCaller::kShimLock);
  // GRUB's question differs from shim's own by one thing alone.
  if (shim.rule != lock.rule && (shim.rule != "sbat.missing" || !lock.loads)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView file(data, size);
  static_cast<void>(bootchain::authenticode_sha256(file));
  static_cast<void>(bootchain::pe_signers(file));
  static_cast<void>(bootchain::read_shim_state(file));
  const auto image = bootchain::parse_pe_image(file);
  if (!image) return 0;
  bootchain::SecureBootState firmware;
  firmware.enabled = true;
  judge(*image, firmware);
  // SBAT is looked at only where something vouches for the image, and no signature is met by chance.
  auto digest = bootchain::authenticode_digest(*image, crypto::HashAlgorithm::kSha256);
  if (!digest) return 0;
  firmware.db = {{bootchain::guid_from_text(bootchain::kSha256Signature).value(), {}, *std::move(digest)}};
  judge(*image, firmware);
  return 0;
}
