#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/message.h"
#include "store/store.h"

// Who may do what: principals with roles on scopes, decided from values alone.
namespace slipway::api {

enum class Role { kOwner, kContributor, kReader };
std::string_view to_string(Role role);  // "Owner", ...
std::optional<Role> role_from(std::string_view name);

// What a request is about. Owner: all of them; Contributor: reads and changes; Reader: reads. To ask for a cluster's
// credentials is a change, as it is with the real service: a reader gets none.
enum class Deed { kRead, kChange, kGrant };

// Kept under "/role-assignments/<id>".
struct RoleAssignment {
  std::string id;         // UUID
  std::string principal;  // StoredPrincipal::client
  std::string role;       // "Owner", "Contributor", "Reader"
  std::string scope;      // "/", or a resource id: it and everything below it
  std::optional<Time> created;
  std::string created_by;
};
std::string role_assignment_key(std::string_view id);
std::string to_json(const RoleAssignment& assignment);
Result<RoleAssignment> role_assignment_from_json(std::string_view json);

// Who asks, once its token was checked.
struct Principal {
  std::string client, name;
  std::vector<RoleAssignment> assignments;
};

// True if `path` is `scope` or below it. Without case; a slash at the end means nothing.
bool scope_covers(std::string_view scope, std::string_view path);
bool may(const Principal& principal, Deed deed, std::string_view path);
// True if the principal has any role on something at or below `scope`, or above it.
bool knows(const Principal& principal, std::string_view scope);

Deed deed_of(const http::Request& request);
// What ARM calls the operation: "Microsoft.ContainerService/managedClusters/write", and for a POST
// ".../listClusterUserCredential/action".
std::string action_of(const http::Request& request);
// The resource that the request works on: its path, without the verb of a POST.
std::string resource_of(const http::Request& request);

// kPermissionDenied, saying which role is missing where, and what the principal has.
Status authorize(const Principal& principal, Deed deed, std::string_view path, std::string_view action);

}  // namespace slipway::api
