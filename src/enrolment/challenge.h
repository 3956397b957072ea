#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

// The opaque text that carries the server's memory of a challenge out to the node and back. Whoever holds it learns
// nothing that the node was not told. docs/formats/enrolment.md, "Challenge".
namespace slipway::enrolment {

enum class ChallengeKind : std::uint8_t { kEnrol = 1, kAttest = 2, kRenewal = 3 };

struct Challenge {
  ChallengeKind kind = ChallengeKind::kEnrol;
  std::uint64_t sequence = 0;  // rises with each challenge of a server process
  Time expires{};
  std::string instance;   // 36 characters
  Bytes nonce;            // 32 bytes
  Bytes secret_sha256;    // of the credential's secret; 32 zeros for a renewal
  Bytes attestation_key;  // TPMT_PUBLIC; empty for a renewal
};

// base64url(version || kind || sequence || expiry || instance || nonce || secret_sha256 || size || attestation key ||
// HMAC-SHA-256 of all before), integers big-endian.
std::string seal_challenge(const Challenge& challenge, ByteView key);
// What was sealed under this key; kPermissionDenied with the reason UnknownNonce for anything else. Says nothing of
// instance, kind, expiry or use: those are the caller's to check.
Result<Challenge> open_challenge(std::string_view sealed, ByteView key);

}  // namespace slipway::enrolment
