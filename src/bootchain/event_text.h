#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"

// Texts inside events, made safe to hand on as UTF-8. Firmware writes ASCII, UCS-2 and anything else.
namespace slipway::bootchain {

// UCS-2 in little-endian byte order up to its first NUL, or to its end, as UTF-8. A lone surrogate stands as \uXXXX; an
// odd last byte is left out.
std::string utf16_text(ByteView bytes);

// The bytes up to a final NUL, unchanged if they are UTF-8; otherwise each byte from 0x80 on stands as \xXX.
std::string utf8_text(ByteView bytes);

// The text if the bytes are printable ASCII (with tabs and line ends) and at most one final NUL; none for empty ones.
std::optional<std::string> ascii_text(ByteView bytes);

// The text if the bytes are UCS-2 that ends in a NUL or at the last byte and holds printable characters alone; none for
// empty ones. The text may be empty: a NUL alone.
std::optional<std::string> printable_utf16_text(ByteView bytes);

// For one line on a terminal: control characters of both sets as \xXX, and cut after `limit` bytes with "..." behind.
// Cuts no UTF-8 sequence.
std::string one_line(std::string_view text, std::size_t limit = 256);

}  // namespace slipway::bootchain
