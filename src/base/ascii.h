#pragma once

#include <string>
#include <string_view>

// Letters as ASCII has them, whatever the locale.
namespace slipway {

constexpr char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string lower_case(std::string_view text);
bool equal_without_case(std::string_view left, std::string_view right);

}  // namespace slipway
