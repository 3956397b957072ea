#include "bootchain/variable_update.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/signed_data.h"

namespace slipway::bootchain {
namespace {

constexpr std::size_t kMaximumUpdate = 4U << 20;
constexpr std::size_t kTimeSize = 16;
constexpr std::uint16_t kRevision = 0x0200;
constexpr std::uint16_t kGuidCertificate = 0x0ef1;  // WIN_CERT_TYPE_EFI_GUID
constexpr std::string_view kPkcs7Guid = "4aafd29d-68df-49ee-8aa9-347d375665a7";
constexpr std::size_t kCertificateHeader = 8 + 16;

tl::unexpected<Error> refuse(std::string_view reason, std::string why) {
  return fail(ErrorCode::kPermissionDenied, "firmware would refuse the update: " + std::move(why), std::string(reason));
}

// Pad1, Nanosecond, TimeZone, Daylight and Pad2 (8.2.2): all zero.
bool unused_time_fields_are_zero(ByteView time) {
  return std::all_of(time.begin() + 7, time.end(), [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

Result<UnverifiedVariableUpdate> read_variable_update(ByteView bytes) {
  if (bytes.size() > kMaximumUpdate)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the end of an update of at most 4 MiB, but it "
                            "has {} bytes",
                            kMaximumUpdate, bytes.size()));
  ByteReader reader(bytes);
  UnverifiedVariableUpdate update;
  SLIPWAY_ASSIGN(const ByteView time, reader.take(kTimeSize, "EFI_TIME of the update"));
  update.time_bytes = to_bytes(time);
  update.time = read_efi_time(time);
  const std::size_t start = reader.offset();
  SLIPWAY_ASSIGN(const std::uint32_t length, reader.u32_le("length of WIN_CERTIFICATE"));
  SLIPWAY_ASSIGN(const std::uint16_t revision, reader.u16_le("revision of WIN_CERTIFICATE"));
  SLIPWAY_ASSIGN(const std::uint16_t type, reader.u16_le("type of WIN_CERTIFICATE"));
  SLIPWAY_ASSIGN(const EfiGuid form, read_guid(reader, "type of certificate"));
  if (length < kCertificateHeader || revision != kRevision || type != kGuidCertificate || to_string(form) != kPkcs7Guid)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected a WIN_CERTIFICATE_UEFI_GUID of PKCS#7, but it has length {}, "
                            "revision {:#x}, type {:#x} and GUID {}",
                            start, length, revision, type, to_string(form)));
  SLIPWAY_ASSIGN(const ByteView signature, reader.take(length - kCertificateHeader, "signature of the update"));
  update.signature = to_bytes(signature);
  update.value = to_bytes(reader.rest());
  return update;
}

Bytes encode_variable_update(const UnverifiedVariableUpdate& update) {
  Bytes out;
  put_bytes(out, update.time_bytes);
  put_u32_le(out, static_cast<std::uint32_t>(kCertificateHeader + update.signature.size()));
  put_u16_le(out, kRevision);
  put_u16_le(out, kGuidCertificate);
  put_bytes(out, guid_from_text(kPkcs7Guid).value_or(EfiGuid{}).bytes);
  put_bytes(out, update.signature);
  put_bytes(out, update.value);
  return out;
}

Bytes signed_part(const UnverifiedVariableUpdate& update, const EfiGuid& vendor, std::string_view name,
                  std::uint32_t attributes) {
  Bytes out;
  for (const char letter : name) put_u16_le(out, static_cast<std::uint8_t>(letter));
  put_bytes(out, vendor.bytes);
  put_u32_le(out, attributes);
  put_bytes(out, update.time_bytes);
  put_bytes(out, update.value);
  return out;
}

Result<crypto::Certificate> verify_variable_update(const UnverifiedVariableUpdate& update, const EfiGuid& vendor,
                                                   std::string_view name, std::uint32_t attributes,
                                                   const std::vector<EfiSignature>& keys) {
  if (!update.time || !unused_time_fields_are_zero(update.time_bytes))
    return refuse("UpdateTime", "its time is no date, or has a fraction of a second or a time zone");
  const auto signature = crypto::SignedData::from_der(update.signature);
  if (!signature) return refuse("UpdateSignature", signature.error().message);
  // The specification demands SHA-256, and a content that is not in the signature.
  if (signature->digest_algorithm() != crypto::HashAlgorithm::kSha256 || !signature->content().empty())
    return refuse("UpdateSignature", "it is not a detached signature with SHA-256");
  if (!signature->signatures_hold(signed_part(update, vendor, name, attributes)))
    return refuse("UpdateSignature", fmt::format("its signature does not hold for the variable {}", name));
  for (const EfiSignature& key : keys) {
    if (meaning_of(key).kind != SignatureMeaning::Kind::kCertificate) continue;
    const auto anchor = crypto::Certificate::from_der(key.data);
    if (!anchor) continue;
    const auto path = signature->path_to(*anchor);
    if (!path.empty()) return path.front();
  }
  return refuse("UpdateSigner", fmt::format("none of {} keys leads to its signer", keys.size()));
}

Result<SignatureListFile> read_signature_list_file(ByteView file) {
  SignatureListFile result;
  auto bare = read_signature_lists(file);
  if (bare) {
    result.signatures = *std::move(bare);
    return result;
  }
  auto update = read_variable_update(file);
  // The first form's error is the one to show, unless the file begins as the second one.
  if (!update) return fail(std::move(bare).error());
  SLIPWAY_ASSIGN(result.signatures, read_signature_lists(update->value, file.size() - update->value.size()));
  result.update = *std::move(update);
  return result;
}

}  // namespace slipway::bootchain
