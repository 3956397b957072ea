#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway {

using Bytes = std::vector<std::uint8_t>;
// A view of bytes that somebody else owns; valid as long as they are.
using ByteView = std::span<const std::uint8_t>;

// The text's bytes, without a terminating NUL. The view lives as long as the text.
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
// The bytes as text, unchanged; it may hold any byte. The view lives as long as the bytes.
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes to_bytes(std::string_view text) { return {text.begin(), text.end()}; }
inline Bytes to_bytes(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteView bytes);
// Takes upper and lower case; an odd length or any other character is kMalformed with its offset.
Result<Bytes> from_hex(std::string_view text);

// Base64 of RFC 4648 section 4, with padding.
std::string to_base64(ByteView bytes);
// Base64url of RFC 4648 section 5, without padding: what JWS uses.
std::string to_base64url(ByteView bytes);
// Strict: wrong length, padding, alphabet or non-zero trailing bits are kMalformed.
Result<Bytes> from_base64(std::string_view text);
Result<Bytes> from_base64url(std::string_view text);

// Equal, in a time that depends on the lengths alone: for secrets and authentication codes.
bool equal_in_constant_time(ByteView left, ByteView right);

}  // namespace slipway
