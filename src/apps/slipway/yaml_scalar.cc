#include "apps/slipway/yaml_scalar.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"

namespace slipway::cli {
namespace {

// YAML 1.1, types bool and null: each as it stands, with a capital, and in capitals.
constexpr std::string_view kBooleans[] = {"y", "yes", "n", "no", "true", "false", "on", "off"};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size() || text.empty()) return false;
  if (!std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return lower_case(a) == b; }))
    return false;
  const auto capitals = std::count_if(text.begin(), text.end(), is_upper);
  return capitals == 0 || static_cast<std::size_t>(capitals) == text.size() || (capitals == 1 && is_upper(text[0]));
}

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_integer(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  if (text.starts_with("0x") || text.starts_with("0X")) return all_of(text.substr(2), "0123456789abcdefABCDEF_");
  if (text.starts_with("0b") || text.starts_with("0B")) return all_of(text.substr(2), "01_");
  if (text.starts_with("0o") || text.starts_with("0O")) return all_of(text.substr(2), "01234567_");
  return !text.empty() && is_digit(text[0]) && all_of(text, "0123456789_");
}

bool is_float(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  // ".NaN" is written so, ".INF" too: any case is quoted.
  std::string word(text);
  word = lower_case(word);
  if (word == ".inf" || word == ".nan") return true;
  const std::size_t exponent = text.find_first_of("eE");
  std::string_view mantissa = text.substr(0, exponent);
  if (exponent != std::string_view::npos) {
    std::string_view power = text.substr(exponent + 1);
    if (power.starts_with('+') || power.starts_with('-')) power.remove_prefix(1);
    if (!all_of(power, "0123456789")) return false;
  }
  return all_of(mantissa, "0123456789._") && std::count(mantissa.begin(), mantissa.end(), '.') <= 1 &&
         std::any_of(mantissa.begin(), mantissa.end(), is_digit);
}

// "2026-11-23", and whatever follows it.
bool is_timestamp(std::string_view text) {
  if (text.size() < 8 || !all_of(text.substr(0, 4), "0123456789") || text[4] != '-') return false;
  const std::size_t second = text.find('-', 5);
  return second != std::string_view::npos && all_of(text.substr(5, second - 5), "0123456789") &&
         second + 1 < text.size() && is_digit(text[second + 1]) &&
         text.find_first_not_of("0123456789-:.TtZz+ ") == std::string_view::npos;
}

}  // namespace

YamlScalar plain_scalar_type(std::string_view text) {
  if (text.empty() || text == "~" || is_word(text, "null")) return YamlScalar::kNull;
  for (const std::string_view word : kBooleans)
    if (is_word(text, word)) return YamlScalar::kBoolean;
  if (is_integer(text)) return YamlScalar::kInteger;
  if (is_float(text)) return YamlScalar::kFloat;
  return is_timestamp(text) ? YamlScalar::kTimestamp : YamlScalar::kText;
}

bool is_plain_yaml_text(std::string_view text) {
  if (plain_scalar_type(text) != YamlScalar::kText) return false;
  const bool has_control =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`= ";
  // Ends of lines, and the byte order mark, which YAML takes for nothing.
  constexpr std::string_view kSeparators[] = {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf"};
  const bool has_separator = std::any_of(std::begin(kSeparators), std::end(kSeparators),
                                         [text](std::string_view each) { return text.find(each) != text.npos; });
  if (has_control || has_separator || kIndicators.find(text.front()) != std::string_view::npos) return false;
  return text.back() != ' ' && text.back() != ':' && text.find(": ") == std::string_view::npos &&
         text.find(" #") == std::string_view::npos;
}

}  // namespace slipway::cli
