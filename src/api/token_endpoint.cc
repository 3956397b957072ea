#include <fmt/format.h>

#include "api/handlers.h"
#include "api/token.h"
#include "crypto/secret_hash.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaximumForm = 16U << 10, kMaximumClient = 64;

// RFC 6749 section 5.2.
http::Response oauth_error(int status, std::string_view error, std::string_view description) {
  http::Response response = json_response(status, json::object{{"error", error}, {"error_description", description}});
  response.headers["Cache-Control"] = "no-store";
  if (status == 401) response.headers["WWW-Authenticate"] = "Basic realm=\"slipway\"";
  return response;
}

http::Response wait(int seconds, std::string_view description) {
  http::Response response = oauth_error(429, "temporarily_unavailable", description);
  response.headers["Retry-After"] = std::to_string(seconds);
  return response;
}

// "Authorization: Basic base64(id:secret)", where a client prefers it to the form.
void take_basic_credentials(const http::Request& request, std::string& client, std::string& secret) {
  const auto header = request.headers.find("Authorization");
  if (header == request.headers.end() || header->second.rfind("Basic ", 0) != 0) return;
  const auto decoded = from_base64(std::string_view(header->second).substr(6));
  if (!decoded) return;
  const std::string text(as_text(*decoded));
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return;
  client = text.substr(0, colon);
  secret = text.substr(colon + 1);
}

}  // namespace

Result<http::Response> post_token(Call& call) {
  const auto tenant = call.parameters.find("tenant");
  if (tenant != call.parameters.end() && !equal_without_case(tenant->second, call.options.tenant)) {
    return oauth_error(400, "invalid_request", "There is no such tenant here: use the tenantId of admin.json.");
  }
  if (call.request.body.size() > kMaximumForm) return oauth_error(400, "invalid_request", "The form is too large.");
  auto form = parse_form(call.request.body);
  if (!form) return oauth_error(400, "invalid_request", "The form cannot be decoded, or names a field twice.");
  if ((*form)["grant_type"] != "client_credentials") {
    return oauth_error(400, "unsupported_grant_type", "Only the grant type client_credentials is supported.");
  }
  std::string client = (*form)["client_id"], secret = (*form)["client_secret"];
  take_basic_credentials(call.request, client, secret);
  const bool is_name = !client.empty() && client.size() <= kMaximumClient && client.find('\0') == std::string::npos;
  const std::string counted = is_name ? client : "";
  if (!call.failures.allows(call.request.peer, counted, call.now)) {
    return wait(60, "Too many failed logins: wait a minute.");
  }
  const auto turn = call.failures.take_turn();
  if (!turn) return wait(1, "Too many logins are under way: try again.");
  StoredPrincipal principal;
  const auto document = !is_name ? Result<store::Document>(fail(ErrorCode::kNotFound, "no such client"))
                                 : call.store.get(principal_key(client));
  if (!document && document.error().code != ErrorCode::kNotFound) return fail(document.error());
  if (document) {
    SLIPWAY_ASSIGN(principal, principal_from_json(document->value));
  }
  call.claimed_client = client;
  // A client that was given no secret yet has no login.
  const std::string& hash = principal.secret_hash;
  const bool matches =
      crypto::matches_secret_hash(hash.empty() ? crypto::kNobodysSecretHash : std::string_view(hash), secret);
  if (matches && document && !hash.empty() && principal.secret_expires && call.now >= *principal.secret_expires) {
    return oauth_error(401, "invalid_client",
                       "The client secret has expired: make another with `slipway ad sp create-for-rbac`.");
  }
  if (!document || !matches || hash.empty()) {
    call.failures.record(call.request.peer, counted, call.now);
    return oauth_error(401, "invalid_client", "The client id or the client secret is wrong: see admin.json.");
  }
  SLIPWAY_ASSIGN(const std::string token, issue_token(call.options, principal.client, call.now));
  http::Response response = json_response(200, json::object{{"token_type", "Bearer"},
                                                            {"expires_in", kTokenLifetime.count()},
                                                            {"ext_expires_in", kTokenLifetime.count()},
                                                            {"access_token", token}});
  response.headers["Cache-Control"] = "no-store";
  return response;
}

}  // namespace slipway::api
