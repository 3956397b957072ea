#pragma once

#include <string>
#include <string_view>

namespace slipway::control {

// The text in quotes, control characters, quotes and backslashes escaped: what a guest wrote cannot forge a log line.
std::string log_quoted(std::string_view text);

}  // namespace slipway::control
