#pragma once

#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace slipway::http {

// Splits a request target in origin form (RFC 9112 section 3.2.1) into the request's path and query, decoded. Repeated
// slashes become one. kMalformed for any other form, bad percent-encoding, an encoded '/' or NUL in the path, and a
// segment "." or "..", encoded or not: what is compared with a route must mean one thing only.
Status read_target(std::string_view target, Request& request);

// True for what a Host field may hold (RFC 9110 section 7.2) without surprises: a name, an IPv4 address or a bracketed
// IPv6 address, and a port. It is copied into URLs of answers.
bool is_plain_host(std::string_view host);

}  // namespace slipway::http
