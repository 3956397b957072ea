#include <fmt/format.h>

#include "api/arm_error.h"
#include "api/handlers.h"
#include "crypto/jws.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

http::Response openid_document(const Call& call, const std::string& issuer, std::string_view authorize,
                               std::string_view token, std::string_view keys) {
  const std::string& base = call.request.base_url;
  return json_response(200, json::object{{"issuer", issuer},
                                         {"authorization_endpoint", base + std::string(authorize)},
                                         {"token_endpoint", base + std::string(token)},
                                         {"jwks_uri", base + std::string(keys)},
                                         {"token_endpoint_auth_methods_supported",
                                          json::array{"client_secret_post", "client_secret_basic"}},
                                         {"response_types_supported", json::array{"token"}},
                                         {"subject_types_supported", json::array{"pairwise"}},
                                         {"scopes_supported", json::array{"openid"}},
                                         {"id_token_signing_alg_values_supported", json::array{"ES256"}}});
}

}  // namespace

Result<http::Response> get_metadata(Call& call) {
  const std::string& base = call.request.base_url;
  json::object cloud{
      {"name", "Slipway"},
      {"portal", base},
      {"resourceManager", base + "/"},
      {"graph", base},
      {"graphAudience", base},
      {"microsoftGraphResourceId", base},
      {"gallery", base},
      {"batch", base},
      {"media", base},
      {"sqlManagement", base},
      {"vmImageAliasDoc", base},
      {"activeDirectoryDataLake", base},
      {"authentication", json::object{{"loginEndpoint", base},
                                      {"audiences", json::array{base + "/"}},
                                      {"tenant", call.options.tenant},
                                      {"identityProvider", "AAD"}}},
      {"suffixes", json::object{{"storage", ""},
                                {"keyVaultDns", ""},
                                {"sqlServerHostname", ""},
                                {"acrLoginServer", ""},
                                {"azureDataLakeStoreFileSystem", ""},
                                {"azureDataLakeAnalyticsCatalogAndJob", ""}}},
  };
  // Clients of that age read a list of clouds.
  const auto version = call.request.query.find("api-version");
  if (version != call.request.query.end() && version->second < "2022") {
    return json_response(200, json::array{std::move(cloud)});
  }
  return json_response(200, cloud);
}

Result<http::Response> get_openid_configuration(Call& call) {
  const std::string& tenant = call.parameter("tenant");
  if (!equal_without_case(tenant, call.options.tenant)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("There is no tenant '{}' here: use the tenantId of admin.json.", tenant), "invalid_tenant");
  }
  return openid_document(call, fmt::format("{}/{}/v2.0", call.request.base_url, call.options.tenant),
                         fmt::format("/{}/oauth2/v2.0/authorize", call.options.tenant),
                         fmt::format("/{}/oauth2/v2.0/token", call.options.tenant),
                         fmt::format("/{}/discovery/v2.0/keys", call.options.tenant));
}

Result<http::Response> get_adfs_configuration(Call& call) {
  return openid_document(call, call.request.base_url + "/adfs", "/adfs/oauth2/authorize", "/adfs/oauth2/token",
                         "/adfs/discovery/keys");
}

Result<http::Response> get_keys(Call& call) {
  std::string keys;
  for (const TokenKey& key : call.options.token_keys->published(call.now)) {
    SLIPWAY_ASSIGN(const std::string jwk, crypto::to_jwk(key.key.public_key(), key.id));
    keys += (keys.empty() ? "" : ",") + jwk;
  }
  http::Response response = json_response(200, nullptr);
  response.body = fmt::format("{{\"keys\":[{}]}}", keys);
  return response;
}

Result<http::Response> get_result_keys(Call& call) {
  if (!call.options.result_keys) return fail(ErrorCode::kNotFound, "This server issues no attestation results.");
  SLIPWAY_ASSIGN(std::string set, call.options.result_keys());
  http::Response response = json_response(200, nullptr);
  response.headers["Content-Type"] = "application/jwk-set+json";
  // A new key is published a day before it signs.
  response.headers["Cache-Control"] = "public, max-age=3600";
  response.body = std::move(set);
  return response;
}

}  // namespace slipway::api
