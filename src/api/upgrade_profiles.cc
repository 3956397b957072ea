#include <fmt/format.h>

#include <map>

#include "api/arm_resource.h"
#include "api/handlers.h"

// What could be upgraded to what, and the sizes that nodes may have.
namespace slipway::api {
namespace {

namespace json = boost::json;

// "1.20.2": "1.20"
std::string minor_of(const std::string& version) { return version.substr(0, version.find('.', version.find('.') + 1)); }

}  // namespace

Result<http::Response> list_kubernetes_versions(Call& call) {
  std::map<std::string, json::object> patches;
  std::vector<std::string> minors;
  for (const std::string& version : call.options.kubernetes_versions) {
    json::object& of_minor = patches[minor_of(version)];
    if (of_minor.empty()) minors.push_back(minor_of(version));
    // A cluster keeps its version.
    of_minor[version] = json::object{{"upgrades", json::array{}}};
  }
  json::array values;
  for (const std::string& minor : minors) {
    values.emplace_back(json::object{{"version", minor},
                                     {"isPreview", false},
                                     {"isDefault", minor == minors.back()},
                                     {"capabilities", json::object{{"supportPlan", json::array{"KubernetesOfficial"}}}},
                                     {"patchVersions", std::move(patches[minor])}});
  }
  return json_response(200, json::object{{"values", std::move(values)}});
}

Result<http::Response> get_upgrade_profile(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  const auto profile = [&cluster] {
    return json::object{
        {"kubernetesVersion", cluster.record.kubernetes_version}, {"osType", "Linux"}, {"upgrades", json::array{}}};
  };
  json::array pool_profiles;
  for (const Stored<fleet::Pool>& pool : pools) {
    json::object of_pool = profile();
    of_pool["name"] = pool.record.name;
    pool_profiles.emplace_back(std::move(of_pool));
  }
  return json_response(200,
                       json::object{{"id", cluster_resource_id(cluster.record) + "/upgradeProfiles/default"},
                                    {"name", "default"},
                                    {"type", "Microsoft.ContainerService/managedClusters/upgradeProfiles"},
                                    {"properties", json::object{{"controlPlaneProfile", profile()},
                                                                {"agentPoolProfiles", std::move(pool_profiles)}}}});
}

Result<http::Response> get_pool_upgrade_profile(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const auto pool, find_pool(call, cluster.record));
  const fleet::ImageCatalog catalog = call.options.images ? call.options.images() : fleet::ImageCatalog{};
  std::string latest = pool.record.node_image_version;
  for (const fleet::NodeImage& image : catalog.images) {
    if (image.version == pool.record.node_image_version) latest = catalog.latest(image.trusted_launch)->version;
  }
  return json_response(
      200, json::object{{"id", pool_resource_id(cluster.record, pool.record) + "/upgradeProfiles/default"},
                        {"name", "default"},
                        {"type", "Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles"},
                        {"properties", json::object{{"kubernetesVersion", cluster.record.kubernetes_version},
                                                    {"osType", "Linux"},
                                                    {"latestNodeImageVersion", latest},
                                                    {"upgrades", json::array{}}}}});
}

// The pools of a cluster run its version.
Result<http::Response> list_pool_versions(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  json::object version{
      {"default", true}, {"kubernetesVersion", cluster.record.kubernetes_version}, {"isPreview", false}};
  return json_response(
      200, json::object{{"id", cluster_resource_id(cluster.record) + "/availableAgentPoolVersions"},
                        {"name", "default"},
                        {"type", "Microsoft.ContainerService/managedClusters/availableAgentPoolVersions"},
                        {"properties", json::object{{"agentPoolVersions", json::array{std::move(version)}}}}});
}

Result<http::Response> list_vm_sizes(Call& call) {
  json::array items;
  for (const fleet::VmSize& size : call.options.sizes.sizes) {
    items.emplace_back(json::object{{"name", size.name},
                                    {"numberOfCores", size.vcpus},
                                    {"memoryInMB", size.memory_mib},
                                    {"osDiskSizeInMB", 32 * 1024},
                                    {"resourceDiskSizeInMB", size.ephemeral_disk_gib * 1024},
                                    {"maxDataDiskCount", 0}});
  }
  return list_response(std::move(items));
}

}  // namespace slipway::api
