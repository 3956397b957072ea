#pragma once

#include <string_view>

namespace slipway::http {

// True if the URL's host is localhost, or an address of loopback, link-local or private use (RFC 1918, RFC 4193). Names
// are not resolved. False for what is no URL.
bool is_private_url(std::string_view url);

}  // namespace slipway::http
