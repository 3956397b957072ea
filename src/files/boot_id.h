#pragma once

#include <string>

#include "base/result.h"

namespace slipway::files {

// What the kernel calls its own boot; another one after each start of the machine.
Result<std::string> read_boot_id();

}  // namespace slipway::files
