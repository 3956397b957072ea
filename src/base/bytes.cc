#include "base/bytes.h"

#include <fmt/format.h>

#include <array>

namespace slipway {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

std::string encode64(ByteView bytes, std::string_view alphabet, bool padded) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) {
      if (i <= count)
        text += alphabet[group >> (18 - 6 * i) & 0x3f];
      else if (padded)
        text += '=';
    }
  }
  return text;
}

Result<Bytes> decode64(std::string_view text, std::string_view alphabet, bool padded) {
  if (padded) {
    if (text.size() % 4 != 0)
      return fail(ErrorCode::kMalformed, fmt::format("base64: the length {} is no multiple of 4", text.size()));
    for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1)
    return fail(ErrorCode::kMalformed,
                fmt::format("base64: {} characters encode no whole number of bytes", text.size()));
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  int bits = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto value = alphabet.find(text[at]);
    if (value == std::string_view::npos)
      return fail(ErrorCode::kMalformed, fmt::format("base64: the character at offset {} is not of the alphabet", at));
    group = group << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<std::uint8_t>(group >> bits & 0xff));
    }
  }
  if ((group & ((1U << bits) - 1)) != 0)
    return fail(ErrorCode::kMalformed, "base64: the last character carries bits beyond the last byte");
  return bytes;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 0xf];
  }
  return text;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0)
    return fail(ErrorCode::kMalformed, fmt::format("hex: {} digits are no whole number of bytes", text.size()));
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t at = 0; at < text.size(); at += 2) {
    const int high = hex_value(text[at]);
    const int low = hex_value(text[at + 1]);
    if (high < 0 || low < 0)
      return fail(ErrorCode::kMalformed, fmt::format("hex: no hexadecimal digit at offset {}", high < 0 ? at : at + 1));
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return bytes;
}

std::string to_base64(ByteView bytes) { return encode64(bytes, kBase64, true); }
std::string to_base64url(ByteView bytes) { return encode64(bytes, kBase64Url, false); }
Result<Bytes> from_base64(std::string_view text) { return decode64(text, kBase64, true); }
Result<Bytes> from_base64url(std::string_view text) { return decode64(text, kBase64Url, false); }

bool equal_in_constant_time(ByteView left, ByteView right) {
  if (left.size() != right.size()) return false;
  std::uint8_t difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i)
    difference = static_cast<std::uint8_t>(difference | (left[i] ^ right[i]));
  return difference == 0;
}

}  // namespace slipway
