#include "api/route.h"

#include "api/call.h"

namespace slipway::api {
namespace {

// The next segment of "/a/b", and moves `path` behind it.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

}  // namespace

std::optional<std::map<std::string, std::string>> match_route(std::string_view pattern, std::string_view path) {
  std::map<std::string, std::string> parameters;
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_segment(pattern);
    const std::string_view given = take_segment(path);
    if (!wanted.empty() && wanted.front() == '{') {
      if (given.empty()) return {};
      parameters.emplace(wanted.substr(1, wanted.size() - 2), given);
    } else if (!equal_without_case(wanted, given)) {
      return {};
    }
  }
  if (!pattern.empty() || !path.empty()) return {};
  return parameters;
}

}  // namespace slipway::api
