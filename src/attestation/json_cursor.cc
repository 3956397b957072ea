#include "attestation/json_cursor.h"

#include <fmt/format.h>

#include <charconv>

#include "base/utf8.h"

namespace slipway::attestation {
namespace {

constexpr std::size_t kMaximumKey = 256;
constexpr int kMaximumDepth = 32;

bool is_digit(char character) { return character >= '0' && character <= '9'; }

}  // namespace

tl::unexpected<Error> JsonCursor::malformed(std::size_t offset, std::string_view message) const {
  return fail(ErrorCode::kMalformed, fmt::format("at byte {} of {}: {}", offset, what_, message));
}

void JsonCursor::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
    ++at_;
  }
}

bool JsonCursor::take(char character) {
  skip_space();
  if (at_ >= text_.size() || text_[at_] != character) return false;
  ++at_;
  return true;
}

Status JsonCursor::expect(char character, std::string_view meaning) {
  if (take(character)) return {};
  return malformed(at_, fmt::format("expected {}", meaning));
}

Status JsonCursor::enter_object() {
  SLIPWAY_TRY(expect('{', "an object"));
  first_ = true;
  return {};
}

Result<bool> JsonCursor::next_key(std::string& key) {
  if (take('}')) {
    first_ = false;
    return false;
  }
  if (!first_) SLIPWAY_TRY(expect(',', "a comma or the end of the object"));
  first_ = false;
  skip_space();
  SLIPWAY_ASSIGN(key, string(kMaximumKey));
  SLIPWAY_TRY(expect(':', "a colon behind the key"));
  return true;
}

Status JsonCursor::expect_key(std::string_view key) {
  skip_space();
  const std::size_t start = at_;
  std::string found;
  SLIPWAY_ASSIGN(const bool more, next_key(found));
  if (!more || found != key) return malformed(start, fmt::format("expected the key \"{}\"", key));
  return {};
}

Status JsonCursor::leave_object() {
  first_ = false;
  return expect('}', "the end of the object");
}

Status JsonCursor::enter_array() {
  SLIPWAY_TRY(expect('[', "an array"));
  first_ = true;
  return {};
}

Result<bool> JsonCursor::next_element() {
  if (take(']')) {
    first_ = false;
    return false;
  }
  if (!first_) SLIPWAY_TRY(expect(',', "a comma or the end of the array"));
  first_ = false;
  skip_space();
  return true;
}

Result<std::uint32_t> JsonCursor::four_digits() {
  std::uint32_t value = 0;
  if (text_.size() - at_ < 4) return malformed(at_, "expected four hexadecimal digits");
  const char* const begin = text_.data() + at_;
  const auto [end, code] = std::from_chars(begin, begin + 4, value, 16);
  if (code != std::errc() || end != begin + 4) return malformed(at_, "expected four hexadecimal digits");
  at_ += 4;
  return value;
}

Status JsonCursor::append_code_point(std::string& out) {
  const std::size_t start = at_;
  SLIPWAY_ASSIGN(std::uint32_t point, four_digits());
  if (point >= 0xdc00 && point <= 0xdfff) return malformed(start, "a low surrogate without its high one");
  if (point >= 0xd800 && point <= 0xdbff) {
    if (text_.substr(at_, 2) != "\\u") return malformed(at_, "expected the low surrogate of a pair");
    at_ += 2;
    SLIPWAY_ASSIGN(const std::uint32_t low, four_digits());
    if (low < 0xdc00 || low > 0xdfff) return malformed(start, "expected the low surrogate of a pair");
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(out, point);
  return {};
}

Result<char> JsonCursor::escape() {
  const std::size_t start = at_;
  const char character = at_ < text_.size() ? text_[at_++] : '\0';
  switch (character) {
    case '"':
    case '\\':
    case '/':
      return character;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return malformed(start, "expected an escape that JSON knows");
  }
}

Result<std::string> JsonCursor::string(std::size_t maximum) {
  SLIPWAY_TRY(expect('"', "a string"));
  const std::size_t start = at_ - 1;
  std::string out;
  while (true) {
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != '"' && text_[end] != '\\' &&
           static_cast<unsigned char>(text_[end]) >= 0x20)
      ++end;
    if (end - at_ > maximum - out.size())
      return malformed(start, fmt::format("a string of more than {} bytes", maximum));
    out.append(text_.substr(at_, end - at_));
    at_ = end;
    if (at_ == text_.size()) return malformed(at_, "expected the end of the string");
    if (text_[at_] == '"') break;
    if (text_[at_] != '\\') return malformed(at_, "a control character inside a string");
    ++at_;
    if (at_ < text_.size() && text_[at_] == 'u') {
      ++at_;
      SLIPWAY_TRY(append_code_point(out));
    } else {
      SLIPWAY_ASSIGN(const char character, escape());
      out.push_back(character);
    }
    if (out.size() > maximum) return malformed(start, fmt::format("a string of more than {} bytes", maximum));
  }
  ++at_;
  return out;
}

Result<std::int64_t> JsonCursor::integer(std::int64_t minimum, std::int64_t maximum) {
  skip_space();
  const std::size_t start = at_;
  const auto wrong = [&] {
    return malformed(start, fmt::format("expected a whole number from {} to {}", minimum, maximum));
  };
  std::size_t end = at_ < text_.size() && text_[at_] == '-' ? at_ + 1 : at_;
  const std::size_t digits = end;
  while (end < text_.size() && is_digit(text_[end])) ++end;
  const bool fraction = end < text_.size() && (text_[end] == '.' || text_[end] == 'e' || text_[end] == 'E');
  if (end == digits || (text_[digits] == '0' && end - digits > 1) || fraction) return wrong();
  std::int64_t value = 0;
  const auto [stopped, code] = std::from_chars(text_.data() + at_, text_.data() + end, value);
  if (code != std::errc() || stopped != text_.data() + end || value < minimum || value > maximum) return wrong();
  at_ = end;
  return value;
}

Result<bool> JsonCursor::boolean() {
  skip_space();
  for (const std::string_view word : {"true", "false"}) {
    if (text_.substr(at_, word.size()) != word) continue;
    at_ += word.size();
    return word == "true";
  }
  return malformed(at_, "expected true or false");
}

Result<bool> JsonCursor::null() {
  skip_space();
  if (text_.substr(at_, 4) != "null") return false;
  at_ += 4;
  return true;
}

Result<Bytes> JsonCursor::base64(std::size_t maximum) {
  skip_space();
  const std::size_t start = at_;
  SLIPWAY_ASSIGN(const std::string text, string((maximum + 2) / 3 * 4));
  auto bytes = from_base64(text);
  if (!bytes) return malformed(start, fmt::format("expected base64: {}", bytes.error().message));
  if (bytes->size() > maximum) return malformed(start, fmt::format("base64 of more than {} bytes", maximum));
  return *std::move(bytes);
}

Status JsonCursor::skip_value(int depth) {
  skip_space();
  if (depth > kMaximumDepth) return malformed(at_, "more than 32 levels");
  const char character = at_ < text_.size() ? text_[at_] : '\0';
  if (character == '{') {
    SLIPWAY_TRY(enter_object());
    std::string key;
    while (true) {
      SLIPWAY_ASSIGN(const bool more, next_key(key));
      if (!more) return {};
      SLIPWAY_TRY(skip_value(depth + 1));
    }
  }
  if (character == '[') {
    SLIPWAY_TRY(enter_array());
    while (true) {
      SLIPWAY_ASSIGN(const bool more, next_element());
      if (!more) return {};
      SLIPWAY_TRY(skip_value(depth + 1));
    }
  }
  if (character == '"') {
    SLIPWAY_TRY(string(text_.size()));
    return {};
  }
  if (character == 't' || character == 'f') {
    SLIPWAY_TRY(boolean());
    return {};
  }
  SLIPWAY_ASSIGN(const bool was_null, null());
  if (was_null) return {};
  SLIPWAY_TRY(integer(INT64_MIN, INT64_MAX));
  return {};
}

Result<std::string_view> JsonCursor::raw_value() {
  skip_space();
  const std::size_t start = at_;
  SLIPWAY_TRY(skip_value(0));
  return text_.substr(start, at_ - start);
}

Status JsonCursor::finish() {
  skip_space();
  if (at_ != text_.size()) return malformed(at_, "expected the end");
  return {};
}

}  // namespace slipway::attestation
