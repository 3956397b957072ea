#pragma once

#include "base/result.h"

namespace slipway {

// The class of failure that an HTTP status stands for, by RFC 9110 and RFC 6585; kUnavailable for one that they do not
// name. A caller whose server means something else by a status says so itself. api/arm_error.h is the other direction.
ErrorCode error_code_of_http(int status);

}  // namespace slipway
