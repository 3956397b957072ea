#pragma once

#include "base/bytes.h"

namespace slipway::bootchain {

// Unpacks an LZMA stream of the older kind (.lzma, "LZMA alone"), as EDK II packs firmware volumes. The stream must
// name its unpacked size, at most `limit`, or have its end marked. kMalformed where it is cut short or broken, and
// where bytes follow it that are not zero; kResourceExhausted beyond the limit.
Result<Bytes> unpack_lzma(ByteView packed, std::size_t limit);

}  // namespace slipway::bootchain
