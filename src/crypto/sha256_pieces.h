#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/bytes.h"

namespace slipway::crypto {

// SHA-256 of pieces laid end to end, into the 32 bytes of `out`, which may be one of the pieces. What digest_into()
// calls for this algorithm; on its own because it asks OpenSSL in another way than the rest of the room.
void sha256_pieces(std::initializer_list<ByteView> pieces, std::span<std::uint8_t, 32> out);

}  // namespace slipway::crypto
