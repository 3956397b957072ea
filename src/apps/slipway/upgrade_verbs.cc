#include <fmt/format.h>

#include "apps/slipway/cluster_options.h"

// aks upgrade, get-upgrades, get-versions.
namespace slipway::cli {
namespace {

namespace json = boost::json;

struct UpgradeOptions {
  std::string group, name, version, location;
  bool node_image_only = false, control_plane_only = false, yes = false, no_wait = false;
  OutputOptions output;
};

// Of each pool, without waiting, as az does; the pools go on by themselves.
Status upgrade_images(ArmClient& client, const UpgradeOptions& options, const std::string& path) {
  SLIPWAY_ASSIGN(const auto pools, client.list(path + "/agentPools", kClusterApi));
  for (const json::value& pool : pools) {
    SLIPWAY_ASSIGN(const auto name, query(pool, "name"));
    if (!name.is_string()) return fail(ErrorCode::kMalformed, "the server named a node pool without a name");
    Shell::say(fmt::format("Upgrading node image version of node pool {}", printable(name.get_string())),
               options.output);
    SLIPWAY_TRY(client.send("POST",
                            fmt::format("{}/agentPools/{}/upgradeNodeImageVersion", path,
                                        encode_segment(std::string_view(name.get_string()))),
                            kClusterApi));
  }
  return {};
}

// The whole cluster with another version; the server says what it makes of that.
Status upgrade_version(ArmClient& client, const UpgradeOptions& options, const std::string& path) {
  SLIPWAY_ASSIGN(auto cluster, client.get(path, kClusterApi));
  SLIPWAY_ASSIGN(auto properties, query(cluster, "properties"));
  if (!properties.is_object()) return fail(ErrorCode::kMalformed, "the server's answer is no cluster");
  json::object& said = properties.get_object();
  for (const char* own : {"provisioningState", "provisioningError", "currentKubernetesVersion", "powerState"})
    said.erase(own);
  said["kubernetesVersion"] = options.version;
  if (json::value* pools = said.if_contains("agentPoolProfiles");
      pools != nullptr && pools->is_array() && !options.control_plane_only)
    for (json::value& pool : pools->get_array())
      if (pool.is_object()) pool.get_object()["orchestratorVersion"] = options.version;
  SLIPWAY_ASSIGN(const auto location, query(cluster, "location"));
  const json::object body = {{"location", location}, {"properties", std::move(properties)}};
  SLIPWAY_ASSIGN(const auto answer, client.send("PUT", path, kClusterApi, body));
  return options.no_wait ? Status() : client.wait(answer);
}

Status upgrade_cluster(const UpgradeOptions& options) {
  if (options.node_image_only == !options.version.empty())
    return fail(ErrorCode::kInvalidArgument, "give either --node-image-only or --kubernetes-version");
  SLIPWAY_ASSIGN(
      const bool sure,
      Shell::confirm(options.node_image_only
                         ? "Every node of every pool is replaced, one after the other, each drained before. Go on?"
                         : fmt::format("The cluster and its nodes change to Kubernetes {}. Go on?", options.version),
                     options.yes));
  if (!sure) return fail(ErrorCode::kInvalidArgument, "nothing was upgraded");
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  const std::string path = client.cluster_path(options.group, options.name);
  SLIPWAY_TRY(options.node_image_only ? upgrade_images(client, options, path) : upgrade_version(client, options, path));
  SLIPWAY_ASSIGN(const auto cluster, client.get(path, kClusterApi));
  return Shell::print(flatten(cluster), options.output, kClusterColumns);
}

Status show_upgrades(const UpgradeOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(
      const auto profile,
      client.get(client.cluster_path(options.group, options.name) + "/upgradeProfiles/default", kClusterApi));
  return Shell::print(flatten(profile), options.output,
                      {{"Name", "name"},
                       {"ResourceGroup", "resourceGroup"},
                       {"MasterVersion", "controlPlaneProfile.kubernetesVersion"},
                       {"Upgrades", "controlPlaneProfile.upgrades[].kubernetesVersion"}});
}

Status show_versions(const UpgradeOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto versions,
                 client.get(fmt::format("{}/providers/Microsoft.ContainerService/locations/{}/kubernetesVersions",
                                        client.subscription_path(), encode_segment(options.location)),
                            kClusterApi));
  if (options.output.format != "table" || !options.output.query.empty())
    return Shell::print(versions, options.output, {});
  SLIPWAY_ASSIGN(const auto list, query(versions, "values"));
  return Shell::print(list, options.output, {{"KubernetesVersion", "version"}, {"IsDefault", "isDefault"}});
}

}  // namespace

void add_upgrades(Shell& shell, CLI::App& aks) {
  const auto add = [&](const std::string& name, const std::string& description, const std::string& example,
                       Status (*run)(const UpgradeOptions&)) {
    auto options = std::make_shared<UpgradeOptions>();
    CLI::App* verb = shell.add_verb(aks, name, description, example, [options, run] { return run(*options); });
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  const auto [upgrade, upgraded] = add(
      "upgrade", "Give all nodes the newest node image",
      "  slipway aks upgrade --resource-group my-group --name my-cluster --node-image-only --yes\n", upgrade_cluster);
  add_cluster_name(*upgrade, upgraded->group, upgraded->name);
  upgrade->add_flag("--node-image-only", upgraded->node_image_only,
                    "A new image, the same Kubernetes; returns when the pools have begun");
  upgrade->add_option("--kubernetes-version,-k", upgraded->version, "Another version of Kubernetes");
  upgrade->add_flag("--control-plane-only", upgraded->control_plane_only, "With --kubernetes-version: not the pools");
  upgrade->add_flag("--yes,-y", upgraded->yes, "Do not ask");
  upgrade->add_flag("--no-wait", upgraded->no_wait, "Return as soon as the server has taken the request");
  const auto [upgrades, upgradable] =
      add("get-upgrades", "Show the versions that a cluster can be upgraded to",
          "  slipway aks get-upgrades --resource-group my-group --name my-cluster --output table\n", show_upgrades);
  add_cluster_name(*upgrades, upgradable->group, upgradable->name);
  const auto [versions, versioned] = add("get-versions", "List the versions of Kubernetes that a cluster can have",
                                         "  slipway aks get-versions --location local --output table\n", show_versions);
  versions->add_option("--location,-l", versioned->location, "Where: local")->required();
}

}  // namespace slipway::cli
