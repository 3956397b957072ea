#include "bootchain/boot_policy.h"
#include "bootchain/pe_image.h"
#include "bootchain/shim_image.h"
#include "bootchain/shim_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView file(data, size);
  static_cast<void>(bootchain::authenticode_sha256(file));
  static_cast<void>(bootchain::pe_signers(file));
  static_cast<void>(bootchain::read_shim_state(file));
  const auto image = bootchain::parse_pe_image(file);
  if (!image) return 0;
  bootchain::SecureBootState firmware;
  firmware.enabled = true;
  static_cast<void>(bootchain::would_firmware_load(*image, firmware));
  const auto trust = bootchain::read_shim_trust(*image, {});
  if (trust) static_cast<void>(bootchain::would_shim_load(*image, firmware, *trust, bootchain::ShimCaller::kShim));
  return 0;
}
