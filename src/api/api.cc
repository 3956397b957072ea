#include "api/api.h"

#include <fmt/format.h>

#include <array>

#include "api/arm_error.h"
#include "api/handlers.h"
#include "api/route.h"
#include "api/token.h"

namespace slipway::api {
namespace {

// How often a request is judged anew when others keep writing what it read.
constexpr int kAttempts = 8;

enum class Access { kAnyone, kClients };

struct Route {
  std::string_view method, pattern;
  CallHandler handler;
  Access access = Access::kClients;
};

// Written whole, so that they can be searched for.
constexpr std::array kRoutes = {
    Route{"GET", "/metadata/endpoints", get_metadata, Access::kAnyone},
    Route{"GET", "/adfs/.well-known/openid-configuration", get_adfs_configuration, Access::kAnyone},
    Route{"POST", "/adfs/oauth2/token", post_token, Access::kAnyone},
    Route{"GET", "/adfs/discovery/keys", get_keys, Access::kAnyone},
    Route{"GET", "/adfs/{tenant}/v2.0/.well-known/openid-configuration", get_openid_configuration, Access::kAnyone},
    Route{"GET", "/{tenant}/v2.0/.well-known/openid-configuration", get_openid_configuration, Access::kAnyone},
    Route{"POST", "/{tenant}/oauth2/v2.0/token", post_token, Access::kAnyone},
    Route{"GET", "/{tenant}/discovery/v2.0/keys", get_keys, Access::kAnyone},
    Route{"GET", "/subscriptions", list_subscriptions},
    Route{"GET", "/subscriptions/{subscription}", get_subscription},
    Route{"GET", "/subscriptions/{subscription}/resourceGroups", list_groups},
    Route{"GET", "/subscriptions/{subscription}/resourceGroups/{group}", get_group},
    Route{"HEAD", "/subscriptions/{subscription}/resourceGroups/{group}", head_group},
    Route{"PUT", "/subscriptions/{subscription}/resourceGroups/{group}", put_group},
    Route{"DELETE", "/subscriptions/{subscription}/resourceGroups/{group}", delete_group},
    Route{"GET", "/subscriptions/{subscription}/providers", list_providers},
    Route{"GET", "/subscriptions/{subscription}/providers/{provider}", get_provider},
    Route{"POST", "/subscriptions/{subscription}/providers/{provider}/register", register_provider},
    Route{"GET", "/subscriptions/{subscription}/providers/Microsoft.Features/providers/{provider}/features",
          list_features},
    Route{"GET", "/subscriptions/{subscription}/providers/Microsoft.Features/providers/{provider}/features/{feature}",
          get_feature},
    Route{"POST",
          "/subscriptions/{subscription}/providers/Microsoft.Features/providers/{provider}/features/{feature}/register",
          register_feature},
    Route{
        "POST",
        "/subscriptions/{subscription}/providers/Microsoft.Features/providers/{provider}/features/{feature}/unregister",
        unregister_feature},
    Route{"GET",
          "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}/kubernetesVersions",
          list_kubernetes_versions},
    Route{"GET",
          "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}/operations/"
          "{operation}",
          get_operation},
    Route{"GET",
          "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}/operationresults/"
          "{operation}",
          get_operation_result},
    Route{"GET", "/subscriptions/{subscription}/providers/Microsoft.ContainerService/managedClusters", list_clusters},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters",
          list_clusters_in_group},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}",
          get_cluster},
    Route{"PUT",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}",
          put_cluster},
    Route{"PATCH",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}",
          patch_cluster},
    Route{"DELETE",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}",
          delete_cluster},
    Route{"POST",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/listClusterUserCredential",
          list_user_credential},
    Route{"POST",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/listClusterAdminCredential",
          list_admin_credential},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/agentPools",
          list_pools},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/agentPools/{pool}",
          get_pool},
    Route{"PUT",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/agentPools/{pool}",
          put_pool},
    Route{"DELETE",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/agentPools/{pool}",
          delete_pool},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/nodes",
          list_nodes},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/nodes/{node}",
          get_node},
};

struct Match {
  const Route* route = nullptr;  // null: no route has this path and method
  bool path_exists = false;      // with another method
  std::map<std::string, std::string> parameters;
};

Match find_route(const http::Request& request) {
  Match match;
  for (const Route& route : kRoutes) {
    auto parameters = match_route(route.pattern, request.path);
    if (!parameters) continue;
    match.path_exists = true;
    if (route.method != request.method) continue;
    match.route = &route;
    match.parameters = std::move(*parameters);
    break;
  }
  return match;
}

// What every ARM route asks of a request, once the caller is known.
Status check_common(const Call& call) {
  const auto subscription = call.parameters.find("subscription");
  if (subscription != call.parameters.end() && !equal_without_case(subscription->second, call.options.subscription)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("The subscription '{}' could not be found: this installation has '{}'.",
                            subscription->second, call.options.subscription),
                "SubscriptionNotFound");
  }
  if (call.request.query.count("api-version") == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "The api-version query parameter (?api-version=) is required for all requests.",
                "MissingApiVersionParameter");
  }
  return {};
}

}  // namespace

struct Api::State {
  ApiOptions options;
  store::Store& store;
  kube::Kubernetes& kubernetes;
  const Clock& clock;
  Random& random;
  FailureLimit failures;

  Result<http::Response> answer(const http::Request& request);
  Result<http::Response> call_route(const Route& route, Call& call);
};

Result<http::Response> Api::State::call_route(const Route& route, Call& call) {
  if (route.access == Access::kClients) {
    SLIPWAY_ASSIGN(call.principal, authenticate(options, store, call.request, call.now));
    SLIPWAY_TRY(check_common(call));
    SLIPWAY_TRY(authorize(call.principal, call.request));
  }
  Result<http::Response> response = route.handler(call);
  for (int attempt = 1; attempt < kAttempts; ++attempt) {
    const bool lost_a_race =
        !response && response.error().code == ErrorCode::kConflict && response.error().reason.empty();
    if (!lost_a_race) break;
    response = route.handler(call);
  }
  return response;
}

Result<http::Response> Api::State::answer(const http::Request& request) {
  Match match = find_route(request);
  Call call{options, store, kubernetes, random, failures, clock.now(), request, std::move(match.parameters), {}};
  if (match.route != nullptr) return call_route(*match.route, call);
  // Who is not known learns nothing of which paths exist.
  SLIPWAY_TRY(authenticate(options, store, request, call.now));
  if (match.path_exists) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("The method {} is not supported on '{}'.", request.method, request.path),
                "HttpMethodNotAllowed");
  }
  return fail(ErrorCode::kNotFound, fmt::format("There is nothing at '{}'.", request.path.substr(0, 500)),
              "InvalidResourceType");
}

Api::Api(ApiOptions options, store::Store& store, kube::Kubernetes& kubernetes, const Clock& clock, Random& random)
    : state_(new State{std::move(options), store, kubernetes, clock, random, {}}) {}
Api::~Api() = default;

http::Response Api::handle(const http::Request& request) {
  Result<http::Response> answer = state_->answer(request);
  http::Response response = answer ? std::move(*answer) : error_response(answer.error());
  if (!answer && response.status == 401) {
    response.headers["WWW-Authenticate"] =
        fmt::format(R"(Bearer authorization_uri="{}/{}", error="invalid_token", error_description="{}")",
                    request.base_url, state_->options.tenant, "The access token is missing or not valid.");
  }
  const auto correlation = request.headers.find("x-ms-client-request-id");
  if (correlation != request.headers.end()) response.headers["x-ms-client-request-id"] = correlation->second;
  return response;
}

}  // namespace slipway::api
