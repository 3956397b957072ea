#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"

// Text whose bytes somebody else chose, made fit for errors, findings, logs and JSON.
namespace slipway {

// At most `limit` bytes of it, with '?' for each that is not printable ASCII: what of a guest's bytes may stand in a
// sentence.
std::string printable(std::string_view text, std::size_t limit = 256);

// At most `limit` digits of the bytes in hexadecimal; where that is not all of them, "... (N bytes)" stands behind.
std::string bounded_hex(ByteView bytes, std::size_t limit = 128);

// How long the UTF-8 sequence is that the bytes begin with (RFC 3629, section 4): 1 to 4, or 0 where they begin with
// none. They must not be empty.
std::size_t utf8_sequence(std::string_view text);

bool is_utf8(std::string_view text);

// The text itself where it is UTF-8; otherwise with U+FFFD for each byte that belongs to no sequence. JSON with any
// other byte is no JSON (RFC 8259, 8.1), and what writes it may not be able to read it again.
std::string valid_utf8(std::string text);

}  // namespace slipway
