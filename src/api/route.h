#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::api {

// Compares a path with a pattern such as "/subscriptions/{subscription}/resourceGroups/{group}": literal segments
// without case, as ARM does, "{name}" takes one segment that is not empty. A name that the pattern begins with, as in
// "{scope}/providers/...", takes all that stands before the rest; none is "/". A slash at the end of the path changes
// nothing. The parameters, or nullopt.
std::optional<std::map<std::string, std::string>> match_route(std::string_view pattern, std::string_view path);

}  // namespace slipway::api
