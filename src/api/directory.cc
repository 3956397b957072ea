#include <fmt/format.h>

#include <algorithm>

#include "api/handlers.h"
#include "api/installation.h"
#include "api/odata.h"
#include "api/token.h"
#include "crypto/secret_hash.h"

// Clients and their secrets, in the form of the directory that `az ad` speaks to: an application and its service
// principal are one client here, and have one id.
namespace slipway::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaximumName = 120;
constexpr std::size_t kMaximumIds = 1000;  // of one question; the directory's own limit

json::object application(const StoredPrincipal& principal) {
  json::object object{{"id", principal.client},          {"appId", principal.client},
                      {"displayName", principal.name},   {"identifierUris", json::array{}},
                      {"keyCredentials", json::array{}}, {"passwordCredentials", json::array{}}};
  if (principal.created) object["createdDateTime"] = to_rfc3339(*principal.created);
  return object;
}

json::object service_principal(const Call& call, const StoredPrincipal& principal) {
  return json::object{{"id", principal.client},
                      {"appId", principal.client},
                      {"displayName", principal.name},
                      {"appDisplayName", principal.name},
                      {"servicePrincipalType", "Application"},
                      {"accountEnabled", true},
                      {"servicePrincipalNames", json::array{json::string(principal.client)}},
                      {"keyCredentials", json::array{}},
                      {"passwordCredentials", json::array{}},
                      {"appOwnerOrganizationId", call.options.tenant}};
}

Result<Stored<StoredPrincipal>> find_client(Call& call) {
  const std::string& id = call.parameter("client");
  const auto document = call.store.get(principal_key(id));
  if (!document && document.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound,
                fmt::format("There is no client '{}': `slipway ad sp list` shows those that there are.", id),
                "Request_ResourceNotFound");
  }
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(StoredPrincipal principal, principal_from_json(document->value));
  return Stored<StoredPrincipal>{std::move(principal), document->revision};
}

bool fits(const StoredPrincipal& principal, const FilterTerm& term) {
  if (term.name == "displayName" && term.comparison == "startswith") return principal.name.rfind(term.value, 0) == 0;
  if (term.name == "displayName") return principal.name == term.value;
  return equal_without_case(principal.client, term.value);
}

Result<std::vector<StoredPrincipal>> matching_clients(Call& call) {
  const auto filter = call.request.query.find("$filter");
  SLIPWAY_ASSIGN(const auto terms, parse_filter(filter == call.request.query.end() ? "" : filter->second));
  for (const FilterTerm& term : terms) {
    const bool is_known =
        (term.name == "displayName" && (term.comparison == "eq" || term.comparison == "startswith")) ||
        ((term.name == "appId" || term.name == "id") && term.comparison == "eq") ||
        (term.name == "servicePrincipalNames" && term.comparison == "any");
    if (!is_known) return unknown_filter(term);
  }
  SLIPWAY_ASSIGN(const auto documents, call.store.list(principal_key("")));
  std::vector<StoredPrincipal> clients;
  for (const store::Document& document : documents) {
    SLIPWAY_ASSIGN(StoredPrincipal principal, principal_from_json(document.value));
    const bool matches =
        std::all_of(terms.begin(), terms.end(), [&principal](const FilterTerm& term) { return fits(principal, term); });
    if (matches) clients.push_back(std::move(principal));
  }
  return clients;
}

// Keys instead of a secret are not supported, and to drop one in silence would leave a client that cannot log in.
Result<std::string> read_name(Call& call, std::string fallback) {
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  Properties properties(body, "");
  std::string name = properties.text("displayName", std::move(fallback));
  const bool has_keys = !properties.array("keyCredentials").empty();
  const bool has_passwords = !properties.array("passwordCredentials").empty();
  SLIPWAY_TRY(properties.status());
  if (has_keys || has_passwords) {
    return fail(ErrorCode::kInvalidArgument,
                "Credentials are not taken with an application: ask for a secret with addPassword. Certificates are "
                "not supported.",
                "InvalidParameter", has_keys ? "keyCredentials" : "passwordCredentials");
  }
  if (name.empty() || name.size() > kMaximumName) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("A displayName has 1 to {} bytes.", kMaximumName),
                "InvalidParameter", "displayName");
  }
  return name;
}

Status keep(Call& call, const StoredPrincipal& principal, std::int64_t revision) {
  const std::string key = principal_key(principal.client);
  const auto committed = call.store.commit({{{key, revision}}, {{key, to_json(principal)}}, {}});
  if (!committed) return fail(committed.error());
  return {};
}

}  // namespace

Result<http::Response> list_applications(Call& call) {
  SLIPWAY_ASSIGN(const auto clients, matching_clients(call));
  json::array items;
  for (const StoredPrincipal& client : clients) items.emplace_back(application(client));
  return list_response(std::move(items));
}

Result<http::Response> list_service_principals(Call& call) {
  SLIPWAY_ASSIGN(const auto clients, matching_clients(call));
  json::array items;
  for (const StoredPrincipal& client : clients) items.emplace_back(service_principal(call, client));
  return list_response(std::move(items));
}

Result<http::Response> create_application(Call& call) {
  SLIPWAY_ASSIGN(const std::string name, read_name(call, ""));
  const StoredPrincipal principal{make_uuid(call.random), "", name, call.now, {}};
  SLIPWAY_TRY(keep(call, principal, 0));
  return json_response(201, application(principal));
}

Result<http::Response> get_application(Call& call) {
  SLIPWAY_ASSIGN(const auto client, find_client(call));
  return json_response(200, application(client.record));
}

Result<http::Response> patch_application(Call& call) {
  SLIPWAY_ASSIGN(auto client, find_client(call));
  SLIPWAY_ASSIGN(client.record.name, read_name(call, client.record.name));
  SLIPWAY_TRY(keep(call, client.record, client.revision));
  http::Response response;
  response.status = 204;
  return response;
}

// A new secret; the one before it ends. It is in this answer and nowhere else.
Result<http::Response> add_password(Call& call) {
  SLIPWAY_ASSIGN(auto client, find_client(call));
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  Properties properties(body, "");
  Properties credential(properties.object("passwordCredential"), "passwordCredential");
  const std::string name = credential.text("displayName"), end = credential.text("endDateTime");
  SLIPWAY_TRY(properties.status());
  SLIPWAY_TRY(credential.status());
  StoredPrincipal& principal = client.record;
  principal.secret_expires.reset();
  if (!end.empty()) {
    const auto expires = from_rfc3339(end);
    if (!expires) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("The time '{}' is no UTC time such as 2027-01-31T00:00:00Z.", end.substr(0, 50)),
                  "InvalidParameter", "passwordCredential.endDateTime");
    }
    principal.secret_expires = *expires;
  }
  const std::string secret = make_client_secret(call.random);
  principal.secret_hash = crypto::hash_secret(secret, call.random);
  SLIPWAY_TRY(keep(call, principal, client.revision));
  json::object answer{{"keyId", make_uuid(call.random)},
                      {"displayName", name},
                      {"secretText", secret},
                      {"startDateTime", to_rfc3339(call.now)}};
  answer["endDateTime"] = principal.secret_expires ? json::value(json::string(to_rfc3339(*principal.secret_expires)))
                                                   : json::value(nullptr);
  http::Response response = json_response(200, answer);
  response.headers["Cache-Control"] = "no-store";
  return response;
}

// The service principal of an application is there with it: this finds it.
Result<http::Response> create_service_principal(Call& call) {
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  Properties properties(body, "");
  call.parameters["client"] = properties.text("appId", "-");
  SLIPWAY_TRY(properties.status());
  SLIPWAY_ASSIGN(const auto client, find_client(call));
  return json_response(201, service_principal(call, client.record));
}

Result<http::Response> get_service_principal(Call& call) {
  SLIPWAY_ASSIGN(const auto client, find_client(call));
  return json_response(200, service_principal(call, client.record));
}

// Those of the ids that are clients'; others are left out, as the directory does.
Result<http::Response> find_directory_objects(Call& call) {
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  Properties properties(body, "");
  const json::array& ids = properties.array("ids");
  SLIPWAY_TRY(properties.status());
  const bool all_texts = std::all_of(ids.begin(), ids.end(), [](const json::value& id) { return id.is_string(); });
  if (!properties.has("ids") || !all_texts || ids.size() > kMaximumIds) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'ids' is an array of at most {} ids.", kMaximumIds),
                "InvalidParameter", "ids");
  }
  json::array found;
  for (const json::value& id : ids) {
    call.parameters["client"] = std::string(id.as_string());
    const auto client = find_client(call);
    if (!client && client.error().code == ErrorCode::kNotFound) continue;
    if (!client) return fail(client.error());
    json::object object = service_principal(call, client->record);
    object["@odata.type"] = "#microsoft.graph.servicePrincipal";
    found.emplace_back(std::move(object));
  }
  return list_response(std::move(found));
}

// With its roles; its tokens end at once, since each request looks for its client.
Result<http::Response> delete_client(Call& call) {
  SLIPWAY_ASSIGN(const auto client, find_client(call));
  const std::string& id = client.record.client;
  const std::string key = principal_key(id);
  store::Transaction transaction{{{key, client.revision}}, {}, {key}};
  SLIPWAY_TRY(require_an_owner(
      call, [&id](const RoleAssignment& one) { return one.principal == id; }, transaction));
  SLIPWAY_ASSIGN(const auto assignments, role_assignments(call.store));
  for (const auto& [assignment, revision] : assignments) {
    if (assignment.principal == id) transaction.deletes.push_back(role_assignment_key(assignment.id));
  }
  SLIPWAY_TRY(call.store.commit(transaction));
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace slipway::api
