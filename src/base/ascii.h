#pragma once

#include <string>
#include <string_view>

// Letters as ASCII has them, whatever the locale.
namespace slipway {

constexpr char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string lower_case(std::string_view text);
bool equal_without_case(std::string_view left, std::string_view right);

// What a stranger wrote, for a person to read: the first `limit` bytes, with '?' for each outside of 0x20 to 0x7e.
std::string printable_ascii(std::string_view text, std::size_t limit = std::string_view::npos);

}  // namespace slipway
