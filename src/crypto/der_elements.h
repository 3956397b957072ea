#pragma once

#include <optional>

#include "base/bytes.h"

// What is looked at in DER (ITU-T X.690, 8.1) before OpenSSL sees it.
namespace slipway::crypto {

// The content of the element that the bytes begin with; they then begin behind it. None where they do not begin with an
// element of a definite length that they hold.
std::optional<ByteView> take_element(ByteView& bytes);

// More than any honest certificate or signature has; a hundred kilobytes of nothing but elements have ten times as
// many.
inline constexpr int kMaximumDerElements = 4096;

// Whether the bytes have at most kMaximumDerElements elements, those inside of others and inside of octet strings
// (extensions) too, and none deeper than 64: OpenSSL takes up to a microsecond for each, however few bytes it has. Says
// nothing else of the bytes.
bool has_few_elements(ByteView der);

}  // namespace slipway::crypto
