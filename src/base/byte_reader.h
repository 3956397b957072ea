#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace slipway {

// Walks over bytes that may lie about their own lengths. Every read checks what is left first; a read that does not
// fit returns kMalformed, naming the offset and what was expected there, and moves nothing. Does not own the bytes.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes, std::size_t base_offset = 0) : bytes_(bytes), base_offset_(base_offset) {}

  // Where the next read starts, counted from the outermost span's beginning.
  std::size_t offset() const { return base_offset_ + at_; }
  std::size_t remaining() const { return bytes_.size() - at_; }
  bool empty() const { return remaining() == 0; }

  // `what` names the field for the error message: "TPM2B size of extraData".
  Result<ByteView> take(std::size_t count, std::string_view what) {
    if (count > remaining()) return too_short(count, what);
    const ByteView taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  Result<std::uint8_t> u8(std::string_view what) { return little_endian<std::uint8_t>(what); }
  Result<std::uint16_t> u16_le(std::string_view what) { return little_endian<std::uint16_t>(what); }
  Result<std::uint32_t> u32_le(std::string_view what) { return little_endian<std::uint32_t>(what); }
  Result<std::uint64_t> u64_le(std::string_view what) { return little_endian<std::uint64_t>(what); }
  Result<std::uint16_t> u16_be(std::string_view what) { return big_endian<std::uint16_t>(what); }
  Result<std::uint32_t> u32_be(std::string_view what) { return big_endian<std::uint32_t>(what); }
  Result<std::uint64_t> u64_be(std::string_view what) { return big_endian<std::uint64_t>(what); }
  // kMalformed unless every byte was read.
  Status expect_end(std::string_view what) const;
  // All that is left.
  ByteView rest();

 private:
  template <typename Integer>
  Result<Integer> little_endian(std::string_view what) {
    if (sizeof(Integer) > remaining()) return too_short(sizeof(Integer), what);
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(Integer); i-- > 0;) value = value << 8 | bytes_[at_ + i];
    at_ += sizeof(Integer);
    return static_cast<Integer>(value);
  }
  template <typename Integer>
  Result<Integer> big_endian(std::string_view what) {
    if (sizeof(Integer) > remaining()) return too_short(sizeof(Integer), what);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i) value = value << 8 | bytes_[at_ + i];
    at_ += sizeof(Integer);
    return static_cast<Integer>(value);
  }
  tl::unexpected<Error> too_short(std::size_t count, std::string_view what) const;

  ByteView bytes_;
  std::size_t base_offset_ = 0;
  std::size_t at_ = 0;
};

// Appends integers in a given byte order: the other direction.
void put_u16_be(Bytes& out, std::uint16_t value);
void put_u32_be(Bytes& out, std::uint32_t value);
void put_u64_be(Bytes& out, std::uint64_t value);
void put_u16_le(Bytes& out, std::uint16_t value);
void put_u32_le(Bytes& out, std::uint32_t value);
void put_u64_le(Bytes& out, std::uint64_t value);
inline void put_bytes(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

}  // namespace slipway
