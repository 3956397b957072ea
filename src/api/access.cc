#include "api/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/call.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

constexpr std::array kRoles = {Role::kOwner, Role::kContributor, Role::kReader};

bool role_reaches(Role role, Deed deed) {
  return role == Role::kOwner || deed == Deed::kRead || (role == Role::kContributor && deed == Deed::kChange);
}

std::string_view without_final_slash(std::string_view path) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  return path;
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
    if (!segment.empty()) segments.push_back(segment);
  }
  return segments;
}

// "providers/Microsoft.X/a/1/b/2" gives "Microsoft.X/a/b"; a path without providers is of Microsoft.Resources.
std::string resource_type_of(const std::vector<std::string_view>& segments) {
  std::size_t provider = segments.size();
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    if (equal_without_case(segments[i], "providers")) provider = i;
  }
  // The directory's paths begin with their version.
  const bool is_directory = !segments.empty() && segments.front() == "v1.0";
  std::string type = is_directory ? "Microsoft.Directory" : "Microsoft.Resources";
  std::size_t at = is_directory ? 1 : 0;
  if (provider < segments.size()) {
    type = segments[provider + 1];
    at = provider + 2;
  }
  for (; at < segments.size(); at += 2) type += fmt::format("/{}", segments[at]);
  return type;
}

bool is_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

}  // namespace

std::string_view to_string(Role role) {
  constexpr std::array<std::string_view, 3> kNames = {"Owner", "Contributor", "Reader"};
  return kNames[static_cast<std::size_t>(role)];
}

std::optional<Role> role_from(std::string_view name) {
  for (const Role role : kRoles) {
    if (equal_without_case(name, to_string(role))) return role;
  }
  return {};
}

std::string role_assignment_key(std::string_view id) { return fmt::format("/role-assignments/{}", id); }

std::string to_json(const RoleAssignment& assignment) {
  json::object object{{"id", assignment.id},
                      {"principal", assignment.principal},
                      {"role", assignment.role},
                      {"scope", assignment.scope},
                      {"createdBy", assignment.created_by}};
  if (assignment.created) object["created"] = to_rfc3339(*assignment.created);
  return json::serialize(object);
}

Result<RoleAssignment> role_assignment_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::object object, parse_body(text));
  Properties properties(object, "roleAssignment");
  RoleAssignment assignment{
      properties.text("id"),       properties.text("principal"), properties.text("role"), properties.text("scope"), {},
      properties.text("createdBy")};
  const std::string created = properties.text("created");
  SLIPWAY_TRY(properties.status());
  if (!created.empty()) {
    SLIPWAY_ASSIGN(assignment.created, from_rfc3339(created));
  }
  return assignment;
}

bool scope_covers(std::string_view scope, std::string_view path) {
  scope = without_final_slash(scope);
  path = without_final_slash(path);
  return path.size() >= scope.size() && equal_without_case(path.substr(0, scope.size()), scope) &&
         (path.size() == scope.size() || path[scope.size()] == '/');
}

bool may(const Principal& principal, Deed deed, std::string_view path) {
  return std::any_of(principal.assignments.begin(), principal.assignments.end(), [&](const RoleAssignment& assignment) {
    const auto role = role_from(assignment.role);
    return role && role_reaches(*role, deed) && scope_covers(assignment.scope, path);
  });
}

bool knows(const Principal& principal, std::string_view scope) {
  return std::any_of(principal.assignments.begin(), principal.assignments.end(), [&](const RoleAssignment& assignment) {
    return role_from(assignment.role) &&
           (scope_covers(assignment.scope, scope) || scope_covers(scope, assignment.scope));
  });
}

Deed deed_of(const http::Request& request) {
  if (is_read(request.method)) return Deed::kRead;
  const auto segments = segments_of(request.path);
  const bool grants = std::any_of(segments.begin(), segments.end(), [](std::string_view segment) {
    return equal_without_case(segment, "Microsoft.Authorization");
  });
  return grants ? Deed::kGrant : Deed::kChange;
}

std::string action_of(const http::Request& request) {
  auto segments = segments_of(request.path);
  if (request.method == "POST" && !segments.empty()) {
    const std::string verb(segments.back());
    segments.pop_back();
    return fmt::format("{}/{}/action", resource_type_of(segments), verb);
  }
  const std::string_view verb = is_read(request.method) ? "read" : request.method == "DELETE" ? "delete" : "write";
  return fmt::format("{}/{}", resource_type_of(segments), verb);
}

std::string resource_of(const http::Request& request) {
  std::string_view path = without_final_slash(request.path);
  if (request.method == "POST") path = path.substr(0, path.rfind('/'));
  return std::string(path);
}

Status authorize(const Principal& principal, Deed deed, std::string_view path, std::string_view action) {
  if (may(principal, deed, path)) return {};
  std::string roles;
  for (const RoleAssignment& assignment : principal.assignments) {
    roles += fmt::format("{}{} on '{}'", roles.empty() ? "" : ", ", assignment.role, assignment.scope);
  }
  const Role needed = deed == Deed::kRead ? Role::kReader : deed == Deed::kChange ? Role::kContributor : Role::kOwner;
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("The client '{}' does not have authorization to perform action '{}' over scope '{}': it has "
                          "{}. An Owner of that scope can give it the role: slipway role assignment create --assignee "
                          "{} --role {} --scope {}",
                          principal.client, action, path, roles.empty() ? "no role" : roles, principal.client,
                          to_string(needed), path),
              "AuthorizationFailed");
}

}  // namespace slipway::api
