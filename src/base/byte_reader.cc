#include "base/byte_reader.h"

#include <fmt/format.h>

namespace slipway {
namespace {

void put_little_endian(Bytes& out, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i) & 0xff));
}

void put_big_endian(Bytes& out, std::uint64_t value, int size) {
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i) & 0xff));
}

}  // namespace

tl::unexpected<Error> ByteReader::too_short(std::size_t count, std::string_view what) const {
  return fail(ErrorCode::kMalformed,
              fmt::format("at offset {}: expected {} ({} bytes), but {} are left", offset(), what, count, remaining()));
}

Status ByteReader::expect_end(std::string_view what) const {
  if (!empty())
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected the end of {}, but {} bytes are left",
                                                   offset(), what, remaining()));
  return {};
}

ByteView ByteReader::rest() {
  const ByteView rest = bytes_.subspan(at_);
  at_ = bytes_.size();
  return rest;
}

void put_u16_be(Bytes& out, std::uint16_t value) { put_big_endian(out, value, 2); }
void put_u32_be(Bytes& out, std::uint32_t value) { put_big_endian(out, value, 4); }
void put_u64_be(Bytes& out, std::uint64_t value) { put_big_endian(out, value, 8); }
void put_u16_le(Bytes& out, std::uint16_t value) { put_little_endian(out, value, 2); }
void put_u32_le(Bytes& out, std::uint32_t value) { put_little_endian(out, value, 4); }
void put_u64_le(Bytes& out, std::uint64_t value) { put_little_endian(out, value, 8); }

}  // namespace slipway
