#include "tpm/wire.h"

#include <fmt/format.h>

#include <cassert>

namespace slipway::tpm {

Result<ByteView> read_sized(ByteReader& reader, std::size_t limit, std::string_view what) {
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(const std::uint16_t size, reader.u16_be(what));
  if (size > limit)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected a size of {} of at most {} bytes, but it says {}", offset, what,
                            limit, size));
  return reader.take(size, what);
}

void put_sized(Bytes& out, ByteView bytes) {
  assert(bytes.size() <= 0xffff);
  put_u16_be(out, static_cast<std::uint16_t>(bytes.size()));
  put_bytes(out, bytes);
}

}  // namespace slipway::tpm
