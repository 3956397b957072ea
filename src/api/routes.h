#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "api/call.h"

namespace slipway::api {

// Who gets to a handler.
enum class Access {
  kAnyone,     // no token is asked for
  kByPath,     // a role on the path, or above it
  kByHandler,  // any client: the handler leaves out, or refuses, what the client may not see
  kDirectory,  // a role on the subscription that may grant: clients and their secrets (the directory's own paths)
};

struct Route {
  std::string_view method, pattern;
  CallHandler handler;
  Access access = Access::kByPath;
};

// The whole table. api/spec describes each row, and a test holds the two together.
std::span<const Route> routes();

struct RouteMatch {
  const Route* route = nullptr;  // null: no route has this path and method
  bool path_exists = false;      // with another method
  std::map<std::string, std::string> parameters;
};
RouteMatch find_route(const http::Request& request);
// The request's path in the spelling of its route: "/subscriptions/x/resourceGroups/y" for ".../RESOURCEGROUPS/y". As
// it is where no route has it.
std::string canonical_path(const RouteMatch& match, const http::Request& request);

}  // namespace slipway::api
