#pragma once

#include <string_view>

namespace slipway::fleet {

// The file of that path below data/, as it was when this program was built; empty where there is none. The build
// generates the definition (cmake/embed.cmake).
std::string_view built_in_file(std::string_view path);

}  // namespace slipway::fleet
