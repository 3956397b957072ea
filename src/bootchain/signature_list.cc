#include "bootchain/signature_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "crypto/certificate_subject.h"

namespace slipway::bootchain {
namespace {

using Kind = SignatureMeaning::Kind;
using crypto::HashAlgorithm;

constexpr std::size_t kListHeaderSize = 28;
constexpr std::size_t kOwnerSize = 16;
constexpr std::size_t kTimeSize = 16;
constexpr std::size_t kMaximumSignatures = 65536;

struct DigestType {
  std::string_view guid;
  Kind kind;
  HashAlgorithm algorithm;
};
constexpr DigestType kDigestTypes[] = {
    {kSha1Signature, Kind::kImageDigest, HashAlgorithm::kSha1},
    {kSha256Signature, Kind::kImageDigest, HashAlgorithm::kSha256},
    {kSha384Signature, Kind::kImageDigest, HashAlgorithm::kSha384},
    {kSha512Signature, Kind::kImageDigest, HashAlgorithm::kSha512},
    {kX509Sha256Signature, Kind::kCertificateDigest, HashAlgorithm::kSha256},
    {kX509Sha384Signature, Kind::kCertificateDigest, HashAlgorithm::kSha384},
    {kX509Sha512Signature, Kind::kCertificateDigest, HashAlgorithm::kSha512},
};

// Compared in the wire's form: a list has thousands of signatures, and a text for each takes longer than all the rest.
const DigestType* digest_type(const EfiGuid& type) {
  static const auto guids = [] {
    std::array<EfiGuid, std::size(kDigestTypes)> parsed;
    for (std::size_t i = 0; i < parsed.size(); ++i)
      parsed[i] = guid_from_text(kDigestTypes[i].guid).value_or(EfiGuid{});
    return parsed;
  }();
  const auto found = std::find(guids.begin(), guids.end(), type);
  return found == guids.end() ? nullptr : &kDigestTypes[found - guids.begin()];
}

bool is_certificate(const EfiGuid& type) {
  static const EfiGuid x509 = guid_from_text(kX509Signature).value_or(EfiGuid{});
  return type == x509;
}

// Of EFI_SIGNATURE_DATA behind its owner.
std::size_t data_size(const DigestType& type) {
  return crypto::digest_size(type.algorithm) + (type.kind == Kind::kCertificateDigest ? kTimeSize : 0);
}

void put_list(Bytes& out, const EfiGuid& type, const EfiGuid& owner, ByteView data) {
  const auto signature_size = static_cast<std::uint32_t>(kOwnerSize + data.size());
  put_bytes(out, type.bytes);
  put_u32_le(out, static_cast<std::uint32_t>(kListHeaderSize) + signature_size);
  put_u32_le(out, 0);
  put_u32_le(out, signature_size);
  put_bytes(out, owner.bytes);
  put_bytes(out, data);
}

}  // namespace

Result<std::vector<EfiSignature>> read_signature_lists(ByteView lists, std::size_t base_offset) {
  ByteReader reader(lists, base_offset);
  std::vector<EfiSignature> signatures;
  while (!reader.empty()) {
    const std::size_t start = reader.offset();
    SLIPWAY_ASSIGN(const EfiGuid type, read_guid(reader, "signature type"));
    SLIPWAY_ASSIGN(const std::uint32_t list_size, reader.u32_le("signature list size"));
    SLIPWAY_ASSIGN(const std::uint32_t header_size, reader.u32_le("signature header size"));
    SLIPWAY_ASSIGN(const std::uint32_t signature_size, reader.u32_le("signature size"));
    if (list_size < kListHeaderSize)
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: expected the size of an EFI signature list, 28 at least, but it is {}",
                              start + 16, list_size));
    const std::size_t body_offset = reader.offset();
    SLIPWAY_ASSIGN(const ByteView body_bytes, reader.take(list_size - kListHeaderSize, "signature list"));
    ByteReader body(body_bytes, body_offset);
    SLIPWAY_TRY(body.take(header_size, "signature header"));
    if (signature_size < kOwnerSize || body.remaining() % signature_size != 0)
      return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected a whole number of signatures of {} bytes, "
                                                     "but the EFI signature list has {} bytes for them",
                                                     body.offset(), signature_size, body.remaining()));
    const DigestType* digest = digest_type(type);
    if (digest != nullptr && signature_size != kOwnerSize + data_size(*digest))
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: expected signatures of {} bytes in a list of type {}, but it says {}",
                              start + 24, kOwnerSize + data_size(*digest), to_string(type), signature_size));
    while (!body.empty()) {
      if (signatures.size() == kMaximumSignatures)
        return fail(ErrorCode::kMalformed,
                    fmt::format("at offset {}: expected the end, for 65536 signatures are the most", body.offset()));
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

Bytes encode_signature_lists(const std::vector<EfiSignature>& signatures) {
  Bytes out;
  for (const EfiSignature& signature : signatures) put_list(out, signature.type, signature.owner, signature.data);
  return out;
}

Bytes make_certificate_list(const EfiGuid& owner, ByteView certificate) {
  Bytes out;
  put_list(out, guid_from_text(kX509Signature).value_or(EfiGuid{}), owner, certificate);
  return out;
}

SignatureMeaning meaning_of(const EfiSignature& signature) {
  SignatureMeaning meaning;
  const DigestType* digest = digest_type(signature.type);
  if (digest == nullptr) {
    if (is_certificate(signature.type)) meaning.kind = Kind::kCertificate;
    return meaning;
  }
  if (signature.data.size() != data_size(*digest)) return meaning;
  meaning.kind = digest->kind;
  meaning.algorithm = digest->algorithm;
  const ByteView data(signature.data);
  const std::size_t size = crypto::digest_size(digest->algorithm);
  meaning.digest = to_bytes(data.first(size));
  if (digest->kind == Kind::kCertificateDigest) meaning.revoked_from = read_efi_time(data.subspan(size));
  return meaning;
}

std::string describe(const EfiSignature& signature) {
  const SignatureMeaning meaning = meaning_of(signature);
  switch (meaning.kind) {
    case Kind::kCertificate:
      return crypto::subject_of_certificate(signature.data).value_or("a certificate that does not parse");
    case Kind::kImageDigest:
      return fmt::format("{}:{}", to_string(meaning.algorithm), to_hex(meaning.digest));
    case Kind::kCertificateDigest:
      return fmt::format("tbs-{}:{}{}", to_string(meaning.algorithm), to_hex(meaning.digest),
                         meaning.revoked_from ? " from " + to_rfc3339(*meaning.revoked_from) : std::string());
    case Kind::kOther:
      break;
  }
  return fmt::format("signature of type {}", to_string(signature.type));
}

std::optional<Time> read_efi_time(ByteView time) {
  if (time.size() != kTimeSize) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(time[0] | time[1] << 8), std::chrono::month(time[2]),
                                        std::chrono::day(time[3])};
  if (!day.ok() || time[4] > 23 || time[5] > 59 || time[6] > 59) return std::nullopt;
  return Time(std::chrono::sys_days(day)) + std::chrono::hours(time[4]) + std::chrono::minutes(time[5]) +
         seconds(time[6]);
}

std::array<std::uint8_t, 16> encode_efi_time(std::optional<Time> time) {
  std::array<std::uint8_t, 16> out{};
  if (!time) return out;
  const auto days = std::chrono::floor<std::chrono::days>(*time);
  const std::chrono::year_month_day day(days);
  const auto rest = std::chrono::floor<seconds>(*time - days).count();
  const auto year = static_cast<unsigned>(static_cast<int>(day.year()));
  out[0] = static_cast<std::uint8_t>(year);
  out[1] = static_cast<std::uint8_t>(year >> 8);
  out[2] = static_cast<std::uint8_t>(static_cast<unsigned>(day.month()));
  out[3] = static_cast<std::uint8_t>(static_cast<unsigned>(day.day()));
  out[4] = static_cast<std::uint8_t>(rest / 3600);
  out[5] = static_cast<std::uint8_t>(rest / 60 % 60);
  out[6] = static_cast<std::uint8_t>(rest % 60);
  return out;
}

}  // namespace slipway::bootchain
