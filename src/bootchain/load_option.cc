#include "bootchain/load_option.h"

#include "base/byte_reader.h"
#include "bootchain/event_text.h"

namespace slipway::bootchain {

Result<LoadOption> parse_load_option(ByteView value) {
  ByteReader reader(value);
  LoadOption option;
  SLIPWAY_ASSIGN(option.attributes, reader.u32_le("attributes of the load option"));
  SLIPWAY_ASSIGN(const std::uint16_t path_size, reader.u16_le("size of the load option's device path"));
  const std::size_t start = reader.offset();
  for (;;) {
    SLIPWAY_ASSIGN(const std::uint16_t unit, reader.u16_le("load option's description, which ends in a NUL"));
    if (unit == 0) break;
  }
  option.description = utf16_text(value.subspan(start, reader.offset() - start));
  SLIPWAY_ASSIGN(const ByteView path, reader.take(path_size, "load option's device path"));
  option.device_path = to_bytes(path);
  option.optional_data = to_bytes(reader.rest());
  return option;
}

Bytes encode_load_option(const LoadOption& option) {
  Bytes value;
  put_u32_le(value, option.attributes);
  put_u16_le(value, static_cast<std::uint16_t>(option.device_path.size()));
  for (const char character : option.description) put_u16_le(value, static_cast<std::uint8_t>(character));
  put_u16_le(value, 0);
  put_bytes(value, option.device_path);
  put_bytes(value, option.optional_data);
  return value;
}

}  // namespace slipway::bootchain
