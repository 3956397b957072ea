#include "enrolment/challenge.h"

#include "base/byte_reader.h"
#include "crypto/digest.h"
#include "enrolment/refusal.h"

namespace slipway::enrolment {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kInstanceSize = 36;
constexpr std::size_t kDigestSize = 32;

tl::unexpected<Error> unknown() {
  return fail(ErrorCode::kPermissionDenied,
              "The challenge was not made by this server, or was changed; after a restart of the server that is to be "
              "expected. Ask for a new one.",
              std::string(refusal::kUnknownNonce));
}

// The bytes are our own: their authentication code holds. A failure here is a defect, and refused all the same.
Result<Challenge> read(ByteView bytes) {
  ByteReader reader(bytes);
  Challenge challenge;
  SLIPWAY_ASSIGN(const std::uint8_t version, reader.u8("version"));
  if (version != kVersion) return unknown();
  SLIPWAY_ASSIGN(const std::uint8_t kind, reader.u8("kind"));
  challenge.kind = static_cast<ChallengeKind>(kind);
  SLIPWAY_ASSIGN(challenge.sequence, reader.u64_be("sequence"));
  SLIPWAY_ASSIGN(const std::uint64_t expires, reader.u64_be("expiry"));
  challenge.expires = Time(milliseconds(static_cast<std::int64_t>(expires)));
  SLIPWAY_ASSIGN(const ByteView instance, reader.take(kInstanceSize, "instance"));
  challenge.instance = std::string(as_text(instance));
  SLIPWAY_ASSIGN(const ByteView nonce, reader.take(kDigestSize, "nonce"));
  challenge.nonce = to_bytes(nonce);
  SLIPWAY_ASSIGN(const ByteView secret, reader.take(kDigestSize, "secret digest"));
  challenge.secret_sha256 = to_bytes(secret);
  SLIPWAY_ASSIGN(const std::uint16_t key_size, reader.u16_be("attestation key size"));
  SLIPWAY_ASSIGN(const ByteView key, reader.take(key_size, "attestation key"));
  challenge.attestation_key = to_bytes(key);
  SLIPWAY_TRY(reader.expect_end("challenge"));
  return challenge;
}

}  // namespace

std::string seal_challenge(const Challenge& challenge, ByteView key) {
  Bytes bytes;
  bytes.push_back(kVersion);
  bytes.push_back(static_cast<std::uint8_t>(challenge.kind));
  put_u64_be(bytes, challenge.sequence);
  put_u64_be(bytes, static_cast<std::uint64_t>(challenge.expires.time_since_epoch().count()));
  put_bytes(bytes, as_bytes(challenge.instance));
  put_bytes(bytes, challenge.nonce);
  put_bytes(bytes, challenge.secret_sha256);
  put_u16_be(bytes, static_cast<std::uint16_t>(challenge.attestation_key.size()));
  put_bytes(bytes, challenge.attestation_key);
  const Bytes code = crypto::hmac_sha256(key, bytes);
  put_bytes(bytes, code);
  return to_base64url(bytes);
}

Result<Challenge> open_challenge(std::string_view sealed, ByteView key) {
  const auto bytes = from_base64url(sealed);
  if (!bytes || bytes->size() < kDigestSize) return unknown();
  const ByteView content = ByteView(*bytes).first(bytes->size() - kDigestSize);
  const ByteView code = ByteView(*bytes).last(kDigestSize);
  if (!equal_in_constant_time(crypto::hmac_sha256(key, content), code)) return unknown();
  auto challenge = read(content);
  if (!challenge) return unknown();
  return challenge;
}

}  // namespace slipway::enrolment
