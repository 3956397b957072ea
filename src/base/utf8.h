#pragma once

#include <cstdint>
#include <string>

namespace slipway {

// Appends a code point of at most 0x10ffff as UTF-8 (RFC 3629). Surrogates are the caller's to refuse.
void append_utf8(std::string& out, std::uint32_t point);

}  // namespace slipway
