#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace slipway::api {

// The one table from errors to HTTP and ARM. An error's own reason is its ARM code; without one the class's code
// serves.
int http_status(const Error& error);
std::string_view arm_code(const Error& error);

// {"error":{"code","message","target"?,"details"?}} with the first error's status; several errors are all in details.
// There must be at least one.
http::Response error_response(const std::vector<Error>& errors);
inline http::Response error_response(const Error& error) { return error_response(std::vector<Error>{error}); }

}  // namespace slipway::api
