#include "api/odata.h"
#include "api/route.h"
#include "api/text.h"
#include "http/target.h"

// What stands in a request's first line and in a form: path, query, $filter.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(api::parse_form(text));
  if (const auto terms = api::parse_filter(text); terms && text.size() > api::kMaximumFilter) __builtin_trap();

  http::Request request;
  if (!http::read_target(text, request)) return 0;
  if (request.path.empty() || request.path.front() != '/') __builtin_trap();
  if (request.path.find("//") != std::string::npos || request.path.find('\0') != std::string::npos) __builtin_trap();
  for (const std::string_view pattern :
       {"/subscriptions/{subscription}/resourceGroups/{group}",
        "{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment}", "/{tenant}/oauth2/v2.0/token"}) {
    const auto match = api::match_route(pattern, request.path);
    if (!match) continue;
    for (const auto& [name, value] : *match) {
      if (value.empty()) __builtin_trap();
      if (name != "scope" && value.find('/') != std::string::npos) __builtin_trap();
    }
  }
  // What was decoded can be sent again and means the same.
  http::Request again;
  if (!http::read_target(api::percent_encoded(request.path, "/"), again) || again.path != request.path)
    __builtin_trap();
  if (const auto filter = request.query.find("$filter"); filter != request.query.end()) {
    static_cast<void>(api::parse_filter(filter->second));
  }
  return 0;
}
