#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/key.h"

namespace slipway::crypto {

// JWS compact serialisation (RFC 7515 section 7.1) with ES256 (RFC 7518 section 3.4) and nothing else: a key is bound
// to one algorithm, the header's "alg" is compared and never chosen by, "none" does not exist.

// Signs the payload with a P-256 key; the header is {"alg":"ES256","kid":key_id,"typ":type}.
Result<std::string> sign_jws(const PrivateKey& key, std::string_view key_id, std::string_view type,
                             std::string_view payload);

// The key id that the header claims: for finding the key, before anything is verified. kMalformed if it has none.
Result<std::string> unverified_jws_key_id(std::string_view token);

// The payload, once the signature holds and alg is ES256 and typ is `type`; kUnauthenticated otherwise. At most 16 KiB.
Result<std::string> verify_jws(const PublicKey& key, std::string_view type, std::string_view token);

// The key as a JWK (RFC 7517) object: {"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":...,"x":...,"y":...}.
Result<std::string> to_jwk(const PublicKey& key, std::string_view key_id);

}  // namespace slipway::crypto
