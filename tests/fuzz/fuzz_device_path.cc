#include "bootchain/device_path.h"
#include "bootchain/load_option.h"

// A device path, and the same bytes as a load option with a path of its own.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  const auto text = bootchain::device_path_text(input);
  // A node's text is at most some six times as long as the node: a UCS-2 unit as \uXXXX, and names around short nodes.
  if (text && text->size() > 64 * bootchain::kMaximumDevicePathNodes + 6 * size) __builtin_trap();
  if (!text && text.error().message.find("at offset ") == std::string::npos) __builtin_trap();
  const auto option = bootchain::parse_load_option(input);
  if (!option) return 0;
  static_cast<void>(bootchain::device_path_text(option->device_path));
  const auto again = bootchain::parse_load_option(bootchain::encode_load_option(*option));
  if (!again || again->device_path != option->device_path || again->optional_data != option->optional_data)
    __builtin_trap();
  return 0;
}
