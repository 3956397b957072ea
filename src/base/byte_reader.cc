#include "base/byte_reader.h"

#include <fmt/format.h>

namespace slipway {
namespace {

std::uint64_t from_little_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

std::uint64_t from_big_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

void put_little_endian(Bytes& out, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i) & 0xff));
}

void put_big_endian(Bytes& out, std::uint64_t value, int size) {
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i) & 0xff));
}

}  // namespace

Result<ByteView> ByteReader::take(std::size_t count, std::string_view what) {
  if (count > remaining())
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected {} ({} bytes), but {} are left", offset(),
                                                   what, count, remaining()));
  const ByteView taken = bytes_.subspan(at_, count);
  at_ += count;
  return taken;
}

Result<std::uint8_t> ByteReader::u8(std::string_view what) {
  return take(1, what).map([](ByteView bytes) { return bytes[0]; });
}
Result<std::uint16_t> ByteReader::u16_le(std::string_view what) {
  return take(2, what).map([](ByteView bytes) { return static_cast<std::uint16_t>(from_little_endian(bytes)); });
}
Result<std::uint32_t> ByteReader::u32_le(std::string_view what) {
  return take(4, what).map([](ByteView bytes) { return static_cast<std::uint32_t>(from_little_endian(bytes)); });
}
Result<std::uint64_t> ByteReader::u64_le(std::string_view what) { return take(8, what).map(from_little_endian); }
Result<std::uint16_t> ByteReader::u16_be(std::string_view what) {
  return take(2, what).map([](ByteView bytes) { return static_cast<std::uint16_t>(from_big_endian(bytes)); });
}
Result<std::uint32_t> ByteReader::u32_be(std::string_view what) {
  return take(4, what).map([](ByteView bytes) { return static_cast<std::uint32_t>(from_big_endian(bytes)); });
}
Result<std::uint64_t> ByteReader::u64_be(std::string_view what) { return take(8, what).map(from_big_endian); }

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
