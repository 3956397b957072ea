#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace slipway::api {

// RFC 3986 section 2.3: everything but letters, digits, "-._~" and the characters of `also_plain`.
std::string percent_encoded(std::string_view text, std::string_view also_plain = {});

// application/x-www-form-urlencoded; nullopt for bad percent-encoding or a name given twice.
std::optional<std::map<std::string, std::string>> parse_form(std::string_view body);

}  // namespace slipway::api
