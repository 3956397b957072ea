#include <fmt/format.h>

#include "apps/slipway/shell.h"
#include "base/random.h"

// ad sp, role: who may do what.
namespace slipway::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kDirectoryApi = "1.0";
constexpr std::string_view kRoleApi = "2022-04-01";
constexpr const char* kScopeHelp =
    "/subscriptions/ID, a resource group or a cluster below it, or / for all; default: the subscription";

const std::vector<Column> kClientColumns = {{"DisplayName", "displayName"}, {"Id", "id"}, {"AppId", "appId"}};
const std::vector<Column> kAssignmentColumns = {{"Principal", "properties.principalId"},
                                                {"Role", "roleDefinitionName"},
                                                {"Scope", "properties.scope"},
                                                {"Name", "name"}};

struct RoleOptions {
  std::string name, role, assignee;
  std::vector<std::string> scopes, ids;
  bool all = false;
  OutputOptions output;
};

std::string text_at(const json::value& value, std::string_view path) {
  const auto found = query(value, path);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::string roles_below(const std::string& scope) {
  std::string path;
  std::string_view rest = scope == "/" ? std::string_view() : std::string_view(scope);
  while (!rest.empty()) {
    rest.remove_prefix(rest.front() == '/' ? 1 : 0);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    if (!segment.empty()) path += "/" + encode_segment(segment);
  }
  return path + "/providers/Microsoft.Authorization";
}

std::vector<std::string> scopes_of(const RoleOptions& options, const ArmClient& client) {
  return options.scopes.empty() ? std::vector<std::string>{client.subscription_path()} : options.scopes;
}

// The role's definition by its name, or by its id.
Result<json::value> find_role(ArmClient& client, const std::string& role) {
  SLIPWAY_ASSIGN(const auto definitions,
                 client.list(roles_below(client.subscription_path()) + "/roleDefinitions", kRoleApi));
  std::string names;
  for (const json::value& definition : definitions) {
    const std::string name = text_at(definition, "properties.roleName");
    if (CLI::detail::to_lower(name) == CLI::detail::to_lower(role) || text_at(definition, "name") == role) {
      return definition;
    }
    names += (names.empty() ? "" : ", ") + name;
  }
  return fail(ErrorCode::kNotFound, fmt::format("There is no role '{}': there are {}.", role, names),
              "RoleDefinitionDoesNotExist");
}

Result<json::value> assign(ArmClient& client, const std::string& principal, const std::string& role,
                           const std::string& scope) {
  SLIPWAY_ASSIGN(const json::value definition, find_role(client, role));
  SystemRandom random;
  const std::string path = fmt::format("{}/roleAssignments/{}", roles_below(scope), make_uuid(random));
  const json::value body{{"properties",
                          {{"principalId", principal},
                           {"principalType", "ServicePrincipal"},
                           {"roleDefinitionId", text_at(definition, "id")}}}};
  auto answer = client.send("PUT", path, kRoleApi, body);
  if (!answer) return fail(answer.error());
  return std::move(answer->body);
}

Status create_client(const RoleOptions& options) {
  if (options.role.empty() != options.scopes.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--role and --scopes go together: give both, or neither and no role");
  }
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  const std::string name = options.name.empty() ? "slipway-cli" : options.name;
  SLIPWAY_ASSIGN(const auto made,
                 client.send("POST", "/v1.0/applications", kDirectoryApi, json::value{{"displayName", name}}));
  const std::string id = text_at(made.body, "appId");
  for (const std::string& scope : options.scopes) {
    const auto assigned = assign(client, id, options.role, scope);
    if (!assigned) {
      // A client without its role is of no use: nothing is left of it.
      static_cast<void>(client.send("DELETE", "/v1.0/applications/" + encode_segment(id), kDirectoryApi));
      return fail(assigned.error());
    }
  }
  SLIPWAY_ASSIGN(const auto secret,
                 client.send("POST", fmt::format("/v1.0/applications/{}/addPassword", encode_segment(id)),
                             kDirectoryApi, json::value{{"passwordCredential", {{"displayName", "rbac"}}}}));
  Shell::say("The output has a secret, which is shown this once. Keep it out of code and of logs.", options.output);
  const json::value shown{{"appId", id},
                          {"displayName", name},
                          {"password", text_at(secret.body, "secretText")},
                          {"tenant", client.login().tenant}};
  return Shell::print(
      shown, options.output,
      {{"AppId", "appId"}, {"DisplayName", "displayName"}, {"Password", "password"}, {"Tenant", "tenant"}});
}

Status list_clients(const RoleOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto clients, client.list("/v1.0/servicePrincipals", kDirectoryApi));
  return Shell::print(clients, options.output, kClientColumns);
}

std::string client_path(const RoleOptions& options) {
  return "/v1.0/servicePrincipals/" + encode_segment(options.name);
}

Status show_client(const RoleOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto found, client.get(client_path(options), kDirectoryApi));
  return Shell::print(found, options.output, kClientColumns);
}

Status delete_client(const RoleOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  const auto answer = client.send("DELETE", client_path(options), kDirectoryApi);
  return answer ? Status() : Status(fail(answer.error()));
}

Status create_assignment(const RoleOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  json::value last;
  for (const std::string& scope : scopes_of(options, client)) {
    SLIPWAY_ASSIGN(last, assign(client, options.assignee, options.role, scope));
  }
  return Shell::print(last, options.output, kAssignmentColumns);
}

// Those at the scopes and above; with --all, everywhere in the subscription.
Result<json::array> matching(ArmClient& client, const RoleOptions& options) {
  SLIPWAY_ASSIGN(const auto definitions,
                 client.list(roles_below(client.subscription_path()) + "/roleDefinitions", kRoleApi));
  json::array chosen;
  for (const std::string& scope : scopes_of(options, client)) {
    SLIPWAY_ASSIGN(auto assignments, client.list(roles_below(scope) + "/roleAssignments", kRoleApi));
    for (json::value& assignment : assignments) {
      const std::string at = text_at(assignment, "properties.scope");
      const bool is_below = at.size() > scope.size() && scope != "/";
      std::string role;
      for (const json::value& definition : definitions) {
        if (text_at(definition, "id") == text_at(assignment, "properties.roleDefinitionId")) {
          role = text_at(definition, "properties.roleName");
        }
      }
      const bool fits =
          (options.all || !is_below) &&
          (options.assignee.empty() || text_at(assignment, "properties.principalId") == options.assignee) &&
          (options.role.empty() || CLI::detail::to_lower(role) == CLI::detail::to_lower(options.role));
      if (!fits) continue;
      assignment.get_object()["roleDefinitionName"] = role;
      chosen.push_back(std::move(assignment));
    }
  }
  return chosen;
}

Status list_assignments(const RoleOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto chosen, matching(client, options));
  return Shell::print(chosen, options.output, kAssignmentColumns);
}

Status delete_assignments(const RoleOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  std::vector<std::string> ids = options.ids;
  if (ids.empty()) {
    if (options.assignee.empty() && options.role.empty()) {
      return fail(ErrorCode::kInvalidArgument, "say which: --ids, or --assignee, --role and --scope");
    }
    SLIPWAY_ASSIGN(const auto chosen, matching(client, options));
    for (const json::value& assignment : chosen) ids.push_back(text_at(assignment, "id"));
    if (ids.empty()) return fail(ErrorCode::kNotFound, "There is no such role assignment.");
  }
  for (const std::string& id : ids) {
    const std::size_t split = id.rfind("/providers/Microsoft.Authorization/roleAssignments/");
    if (split == std::string::npos) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not the id of a role assignment", printable(id)));
    }
    const std::string path =
        roles_below(id.substr(0, split)) + "/roleAssignments/" + encode_segment(id.substr(id.rfind('/') + 1));
    SLIPWAY_TRY(client.send("DELETE", path, kRoleApi));
  }
  return {};
}

Status list_definitions(const RoleOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto definitions,
                 client.list(roles_below(client.subscription_path()) + "/roleDefinitions", kRoleApi));
  return Shell::print(definitions, options.output,
                      {{"Name", "properties.roleName"}, {"Description", "properties.description"}});
}

}  // namespace

void add_roles(Shell& shell) {
  const auto add = [&shell](CLI::App* noun, const std::string& name, const std::string& description,
                            const std::string& example, Status (*run)(const RoleOptions&)) {
    auto options = std::make_shared<RoleOptions>();
    CLI::App* verb = shell.add_verb(*noun, name, description, example, [options, run] { return run(*options); });
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  CLI::App* directory = Shell::add_noun(shell.app(), "ad", "Clients of the API");
  CLI::App* clients = Shell::add_noun(*directory, "sp", "Service principals: programs that log in with a secret");
  const auto [create, created] = add(clients, "create-for-rbac", "Make a client with a secret and a role",
                                     "  slipway ad sp create-for-rbac --name ci --role Contributor --scopes "
                                     "/subscriptions/ID/resourceGroups/my-group\n",
                                     create_client);
  create->add_option("--name,-n,--display-name", created->name, "What people call it");
  create->add_option("--role", created->role, "Owner, Contributor or Reader");
  create->add_option("--scopes", created->scopes, "Where it has the role; several with spaces between them");
  add(clients, "list", "List the clients", "  slipway ad sp list --output table\n", list_clients);
  for (const bool shows : {true, false}) {
    const std::string name = shows ? "show" : "delete";
    const auto [verb, options] =
        add(clients, name, shows ? "Show a client" : "Delete a client, its roles and, at once, its logins",
            "  slipway ad sp " + name + " --id ID\n", shows ? show_client : delete_client);
    verb->add_option("--id", options->name, "Its appId")->required();
  }

  CLI::App* role = Shell::add_noun(shell.app(), "role", "Who may do what");
  CLI::App* definitions = Shell::add_noun(*role, "definition", "The roles that there are");
  add(definitions, "list", "List the roles", "  slipway role definition list --output table\n", list_definitions);
  CLI::App* assignments = Shell::add_noun(*role, "assignment", "Roles that clients have");
  const auto [give, given] = add(assignments, "create", "Give a client a role",
                                 "  slipway role assignment create --assignee ID --role Reader --scope "
                                 "/subscriptions/ID\n",
                                 create_assignment);
  give->add_option("--assignee,--assignee-object-id", given->assignee, "The client's appId")->required();
  give->add_option("--role", given->role, "Owner, Contributor or Reader")->required();
  give->add_option("--scope", given->scopes, kScopeHelp)->expected(1);
  const auto [list, listed] = add(assignments, "list", "List the roles that clients have, here and above",
                                  "  slipway role assignment list --all --output table\n", list_assignments);
  const auto [take, taken] = add(
      assignments, "delete", "Take a role away",
      "  slipway role assignment delete --assignee ID --role Reader --scope /subscriptions/ID\n", delete_assignments);
  for (const auto& [verb, options] : {std::pair(list, listed), std::pair(take, taken)}) {
    verb->add_option("--assignee", options->assignee, "The client's appId");
    verb->add_option("--role", options->role, "Only this role");
    verb->add_option("--scope", options->scopes, kScopeHelp)->expected(1);
  }
  list->add_flag("--all", listed->all, "Those below the scope too");
  take->add_option("--ids", taken->ids, "Their ids instead; several with spaces between them");
}

}  // namespace slipway::cli
