#include "bootchain/efi_variable.h"

#include <fmt/format.h>

namespace slipway::bootchain {
namespace {

constexpr std::uint64_t kMaximumNameLength = 256;

}  // namespace

Result<EfiVariable> decode_variable_data(ByteView event_data) {
  ByteReader reader(event_data);
  EfiVariable variable;
  SLIPWAY_ASSIGN(variable.vendor, read_guid(reader, "variable's vendor GUID"));
  SLIPWAY_ASSIGN(const std::uint64_t name_length, reader.u64_le("length of the variable's name"));
  SLIPWAY_ASSIGN(const std::uint64_t value_size, reader.u64_le("size of the variable's value"));
  if (name_length > kMaximumNameLength)
    return fail(
        ErrorCode::kMalformed,
        fmt::format("at offset 16: expected a variable's name of at most 256 characters, but it has {}", name_length));
  for (std::uint64_t i = 0; i < name_length; ++i) {
    SLIPWAY_ASSIGN(const std::uint16_t character, reader.u16_le("variable's name"));
    variable.name.push_back(character >= 0x20 && character < 0x7f ? static_cast<char>(character) : '?');
  }
  if (value_size != reader.remaining())
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected a value of {} bytes of variable {}, but {} are left",
                            reader.offset(), value_size, variable.name, reader.remaining()));
  variable.value = to_bytes(reader.rest());
  return variable;
}

Bytes encode_variable_data(const EfiVariable& variable) {
  Bytes data;
  put_bytes(data, variable.vendor.bytes);
  put_u64_le(data, variable.name.size());
  put_u64_le(data, variable.value.size());
  for (const char character : variable.name) put_u16_le(data, static_cast<std::uint8_t>(character));
  put_bytes(data, variable.value);
  return data;
}

}  // namespace slipway::bootchain
