#include <fmt/format.h>

#include "api/handlers.h"
#include "api/token.h"
#include "crypto/secret_hash.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaximumForm = 16U << 10;
// What an unknown client's secret is compared with, so that it takes as long as a known one's.
constexpr std::string_view kNobodysHash =
    "scrypt$14$8$1$00000000000000000000000000000000$"
    "0000000000000000000000000000000000000000000000000000000000000000";

// application/x-www-form-urlencoded; nullopt for bad percent-encoding or a name given twice.
std::optional<std::map<std::string, std::string>> parse_form(std::string_view body) {
  const auto decode = [](std::string_view text) -> std::optional<std::string> {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%') {
        const auto byte = from_hex(text.substr(i + 1, 2));
        if (!byte || byte->size() != 1) return {};
        result.push_back(static_cast<char>(byte->front()));
        i += 2;
      } else {
        result.push_back(text[i] == '+' ? ' ' : text[i]);
      }
    }
    return result;
  };
  std::map<std::string, std::string> form;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decode(pair.substr(0, equals));
    const auto value = decode(equals == pair.size() ? std::string_view() : pair.substr(equals + 1));
    if (!name || !value || !form.emplace(*name, *value).second) return {};
  }
  return form;
}

// RFC 6749 section 5.2.
http::Response oauth_error(int status, std::string_view error, std::string_view description) {
  http::Response response = json_response(status, json::object{{"error", error}, {"error_description", description}});
  response.headers["Cache-Control"] = "no-store";
  if (status == 401) response.headers["WWW-Authenticate"] = "Basic realm=\"slipway\"";
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
  if (!call.failures.allows(call.request.peer, call.now)) {
    http::Response response = oauth_error(429, "temporarily_unavailable", "Too many failed logins: wait a minute.");
    response.headers["Retry-After"] = "60";
    return response;
  }
  std::string client = (*form)["client_id"], secret = (*form)["client_secret"];
  take_basic_credentials(call.request, client, secret);
  StoredPrincipal principal;
  principal.secret_hash = kNobodysHash;
  const auto document = client.empty() || client.size() > 64 || client.find('\0') != std::string::npos
                            ? Result<store::Document>(fail(ErrorCode::kNotFound, "no such client"))
                            : call.store.get(principal_key(client));
  if (!document && document.error().code != ErrorCode::kNotFound) return fail(document.error());
  if (document) {
    SLIPWAY_ASSIGN(principal, principal_from_json(document->value));
  }
  const bool matches = crypto::matches_secret_hash(principal.secret_hash, secret);
  if (!document || !matches) {
    call.failures.record(call.request.peer, call.now);
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
