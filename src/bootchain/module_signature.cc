#include "bootchain/module_signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/byte_reader.h"
#include "base/expected_at.h"

namespace slipway::bootchain {
namespace {

constexpr std::size_t kMaximumModule = 256U << 20;
constexpr std::string_view kMark = "~Module signature appended~\n";
constexpr std::size_t kTrailerSize = 12;
constexpr std::uint8_t kPkcs7 = 2;  // PKEY_ID_PKCS7
constexpr std::string_view kElf =
    "\x7f"
    "ELF";

struct Compression {
  std::string_view magic, name;
};
constexpr std::array<Compression, 3> kCompressions{{{{"\x1f\x8b", 2}, "gzip"},
                                                    {{"\xfd"
                                                      "7zXZ",
                                                      5},
                                                     "xz"},
                                                    {{"\x28\xb5\x2f\xfd", 4}, "zstd"}}};

bool starts_with(ByteView file, std::string_view magic) { return as_text(file).substr(0, magic.size()) == magic; }

}  // namespace

Result<UnverifiedModule> read_module(ByteView file) {
  for (const Compression& compression : kCompressions)
    if (starts_with(file, compression.magic))
      return expected_at(
          0, fmt::format("an ELF file, but this one is compressed with {}; decompress it first", compression.name));
  if (!starts_with(file, kElf)) return expected_at(0, "an ELF file, which a kernel module is");
  if (file.size() > kMaximumModule) return expected_at(kMaximumModule, "the end of a module of at most 256 MiB");
  UnverifiedModule module;
  module.content = file;
  module.signature_offset = file.size();
  if (file.size() < kMark.size() || as_text(file).substr(file.size() - kMark.size()) != kMark) return module;

  const std::size_t before_mark = file.size() - kMark.size();
  if (before_mark < kTrailerSize) return expected_at(0, "the 12 bytes that describe a module's signature");
  const std::size_t trailer_offset = before_mark - kTrailerSize;
  ByteReader trailer(file.subspan(trailer_offset, kTrailerSize), trailer_offset);
  SLIPWAY_ASSIGN(const std::uint8_t algorithm, trailer.u8("algorithm of the module's signature"));
  SLIPWAY_ASSIGN(const std::uint8_t hash, trailer.u8("hash of the module's signature"));
  SLIPWAY_ASSIGN(const std::uint8_t type, trailer.u8("type of the module's signature"));
  SLIPWAY_ASSIGN(const ByteView zeros, trailer.take(5, "name lengths and padding"));
  SLIPWAY_ASSIGN(const std::size_t size, trailer.u32_be("size of the module's signature"));
  // With PKCS#7 all of these stand in the signature itself, and the kernel refuses anything but zeros here.
  if (type != kPkcs7 || algorithm != 0 || hash != 0 ||
      !std::all_of(zeros.begin(), zeros.end(), [](std::uint8_t byte) { return byte == 0; }))
    return expected_at(trailer_offset, fmt::format("a signature of type 2 (PKCS#7) with all other fields zero, but its "
                                                   "type is {}",
                                                   type));
  if (size > trailer_offset)
    return expected_at(trailer_offset + 8,
                       fmt::format("a signature that fits before this offset, but it has {} bytes", size));
  module.signature_offset = trailer_offset - size;
  module.content = file.first(module.signature_offset);
  auto signature = crypto::DetachedSignature::from_der(file.subspan(module.signature_offset, size));
  if (!signature) return expected_at(module.signature_offset, "a CMS signature: " + signature.error().message);
  module.signature = *std::move(signature);
  return module;
}

ModuleDecision would_kernel_load(const UnverifiedModule& module, const std::vector<crypto::Certificate>& trusted) {
  ModuleDecision decision;
  if (!module.signature) {
    decision.rule = "module.unsigned";
    decision.reason = "the module is not signed";
    return decision;
  }
  const crypto::DetachedSignature& signature = *module.signature;
  const auto hash = signature.digest_algorithm();
  if (!hash || *hash == crypto::HashAlgorithm::kSha1) {
    decision.rule = "module.hash";
    decision.reason = hash ? "the signature is over SHA-1" : "the signature is over an unknown hash";
    return decision;
  }
  decision.rule = "module.unknownSigner";
  decision.reason = fmt::format("none of {} certificates is the one that the signature names: {}", trusted.size(),
                                signature.key_id().empty()
                                    ? fmt::format("issuer {}, serial number {}", signature.issuer(), signature.serial())
                                    : "key identifier " + to_hex(signature.key_id()));
  for (const crypto::Certificate& certificate : trusted) {
    if (!signature.names(certificate)) continue;
    if (signature.verified_by(certificate, module.content)) {
      decision.loads = true;
      decision.rule = "module.certificate";
      decision.reason = "signed by " + certificate.subject();
      decision.signer = certificate;
      return decision;
    }
    decision.rule = "module.signature";
    decision.reason = fmt::format(
        "the signature names {}, but does not hold: the module was changed, or another key of the same "
        "name signed it",
        certificate.subject());
  }
  return decision;
}

}  // namespace slipway::bootchain
