#include "bootchain/signature_list.h"

#include <fmt/format.h>

#include "crypto/certificate.h"

namespace slipway::bootchain {
namespace {

constexpr std::size_t kListHeaderSize = 28;
constexpr std::size_t kOwnerSize = 16;
constexpr std::size_t kMaximumSignatures = 65536;

}  // namespace

Result<std::vector<EfiSignature>> read_signature_lists(ByteView lists) {
  ByteReader reader(lists);
  std::vector<EfiSignature> signatures;
  while (!reader.empty()) {
    SLIPWAY_ASSIGN(const EfiGuid type, read_guid(reader, "signature type"));
    SLIPWAY_ASSIGN(const std::uint32_t list_size, reader.u32_le("signature list size"));
    SLIPWAY_ASSIGN(const std::uint32_t header_size, reader.u32_le("signature header size"));
    SLIPWAY_ASSIGN(const std::uint32_t signature_size, reader.u32_le("signature size"));
    if (list_size < kListHeaderSize)
      return fail(ErrorCode::kMalformed, "an EFI signature list is shorter than its own header");
    const std::size_t body_offset = reader.offset();
    SLIPWAY_ASSIGN(const ByteView body_bytes, reader.take(list_size - kListHeaderSize, "signature list"));
    ByteReader body(body_bytes, body_offset);
    SLIPWAY_TRY(body.take(header_size, "signature header"));
    if (signature_size < kOwnerSize || body.remaining() % signature_size != 0)
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: an EFI signature list of {} bytes does not divide into signatures of {}",
                              body_offset, body.remaining(), signature_size));
    while (!body.empty()) {
      if (signatures.size() == kMaximumSignatures)
        return fail(ErrorCode::kMalformed, "an EFI signature database has more than 65536 signatures");
      EfiSignature signature;
      signature.type = type;
      SLIPWAY_ASSIGN(signature.owner, read_guid(body, "signature owner"));
      SLIPWAY_ASSIGN(const ByteView data, body.take(signature_size - kOwnerSize, "signature data"));
      signature.data = to_bytes(data);
      signatures.push_back(std::move(signature));
    }
  }
  return signatures;
}

Bytes make_certificate_list(const EfiGuid& owner, ByteView certificate) {
  const EfiGuid type = guid_from_text(kX509Signature).value_or(EfiGuid{});
  const auto signature_size = static_cast<std::uint32_t>(kOwnerSize + certificate.size());
  Bytes list;
  put_bytes(list, type.bytes);
  put_u32_le(list, static_cast<std::uint32_t>(kListHeaderSize) + signature_size);
  put_u32_le(list, 0);
  put_u32_le(list, signature_size);
  put_bytes(list, owner.bytes);
  put_bytes(list, certificate);
  return list;
}

std::string describe(const EfiSignature& signature) {
  const std::string type = to_string(signature.type);
  if (type == kX509Signature) {
    const auto certificate = crypto::Certificate::from_der(signature.data);
    return certificate ? certificate->subject() : std::string("a certificate that does not parse");
  }
  if (type == kSha256Signature) return "sha256:" + to_hex(signature.data);
  return fmt::format("signature of type {}", type);
}

}  // namespace slipway::bootchain
