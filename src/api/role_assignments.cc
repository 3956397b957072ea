#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/arm_error.h"
#include "api/handlers.h"
#include "api/odata.h"
#include "api/route.h"
#include "api/token.h"

// Microsoft.Authorization: the three built-in roles, and who has which of them where.
namespace slipway::api {
namespace {

namespace json = boost::json;

// The ids that these roles have everywhere; clients have them built in.
struct Definition {
  Role role;
  std::string_view id, description;
};
constexpr std::array kDefinitions = {
    Definition{Role::kOwner, "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Changes everything, and gives roles to others."},
    Definition{Role::kContributor, "b24988ac-6180-42a0-ab88-20f7382dd24c", "Changes everything, and gives no roles."},
    Definition{Role::kReader, "acdd72a7-3385-48ef-bd42-f606fba81ae7",
               "Looks at everything, and gets no credentials of clusters."},
};

std::string definition_id(const Call& call, const Definition& definition) {
  return fmt::format("{}/providers/Microsoft.Authorization/roleDefinitions/{}", call.subscription_path(),
                     definition.id);
}

json::object definition_resource(const Call& call, const Definition& definition) {
  json::array refused;
  if (definition.role == Role::kContributor) {
    refused = {"Microsoft.Authorization/*/write", "Microsoft.Authorization/*/delete"};
  }
  json::object permission{{"actions", json::array{definition.role == Role::kReader ? "*/read" : "*"}},
                          {"notActions", std::move(refused)},
                          {"dataActions", json::array{}},
                          {"notDataActions", json::array{}}};
  return json::object{{"id", definition_id(call, definition)},
                      {"name", definition.id},
                      {"type", "Microsoft.Authorization/roleDefinitions"},
                      {"properties", json::object{{"roleName", to_string(definition.role)},
                                                  {"type", "BuiltInRole"},
                                                  {"description", definition.description},
                                                  {"assignableScopes", json::array{"/"}},
                                                  {"permissions", json::array{std::move(permission)}}}}};
}

std::string assignment_path(const RoleAssignment& assignment) {
  return fmt::format("{}/providers/Microsoft.Authorization/roleAssignments/{}",
                     assignment.scope == "/" ? "" : assignment.scope, assignment.id);
}

json::object assignment_resource(const Call& call, const RoleAssignment& assignment) {
  const auto definition = std::find_if(kDefinitions.begin(), kDefinitions.end(), [&assignment](const Definition& one) {
    return to_string(one.role) == assignment.role;
  });
  json::object properties{{"roleDefinitionId", definition == kDefinitions.end()
                                                   ? json::value(nullptr)
                                                   : json::value(json::string(definition_id(call, *definition)))},
                          {"principalId", assignment.principal},
                          {"principalType", "ServicePrincipal"},
                          {"scope", assignment.scope},
                          {"condition", nullptr},
                          {"createdBy", assignment.created_by}};
  if (assignment.created) {
    properties["createdOn"] = to_rfc3339(*assignment.created);
    properties["updatedOn"] = to_rfc3339(*assignment.created);
  }
  return json::object{{"id", assignment_path(assignment)},
                      {"name", assignment.id},
                      {"type", "Microsoft.Authorization/roleAssignments"},
                      {"properties", std::move(properties)}};
}

// The scope of this call as it is kept: "/", the subscription, a group or a cluster that there are.
Result<std::string> find_scope(Call& call) {
  const std::string& scope = call.parameter("scope");
  if (scope == "/") return scope;
  if (equal_without_case(scope, call.subscription_path())) return call.subscription_path();
  const auto look = [&](std::string_view pattern) { return match_route(pattern, scope); };
  auto parameters = look("/subscriptions/{subscription}/resourceGroups/{group}");
  const bool is_group = parameters.has_value();
  if (!is_group) {
    parameters = look(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
        "{cluster}");
  }
  if (!parameters || !equal_without_case(parameters->at("subscription"), call.options.subscription)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("The scope '{}' is neither '/', nor the subscription '{}', nor one of its resource groups or "
                    "clusters.",
                    scope.substr(0, 500), call.subscription_path()),
        "InvalidScope", "scope");
  }
  for (const auto& [name, value] : *parameters) call.parameters[name] = value;
  // Before the store is asked, so that a caller without any role there cannot tell what exists from what does not.
  const std::string group_path = fmt::format("{}/resourceGroups/{}", call.subscription_path(), call.parameter("group"));
  if (!knows(call.principal, group_path)) return fail(group_not_found(call));
  if (!is_group && !knows(call.principal, scope)) return fail(cluster_not_found(call));
  if (is_group) {
    SLIPWAY_ASSIGN(const auto group, find_group(call));
    return fmt::format("{}/resourceGroups/{}", call.subscription_path(), group.record.name);
  }
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  return cluster_resource_id(cluster.record);
}

Result<Stored<RoleAssignment>> find_assignment(Call& call, const std::string& scope) {
  const std::string id = lower_case(call.parameter("assignment"));
  const auto document = call.store.get(role_assignment_key(id));
  if (!document && document.error().code != ErrorCode::kNotFound) return fail(document.error());
  if (document) {
    SLIPWAY_ASSIGN(RoleAssignment assignment, role_assignment_from_json(document->value));
    if (equal_without_case(assignment.scope, scope)) {
      return Stored<RoleAssignment>{std::move(assignment), document->revision};
    }
  }
  return fail(ErrorCode::kNotFound, fmt::format("There is no role assignment '{}' at scope '{}'.", id, scope),
              "RoleAssignmentNotFound");
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return text.size() == kForm.size() && std::equal(text.begin(), text.end(), kForm.begin(), [](char c, char form) {
           const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
           return form == '-' ? c == '-' : is_hex;
         });
}

// What a PUT asks for, its scope aside.
Result<RoleAssignment> read_assignment(Call& call) {
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  Properties resource(body, "");
  Properties properties(resource.object("properties"), "properties");
  const std::string definition = properties.text("roleDefinitionId");
  RoleAssignment wanted;
  wanted.id = lower_case(call.parameter("assignment"));
  wanted.principal = properties.text("principalId");
  const bool has_condition = properties.has("condition");
  SLIPWAY_TRY(resource.status());
  SLIPWAY_TRY(properties.status());
  if (has_condition) {
    return fail(ErrorCode::kInvalidArgument, "Conditions of role assignments are not supported: leave it out.",
                "InvalidParameter", "properties.condition");
  }
  if (!is_uuid(wanted.id)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("The name '{}' of a role assignment is no UUID.", wanted.id),
                "InvalidRoleAssignmentId", "name");
  }
  for (const Definition& one : kDefinitions) {
    if (equal_without_case(definition.substr(definition.rfind('/') + 1), one.id)) wanted.role = to_string(one.role);
  }
  if (wanted.role.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("The role definition '{}' does not exist: there are Owner, Contributor and Reader.",
                            definition.substr(0, 200)),
                "RoleDefinitionDoesNotExist", "properties.roleDefinitionId");
  }
  const auto client = call.store.get(principal_key(wanted.principal.empty() ? "-" : wanted.principal));
  if (!client && client.error().code != ErrorCode::kNotFound) return fail(client.error());
  if (!client) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("The principal '{}' does not exist: make one with `slipway ad sp create-for-rbac`.",
                            wanted.principal.substr(0, 100)),
                "PrincipalNotFound", "properties.principalId");
  }
  return wanted;
}

bool grants_whole_subscription(const Call& call, const RoleAssignment& assignment) {
  return assignment.role == to_string(Role::kOwner) && scope_covers(assignment.scope, call.subscription_path());
}

}  // namespace

Status require_an_owner(Call& call, const std::function<bool(const RoleAssignment&)>& goes,
                        store::Transaction& transaction) {
  SLIPWAY_ASSIGN(const auto assignments, role_assignments(call.store));
  bool one_goes = false;
  for (const auto& [assignment, revision] : assignments) {
    if (!grants_whole_subscription(call, assignment)) continue;
    if (!goes(assignment)) {
      // Two owners removed at once must not both find the other one there.
      transaction.conditions.push_back({role_assignment_key(assignment.id), revision});
      return {};
    }
    one_goes = true;
  }
  if (!one_goes) return {};
  return fail(ErrorCode::kPreconditionFailed,
              "This would leave nobody who is Owner of the subscription, and so nobody who could give roles: make "
              "another Owner first.",
              "LastOwner");
}

Result<http::Response> list_role_definitions(Call& call) {
  const auto filter = call.request.query.find("$filter");
  SLIPWAY_ASSIGN(const auto terms, parse_filter(filter == call.request.query.end() ? "" : filter->second));
  json::array items;
  for (const Definition& definition : kDefinitions) {
    bool fits = true;
    for (const FilterTerm& term : terms) {
      if (term.name == "roleName" && term.comparison == "eq") {
        fits = fits && equal_without_case(term.value, to_string(definition.role));
      } else if (term.name == "type" && term.comparison == "eq") {
        fits = fits && equal_without_case(term.value, "BuiltInRole");
      } else if (term.name != "atScopeAndBelow") {
        return unknown_filter(term);
      }
    }
    if (fits) items.emplace_back(definition_resource(call, definition));
  }
  return list_response(std::move(items));
}

Result<http::Response> get_role_definition(Call& call) {
  for (const Definition& definition : kDefinitions) {
    if (equal_without_case(definition.id, call.parameter("definition"))) {
      return json_response(200, definition_resource(call, definition));
    }
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("The role definition '{}' does not exist: there are Owner, Contributor and Reader.",
                          call.parameter("definition")),
              "RoleDefinitionDoesNotExist");
}

Result<http::Response> list_role_assignments(Call& call) {
  SLIPWAY_ASSIGN(const std::string scope, find_scope(call));
  const auto filter = call.request.query.find("$filter");
  SLIPWAY_ASSIGN(const auto terms, parse_filter(filter == call.request.query.end() ? "" : filter->second));
  SLIPWAY_ASSIGN(const auto assignments, role_assignments(call.store));
  std::vector<std::pair<std::string, json::object>> items;
  for (const auto& [assignment, revision] : assignments) {
    bool fits = scope_covers(assignment.scope, scope) || scope_covers(scope, assignment.scope);
    for (const FilterTerm& term : terms) {
      if (term.name == "atScope" && term.comparison == "call") {
        fits = fits && scope_covers(assignment.scope, scope);
      } else if ((term.name == "principalId" && term.comparison == "eq") ||
                 (term.name == "assignedTo" && term.comparison == "call")) {
        fits = fits && equal_without_case(term.value, assignment.principal);
      } else {
        return unknown_filter(term);
      }
    }
    const bool is_visible =
        assignment.principal == call.principal.client || may(call.principal, Deed::kRead, assignment.scope);
    if (fits && is_visible) items.emplace_back(assignment.id, assignment_resource(call, assignment));
  }
  return paged_response(call, std::move(items));
}

Result<http::Response> get_role_assignment(Call& call) {
  SLIPWAY_ASSIGN(const std::string scope, find_scope(call));
  SLIPWAY_ASSIGN(const auto assignment, find_assignment(call, scope));
  return json_response(200, assignment_resource(call, assignment.record));
}

Result<http::Response> put_role_assignment(Call& call) {
  SLIPWAY_ASSIGN(const std::string scope, find_scope(call));
  SLIPWAY_ASSIGN(RoleAssignment wanted, read_assignment(call));
  wanted.scope = scope;
  wanted.created = call.now;
  wanted.created_by = call.principal.client;
  SLIPWAY_ASSIGN(const auto assignments, role_assignments(call.store));
  for (const auto& [one, revision] : assignments) {
    const bool says_the_same =
        one.principal == wanted.principal && one.role == wanted.role && equal_without_case(one.scope, wanted.scope);
    if (one.id == wanted.id) {
      if (says_the_same) return json_response(200, assignment_resource(call, one));
      return fail(
          ErrorCode::kConflict,
          fmt::format("The role assignment '{}' exists and cannot be changed: delete it, and make another.", wanted.id),
          "RoleAssignmentUpdateNotPermitted");
    }
    if (says_the_same) {
      return fail(ErrorCode::kConflict,
                  fmt::format("The role assignment exists already, as '{}': {} of '{}' on '{}'.", one.id, one.role,
                              one.principal, one.scope),
                  "RoleAssignmentExists");
    }
  }
  const std::string key = role_assignment_key(wanted.id);
  SLIPWAY_TRY(call.store.commit({{{key, 0}}, {{key, to_json(wanted)}}, {}}));
  return json_response(201, assignment_resource(call, wanted));
}

Result<http::Response> delete_role_assignment(Call& call) {
  SLIPWAY_ASSIGN(const std::string scope, find_scope(call));
  const auto assignment = find_assignment(call, scope);
  if (!assignment) {
    if (assignment.error().code != ErrorCode::kNotFound) return fail(assignment.error());
    http::Response response;
    response.status = 204;
    return response;
  }
  const std::string& id = assignment->record.id;
  const std::string key = role_assignment_key(id);
  store::Transaction transaction{{{key, assignment->revision}}, {}, {key}};
  SLIPWAY_TRY(require_an_owner(
      call, [&id](const RoleAssignment& one) { return one.id == id; }, transaction));
  SLIPWAY_TRY(call.store.commit(transaction));
  return json_response(200, assignment_resource(call, assignment->record));
}

Status forget_roles_below(Call& call, std::string_view scope, store::Transaction& transaction) {
  SLIPWAY_ASSIGN(const auto assignments, role_assignments(call.store));
  for (const auto& [assignment, revision] : assignments) {
    if (scope_covers(scope, assignment.scope)) transaction.deletes.push_back(role_assignment_key(assignment.id));
  }
  return {};
}

}  // namespace slipway::api
