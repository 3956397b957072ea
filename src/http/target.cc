#include "http/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/url.hpp>

namespace slipway::http {
namespace {

tl::unexpected<Error> dot_segment() {
  return fail(ErrorCode::kMalformed, "the request target has a segment '.' or '..' in its path");
}

}  // namespace

Status read_target(std::string_view target, Request& request) {
  // Boost.URL takes "//a/b" for an authority; slashes are collapsed first.
  std::string collapsed;
  const std::size_t path_end = std::min(target.find('?'), target.size());
  for (std::size_t i = 0; i < path_end; ++i) {
    if (target[i] == '/' && !collapsed.empty() && collapsed.back() == '/') continue;
    collapsed.push_back(target[i]);
  }
  // Boost.URL leaves a first "." out by itself, before anybody could see it.
  if (collapsed.rfind("/./", 0) == 0) return dot_segment();
  collapsed.append(target.substr(path_end));

  const auto parsed = boost::urls::parse_origin_form(collapsed);
  if (!parsed) {
    return fail(ErrorCode::kMalformed, fmt::format("the request target is not a path: {}", parsed.error().message()));
  }
  request.path = "/";
  for (const boost::urls::pct_string_view segment : parsed->encoded_segments()) {
    const std::string text = segment.decode();
    if (text.find('/') != std::string::npos || text.find('\0') != std::string::npos) {
      return fail(ErrorCode::kMalformed, "the request target has an encoded slash or NUL in its path");
    }
    if (text == "." || text == "..") return dot_segment();
    if (request.path.back() != '/') request.path.push_back('/');
    request.path += text;
  }
  for (const auto& parameter : parsed->params()) {
    request.query.emplace(parameter.key, parameter.value);
  }
  return {};
}

bool is_plain_host(std::string_view host) {
  if (host.empty() || host.size() > 260) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '[' || c == ']';
  });
}

}  // namespace slipway::http
