#include "api/route.h"

#include <algorithm>

#include "api/text.h"

namespace slipway::api {
namespace {

// The next segment of "/a/b", and moves `path` behind it.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

// Where the last `count` segments of "/a/b/c" begin; nullopt where there are fewer.
std::optional<std::size_t> start_of_last(std::string_view path, std::size_t count) {
  std::size_t start = path.size();
  for (; count > 0; --count) {
    if (start == 0) return {};
    start = path.rfind('/', start - 1);
  }
  return start;
}

}  // namespace

std::optional<std::map<std::string, std::string>> match_route(std::string_view pattern, std::string_view path) {
  std::map<std::string, std::string> parameters;
  if (path.empty() || path.front() != '/') return {};
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  if (pattern.front() == '{') {
    const std::size_t end = pattern.find('}');
    const std::string_view name = pattern.substr(1, end - 1);
    pattern.remove_prefix(end + 1);
    const auto split = start_of_last(path, static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '/')));
    if (!split) return {};
    parameters.emplace(name, *split == 0 ? std::string_view("/") : path.substr(0, *split));
    path.remove_prefix(*split);
  }
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
