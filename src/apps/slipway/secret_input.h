#pragma once

#include <string>

#include "base/result.h"

namespace slipway::cli {

// A secret: `given` itself; standard input's first line if it is "-"; where it is empty, what SLIPWAY_CLIENT_SECRET
// holds, or what is typed, unseen, at the terminal. kInvalidArgument where nobody can be asked, or nothing is said.
Result<std::string> secret_from(const std::string& given);

}  // namespace slipway::cli
