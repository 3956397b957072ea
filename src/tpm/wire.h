#pragma once

#include "base/byte_reader.h"

// Pieces that all TPM structures share. Private to this room.
namespace slipway::tpm {

// A TPM2B: a size of two bytes, then as many bytes; kMalformed if it says more than `limit`.
Result<ByteView> read_sized(ByteReader& reader, std::size_t limit, std::string_view what);
// The other way. The bytes' count must fit 16 bits.
void put_sized(Bytes& out, ByteView bytes);

}  // namespace slipway::tpm
