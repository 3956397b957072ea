#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace slipway {

// What a parser says of bytes that have not their form, kMalformed: "at offset N: expected `what`".
tl::unexpected<Error> expected_at(std::size_t offset, std::string_view what);

}  // namespace slipway
