#include "bootchain/event_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "base/utf8.h"

namespace slipway::bootchain {
namespace {

bool is_high_surrogate(std::uint32_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low_surrogate(std::uint32_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

std::uint32_t unit_at(ByteView bytes, std::size_t index) {
  return static_cast<std::uint32_t>(bytes[2 * index]) | static_cast<std::uint32_t>(bytes[2 * index + 1]) << 8;
}

bool is_continuation(std::uint8_t byte) { return (byte & 0xc0) == 0x80; }

bool is_printable(std::uint32_t unit) {
  return (unit >= 0x20 && unit < 0x7f) || (unit >= 0xa0 && unit < 0xd800) || unit == '\t' || unit == '\n' ||
         unit == '\r';
}

}  // namespace

std::string utf16_text(ByteView bytes) {
  std::string text;
  const std::size_t count = bytes.size() / 2;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t unit = unit_at(bytes, i);
    if (unit == 0) break;
    if (is_high_surrogate(unit) && i + 1 < count && is_low_surrogate(unit_at(bytes, i + 1))) {
      append_utf8(text, 0x10000 + ((unit - 0xd800) << 10) + (unit_at(bytes, i + 1) - 0xdc00));
      ++i;
    } else if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
      fmt::format_to(std::back_inserter(text), "\\u{:04x}", unit);
    } else {
      append_utf8(text, unit);
    }
  }
  return text;
}

std::string utf8_text(ByteView bytes) {
  if (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
  if (is_utf8(as_text(bytes))) return std::string(as_text(bytes));
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (byte < 0x80)
      text.push_back(static_cast<char>(byte));
    else
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", byte);
  }
  return text;
}

std::optional<std::string> ascii_text(ByteView bytes) {
  if (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
  const bool printable =
      std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte < 0x80 && is_printable(byte); });
  if (bytes.empty() || !printable) return std::nullopt;
  return std::string(as_text(bytes));
}

std::optional<std::string> printable_utf16_text(ByteView bytes) {
  if (bytes.empty() || bytes.size() % 2 != 0) return std::nullopt;
  const std::size_t count = bytes.size() / 2;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t unit = unit_at(bytes, i);
    if (unit == 0 && i + 1 == count) break;
    if (!is_printable(unit)) return std::nullopt;
  }
  return utf16_text(bytes);
}

std::string one_line(std::string_view text, std::size_t limit) {
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (line.size() >= limit && !is_continuation(byte)) return line + "...";
    // U+0080 to U+009F, the second set of control characters.
    const bool second_set = byte == 0xc2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xa0;
    if (second_set) ++i;
    if (second_set || byte < 0x20 || byte == 0x7f)
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<std::uint8_t>(text[i]));
    else
      line.push_back(text[i]);
  }
  return line;
}

}  // namespace slipway::bootchain
