#include "bootchain/efi_guid.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::bootchain {
namespace {

// Which wire byte each two digits of the registry form stand for.
constexpr std::array<std::size_t, 16> kTextOrder{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

bool is_hyphen_before(std::size_t index) { return index == 4 || index == 6 || index == 8 || index == 10; }

}  // namespace

Result<EfiGuid> read_guid(ByteReader& reader, std::string_view what) {
  SLIPWAY_ASSIGN(const ByteView bytes, reader.take(16, what));
  EfiGuid guid;
  std::copy(bytes.begin(), bytes.end(), guid.bytes.begin());
  return guid;
}

std::string to_string(const EfiGuid& guid) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t at = 0;
  for (std::size_t i = 0; i < kTextOrder.size(); ++i) {
    if (is_hyphen_before(i)) ++at;
    const std::uint8_t byte = guid.bytes[kTextOrder[i]];
    text[at++] = kDigits[byte >> 4];
    text[at++] = kDigits[byte & 0xf];
  }
  return text;
}

Result<EfiGuid> guid_from_text(std::string_view text) {
  const auto malformed = [&] { return fail(ErrorCode::kMalformed, fmt::format("\"{}\" is not a GUID", text)); };
  if (text.size() != 36) return malformed();
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen != (text[i] == '-')) return malformed();
    if (!hyphen) digits.push_back(text[i]);
  }
  const auto bytes = from_hex(digits);
  if (!bytes) return malformed();
  EfiGuid guid;
  for (std::size_t i = 0; i < kTextOrder.size(); ++i) guid.bytes[kTextOrder[i]] = (*bytes)[i];
  return guid;
}

}  // namespace slipway::bootchain
