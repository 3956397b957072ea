#include "image/firmware_constants.h"

#include <array>

#include "crypto/digest.h"

namespace slipway::image {

Bytes separator_digest() { return crypto::sha256(std::array<std::uint8_t, 4>{}); }

Bytes firmware_version_digest() { return crypto::sha256(std::array<std::uint8_t, 2>{}); }

}  // namespace slipway::image
