#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

// JSON whose errors say where in the file they are.
namespace slipway::image {

// A document that was parsed, beside its text, which it borrows.
struct JsonDocument {
  boost::json::value value;
  std::string_view text;
};

// At most `maximum` bytes, 8 levels, and some 4096 values and one for each 16 bytes. kMalformed, with the offset at
// which the text is no longer JSON; `name` says in messages what the document is: "the image manifest".
Result<JsonDocument> parse_json_document(std::string_view text, std::size_t maximum, std::string_view name);

// Where in the text of a good document the value of a path begins: "/events/3/sha256" is the member sha256 of the
// fourth element of the member events. Where there is no such value, where the innermost one on the way to it begins.
// Of members of one name the last counts, as when they are read; a name with an escape in it is not found.
std::size_t offset_in_json(std::string_view text, std::string_view path);

}  // namespace slipway::image
