#include "api/token.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/jws.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kTokenType = "at+jwt";
constexpr std::string_view kBearer = "Bearer ";

std::string issuer_of(const ApiOptions& options) { return "urn:slipway:" + options.tenant; }
std::string audience_of(const ApiOptions& options) { return issuer_of(options) + ":management"; }
std::int64_t unix_seconds(Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::kUnauthenticated, std::move(message), "AuthenticationFailed");
}

// The client that the token names.
Result<std::string> verify_token(const ApiOptions& options, std::string_view token, Time now) {
  const auto key_id = crypto::unverified_jws_key_id(token);
  const auto key = key_id ? options.token_keys->find(*key_id, now) : std::nullopt;
  const auto payload = key ? crypto::verify_jws(key->key.public_key(), kTokenType, token)
                           : Result<std::string>(fail(ErrorCode::kUnauthenticated, "no such key"));
  if (!payload) return refuse("The access token is not one of this installation's: log in again.");
  SLIPWAY_ASSIGN(const json::object claims, parse_body(*payload));
  Properties properties(claims, "token");
  const std::string client = properties.text("sub");
  const bool is_ours = properties.text("iss") == issuer_of(options) && properties.text("aud") == audience_of(options);
  const json::value* const expires = claims.if_contains("exp");
  const json::value* const not_before = claims.if_contains("nbf");
  if (!is_ours || client.empty() || !expires || !expires->is_int64() || !not_before || !not_before->is_int64()) {
    return refuse("The access token is not for this API: log in again.");
  }
  if (unix_seconds(now) >= expires->get_int64() || unix_seconds(now) < not_before->get_int64()) {
    return refuse("The access token has expired: log in again.");
  }
  return client;
}

}  // namespace

std::string principal_key(std::string_view client) { return fmt::format("/principals/{}", client); }

std::string to_json(const StoredPrincipal& principal) {
  json::object object{{"client", principal.client}, {"secretHash", principal.secret_hash}, {"name", principal.name}};
  if (principal.created) object["created"] = to_rfc3339(*principal.created);
  if (principal.secret_expires) object["secretExpires"] = to_rfc3339(*principal.secret_expires);
  return json::serialize(object);
}

Result<StoredPrincipal> principal_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::object object, parse_body(text));
  Properties properties(object, "principal");
  StoredPrincipal principal{properties.text("client"), properties.text("secretHash"), properties.text("name"), {}, {}};
  const std::string created = properties.text("created"), expires = properties.text("secretExpires");
  SLIPWAY_TRY(properties.status());
  if (!created.empty()) {
    SLIPWAY_ASSIGN(principal.created, from_rfc3339(created));
  }
  if (!expires.empty()) {
    SLIPWAY_ASSIGN(principal.secret_expires, from_rfc3339(expires));
  }
  return principal;
}

Result<std::vector<Stored<RoleAssignment>>> role_assignments(store::Store& store) {
  SLIPWAY_ASSIGN(const auto documents, store.list(role_assignment_key("")));
  std::vector<Stored<RoleAssignment>> assignments;
  for (const store::Document& document : documents) {
    SLIPWAY_ASSIGN(RoleAssignment assignment, role_assignment_from_json(document.value));
    assignments.push_back({std::move(assignment), document.revision});
  }
  return assignments;
}

Result<std::string> issue_token(const ApiOptions& options, const std::string& client, Time now) {
  const json::object claims{{"iss", issuer_of(options)},
                            {"aud", audience_of(options)},
                            {"sub", client},
                            {"appid", client},
                            {"tid", options.tenant},
                            {"iat", unix_seconds(now)},
                            {"nbf", unix_seconds(now)},
                            {"exp", unix_seconds(now + kTokenLifetime)}};
  const TokenKey signer = options.token_keys->signer(now);
  return crypto::sign_jws(signer.key, signer.id, kTokenType, json::serialize(claims));
}

Result<Principal> authenticate(const ApiOptions& options, store::Store& store, const http::Request& request, Time now) {
  const auto header = request.headers.find("Authorization");
  if (header == request.headers.end()) {
    return refuse("Authentication failed. The 'Authorization' header is missing.");
  }
  if (header->second.size() <= kBearer.size() ||
      !equal_without_case(std::string_view(header->second).substr(0, kBearer.size()), kBearer)) {
    return refuse("Authentication failed. The 'Authorization' header is provided in an invalid format.");
  }
  SLIPWAY_ASSIGN(const std::string client,
                 verify_token(options, std::string_view(header->second).substr(kBearer.size()), now));
  const auto document = store.get(principal_key(client));
  if (!document && document.error().code == ErrorCode::kNotFound) {
    return refuse("The client that the access token names does not exist any more.");
  }
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(const StoredPrincipal stored, principal_from_json(document->value));
  Principal principal{stored.client, stored.name, {}};
  SLIPWAY_ASSIGN(auto assignments, role_assignments(store));
  for (auto& [assignment, revision] : assignments) {
    if (assignment.principal == stored.client) principal.assignments.push_back(std::move(assignment));
  }
  return principal;
}

bool FailureLimit::allows(const std::string& address, const std::string& client, Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = windows_.find({address, client});
  return found == windows_.end() || now - found->second.start >= seconds(60) ||
         found->second.failures < kMaximumFailures;
}

void FailureLimit::record(const std::string& address, const std::string& client, Time now) {
  const std::lock_guard lock(mutex_);
  const std::pair key(address, client);
  if (windows_.size() >= kMaximumWindows && windows_.count(key) == 0) {
    std::erase_if(windows_, [now](const auto& entry) { return now - entry.second.start >= seconds(60); });
    if (windows_.size() >= kMaximumWindows) {
      // The one that matters least: most of them are names that were tried once.
      windows_.erase(std::min_element(windows_.begin(), windows_.end(), [](const auto& one, const auto& other) {
        return std::pair(one.second.failures, one.second.start) < std::pair(other.second.failures, other.second.start);
      }));
    }
  }
  Window& window = windows_[key];
  if (now - window.start >= seconds(60)) window = {now, 0};
  ++window.failures;
}

FailureLimit::Turn FailureLimit::take_turn() {
  return {comparisons_.try_acquire() ? &comparisons_ : nullptr, [](auto* comparisons) { comparisons->release(); }};
}

}  // namespace slipway::api
