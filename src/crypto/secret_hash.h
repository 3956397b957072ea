#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace slipway::crypto {

// A salted slow hash (scrypt, RFC 7914, N=2^14 r=8 p=1) as one printable line: "scrypt$14$8$1$<salt>$<hash>".
std::string hash_secret(std::string_view secret, Random& random);
// True if the line was made from that secret; false for a line of any other form. Constant time in the hash.
bool matches_secret_hash(std::string_view line, std::string_view secret);
// A line that no secret is known to match: what is compared where there is no such client, so that the answer takes as
// long as for one that there is.
inline constexpr std::string_view kNobodysSecretHash =
    "scrypt$14$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

}  // namespace slipway::crypto
