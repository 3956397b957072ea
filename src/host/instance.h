#pragma once

#include <string>

#include "base/result.h"

namespace slipway::host {

// A UUID in lower case: instance ids become names of files, so nothing else passes (kInvalidArgument).
Status check_instance(const std::string& instance);

}  // namespace slipway::host
