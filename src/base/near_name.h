#pragma once

#include <span>
#include <string>
#include <string_view>

namespace slipway {

// The candidate that `name` was most likely meant to be: the fewest letters added, left out, changed or swapped with
// their neighbour, upper and lower case being the same; at most a third of the longer of the two. Empty if none is that
// near, or if one is the name itself. The first of several equals wins. Names of more than 100 bytes are near to none.
std::string near_name(std::string_view name, std::span<const std::string> candidates);

// " Did you mean 'near'?", or nothing if `near` is empty: what stands behind a message.
std::string did_you_mean(std::string_view near);

}  // namespace slipway
