#include "api/routes.h"

#include <algorithm>
#include <array>

#include "api/handlers.h"
#include "api/route.h"

namespace slipway::api {
namespace {

// Written whole, so that they can be searched for.
constexpr std::array kRoutes = {
    Route{"GET", "/metadata/endpoints", get_metadata, Access::kAnyone},
    Route{"GET", "/.well-known/jwks.json", get_result_keys, Access::kAnyone},
    Route{"GET", "/adfs/.well-known/openid-configuration", get_adfs_configuration, Access::kAnyone},
    Route{"POST", "/adfs/oauth2/token", post_token, Access::kAnyone},
    Route{"GET", "/adfs/discovery/keys", get_keys, Access::kAnyone},
    Route{"GET", "/adfs/{tenant}/v2.0/.well-known/openid-configuration", get_openid_configuration, Access::kAnyone},
    Route{"GET", "/{tenant}/v2.0/.well-known/openid-configuration", get_openid_configuration, Access::kAnyone},
    Route{"POST", "/{tenant}/oauth2/v2.0/token", post_token, Access::kAnyone},
    Route{"GET", "/{tenant}/discovery/v2.0/keys", get_keys, Access::kAnyone},
    Route{"GET", "/subscriptions", list_subscriptions, Access::kByHandler},
    Route{"GET", "/subscriptions/{subscription}", get_subscription, Access::kByHandler},
    Route{"GET", "/subscriptions/{subscription}/resourceGroups", list_groups, Access::kByHandler},
    Route{"GET", "/subscriptions/{subscription}/resourceGroups/{group}", get_group},
    Route{"HEAD", "/subscriptions/{subscription}/resourceGroups/{group}", head_group},
    Route{"PUT", "/subscriptions/{subscription}/resourceGroups/{group}", put_group},
    Route{"DELETE", "/subscriptions/{subscription}/resourceGroups/{group}", delete_group},
    Route{"GET", "/subscriptions/{subscription}/providers", list_providers, Access::kByHandler},
    Route{"GET", "/subscriptions/{subscription}/providers/{provider}", get_provider, Access::kByHandler},
    Route{"POST", "/subscriptions/{subscription}/providers/{provider}/register", register_provider},
    Route{"GET", "/subscriptions/{subscription}/providers/Microsoft.Features/providers/{provider}/features",
          list_features, Access::kByHandler},
    Route{"GET", "/subscriptions/{subscription}/providers/Microsoft.Features/providers/{provider}/features/{feature}",
          get_feature, Access::kByHandler},
    Route{"POST",
          "/subscriptions/{subscription}/providers/Microsoft.Features/providers/{provider}/features/{feature}/register",
          register_feature},
    Route{
        "POST",
        "/subscriptions/{subscription}/providers/Microsoft.Features/providers/{provider}/features/{feature}/unregister",
        unregister_feature},
    Route{"GET",
          "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}/kubernetesVersions",
          list_kubernetes_versions, Access::kByHandler},
    Route{"GET",
          "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}/operations/"
          "{operation}",
          get_operation, Access::kByHandler},
    Route{"GET",
          "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}/operationresults/"
          "{operation}",
          get_operation_result, Access::kByHandler},
    Route{"GET", "/subscriptions/{subscription}/providers/Microsoft.ContainerService/managedClusters", list_clusters,
          Access::kByHandler},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters",
          list_clusters_in_group, Access::kByHandler},
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
    Route{"POST",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/agentPools/{pool}/upgradeNodeImageVersion",
          upgrade_node_image},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/nodes",
          list_nodes},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/nodes/{node}",
          get_node},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/nodes/{node}/evidence",
          get_node_evidence},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/nodes/{node}/attestationResult",
          get_node_result},
    Route{"PATCH", "/subscriptions/{subscription}/resourceGroups/{group}", patch_group},
    Route{"GET", "/subscriptions/{subscription}/operationresults/{group}", get_group_deletion, Access::kByHandler},
    Route{"GET", "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/vmSizes",
          list_vm_sizes, Access::kByHandler},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/upgradeProfiles/default",
          get_upgrade_profile},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/availableAgentPoolVersions",
          list_pool_versions},
    Route{"GET",
          "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/"
          "{cluster}/agentPools/{pool}/upgradeProfiles/default",
          get_pool_upgrade_profile},
    Route{"GET", "/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values",
          list_activity, Access::kByHandler},
    Route{"GET", "{scope}/providers/Microsoft.Authorization/roleDefinitions", list_role_definitions,
          Access::kByHandler},
    Route{"GET", "{scope}/providers/Microsoft.Authorization/roleDefinitions/{definition}", get_role_definition,
          Access::kByHandler},
    Route{"GET", "{scope}/providers/Microsoft.Authorization/roleAssignments", list_role_assignments,
          Access::kByHandler},
    Route{"GET", "{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment}", get_role_assignment},
    Route{"PUT", "{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment}", put_role_assignment},
    Route{"DELETE", "{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment}", delete_role_assignment},
    Route{"GET", "/v1.0/applications", list_applications, Access::kDirectory},
    Route{"POST", "/v1.0/applications", create_application, Access::kDirectory},
    Route{"GET", "/v1.0/applications/{client}", get_application, Access::kDirectory},
    Route{"PATCH", "/v1.0/applications/{client}", patch_application, Access::kDirectory},
    Route{"DELETE", "/v1.0/applications/{client}", delete_client, Access::kDirectory},
    Route{"POST", "/v1.0/applications/{client}/addPassword", add_password, Access::kDirectory},
    Route{"GET", "/v1.0/servicePrincipals", list_service_principals, Access::kDirectory},
    Route{"POST", "/v1.0/servicePrincipals", create_service_principal, Access::kDirectory},
    Route{"GET", "/v1.0/servicePrincipals/{client}", get_service_principal, Access::kDirectory},
    Route{"DELETE", "/v1.0/servicePrincipals/{client}", delete_client, Access::kDirectory},
    Route{"POST", "/v1.0/servicePrincipals/{client}/addPassword", add_password, Access::kDirectory},
    Route{"POST", "/v1.0/directoryObjects/getByIds", find_directory_objects, Access::kDirectory},
};

}  // namespace

std::span<const Route> routes() { return kRoutes; }

RouteMatch find_route(const http::Request& request) {
  RouteMatch match;
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

std::string canonical_path(const RouteMatch& match, const http::Request& request) {
  if (match.route == nullptr) return request.path;
  std::string path;
  std::string_view pattern = match.route->pattern;
  while (!pattern.empty()) {
    const std::size_t start = std::min(pattern.find('{'), pattern.size());
    path += pattern.substr(0, start);
    pattern.remove_prefix(start);
    if (pattern.empty()) break;
    const std::size_t end = pattern.find('}');
    const std::string& value = match.parameters.at(std::string(pattern.substr(1, end - 1)));
    if (value != "/") path += value;
    pattern.remove_prefix(end + 1);
  }
  return path;
}

}  // namespace slipway::api
