#include "api/arm_resource.h"

#include <fmt/format.h>

#include "crypto/digest.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

json::object pool_properties(const fleet::Cluster& cluster, const Stored<fleet::Pool>& stored) {
  const fleet::Pool& pool = stored.record;
  json::object properties = kept_body(pool.body);
  const auto set_default = [&properties](std::string_view name, json::value value) {
    json::value& slot = properties[name];
    const bool is_unset = slot.is_null() || (slot.is_string() && slot.get_string().empty());
    if (is_unset) slot = std::move(value);
  };
  set_default("type", "VirtualMachineScaleSets");
  set_default("osType", "Linux");
  set_default("osSKU", "Debian");
  set_default("osDiskType", "Managed");
  set_default("osDiskSizeGB", 32);
  set_default("kubeletDiskType", "OS");
  set_default("maxPods", 110);
  set_default("enableAutoScaling", false);
  set_default("enableNodePublicIP", false);
  set_default("enableEncryptionAtHost", false);
  set_default("enableUltraSSD", false);
  set_default("enableFIPS", false);
  set_default("scaleDownMode", "Delete");
  set_default("upgradeSettings", json::object{});
  properties["count"] = pool.count;
  properties["vmSize"] = pool.vm_size;
  properties["mode"] = pool.mode;
  properties["orchestratorVersion"] = cluster.kubernetes_version;
  properties["currentOrchestratorVersion"] = cluster.kubernetes_version;
  properties["nodeImageVersion"] = pool.node_image_version;
  properties["provisioningState"] = fleet::to_string(pool.state);
  if (!pool.error.empty()) properties["provisioningError"] = pool.error;
  properties["powerState"] = json::object{{"code", "Running"}};
  properties["eTag"] = entity_tag(stored.revision);
  // Always whole: az reads both keys before it changes one.
  json::value& security = properties["securityProfile"];
  if (!security.is_object()) security = json::object{};
  security.get_object()["enableVTPM"] = pool.vtpm;
  security.get_object()["enableSecureBoot"] = pool.secure_boot;
  return properties;
}

std::string host_of(std::string_view url) {
  const std::size_t start = url.find("://");
  if (start == std::string_view::npos) return {};
  const std::string_view rest = url.substr(start + 3);
  return std::string(rest.substr(0, rest.find_last_of(':')));
}

// A UUID that is this cluster's own and stays the same: scripts keep such ids, and nothing here is found by them.
json::string derived_id(const fleet::Cluster& cluster, std::string_view purpose) {
  const std::string hex = to_hex(crypto::sha256(as_bytes(fmt::format("{}/{}", cluster.id, purpose))));
  return json::string(fmt::format("{}-{}-8{}-8{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 3),
                                  hex.substr(15, 3), hex.substr(18, 12)));
}

json::object kubelet_identity(const fleet::Cluster& cluster) {
  return json::object{{"resourceId", fmt::format("{}/identities/agentpool", cluster_resource_id(cluster))},
                      {"clientId", derived_id(cluster, "kubelet client")},
                      {"objectId", derived_id(cluster, "kubelet object")}};
}

json::value time_or_null(const std::optional<Time>& time) {
  return time ? json::value(to_rfc3339(*time)) : json::value(nullptr);
}

// The verdict's class for a node that sends evidence; for one without a vTPM, what its trust rests on.
std::string verdict_of(const fleet::Node& node, const json::value& report) {
  if (!node.vtpm) return node.certificate_expires ? "hostObserved" : "";
  const json::object* const object = report.if_object();
  const json::value* const verdict = object ? object->if_contains("verdict") : nullptr;
  return verdict && verdict->is_string() ? std::string(verdict->get_string()) : std::string();
}

void require(bool is_supported, std::string target, std::string message, std::vector<Error>& errors) {
  if (is_supported) return;
  errors.push_back({ErrorCode::kInvalidArgument, std::move(message), "InvalidParameter", std::move(target)});
}

}  // namespace

json::object kept_body(std::string_view body) {
  json::error_code error;
  json::value value = json::parse({body.data(), body.size()}, error);
  return !error && value.is_object() ? std::move(value.get_object()) : json::object{};
}

Result<fleet::PoolRequest> pool_request_from(std::string name, const json::object& object, std::string_view mode) {
  fleet::PoolRequest pool;
  Properties properties(object, "agentPoolProfile");
  pool.name = std::move(name);
  pool.count = properties.number("count").value_or(pool.count);
  pool.vm_size = properties.text("vmSize");
  pool.mode = properties.text("mode", std::string(mode));
  pool.type = properties.text("type", pool.type);
  pool.os_type = properties.text("osType", pool.os_type);
  pool.os_sku = properties.text("osSKU");
  pool.os_disk_type = properties.text("osDiskType");
  pool.os_disk_size_gib = properties.number("osDiskSizeGB").value_or(0);
  pool.orchestrator_version = properties.text("orchestratorVersion");
  pool.maximum_pods = properties.number("maxPods").value_or(0);
  pool.workload_runtime = properties.text("workloadRuntime");
  pool.fips = properties.boolean("enableFIPS").value_or(false);

  Properties gpu(properties.object("gpuProfile"), "agentPoolProfile.gpuProfile");
  Properties tags(properties.object("tags"), "agentPoolProfile.tags");
  // Three generations of clients have three spellings.
  pool.skip_gpu_driver = equal_without_case(gpu.text("driver"), "None") ||
                         !gpu.boolean("installGPUDriver").value_or(true) ||
                         tags.boolean("SkipGPUDriverInstall").value_or(false);
  Properties upgrade(properties.object("upgradeSettings"), "agentPoolProfile.upgradeSettings");
  pool.drain_timeout_minutes = upgrade.number("drainTimeoutInMinutes").value_or(0);
  Properties security(properties.object("securityProfile"), "agentPoolProfile.securityProfile");
  pool.vtpm = security.boolean("enableVTPM").value_or(false);
  pool.secure_boot = security.boolean("enableSecureBoot").value_or(false);
  SLIPWAY_TRY(properties.status());
  SLIPWAY_TRY(gpu.status());
  SLIPWAY_TRY(tags.status());
  SLIPWAY_TRY(security.status());
  SLIPWAY_TRY(upgrade.status());
  return pool;
}

std::vector<Error> unsupported_pool_properties(const json::object& object) {
  std::vector<Error> errors;
  Properties properties(object, "agentPoolProfile");
  const auto refuse_true = [&](std::string_view name) {
    require(!properties.boolean(name).value_or(false), fmt::format("agentPoolProfile.{}", name),
            fmt::format("{} is not supported by Slipway: leave it out.", name), errors);
  };
  for (const char* name : {"enableAutoScaling", "enableNodePublicIP", "enableEncryptionAtHost", "enableUltraSSD"}) {
    refuse_true(name);
  }
  require(!properties.boolean("enableFIPS").value_or(false), "agentPoolProfile.enableFIPS",
          "There is no node image with FIPS: leave enableFIPS out.", errors);
  require(properties.array("nodeTaints").empty(), "agentPoolProfile.nodeTaints",
          "Taints of a node pool are not supported: taint the nodes with kubectl.", errors);
  require(properties.object("nodeLabels").empty(), "agentPoolProfile.nodeLabels",
          "Labels of a node pool are not supported: label the nodes with kubectl.", errors);
  require(properties.text("scaleSetPriority", "Regular") == "Regular", "agentPoolProfile.scaleSetPriority",
          "Spot node pools are not supported: use scaleSetPriority Regular.", errors);
  require(properties.text("workloadRuntime", "OCIContainer") == "OCIContainer", "agentPoolProfile.workloadRuntime",
          "Only the workload runtime OCIContainer is supported.", errors);
  Properties upgrade(properties.object("upgradeSettings"), "agentPoolProfile.upgradeSettings");
  const auto require_upgrade = [&](std::string_view name, std::string_view found, std::string_view only) {
    require(found == only, fmt::format("agentPoolProfile.upgradeSettings.{}", name),
            fmt::format("{} '{}' is not supported: an update replaces one node at a time. Leave it out.", name, found),
            errors);
  };
  require_upgrade("maxSurge", upgrade.text("maxSurge", "0"), "0");
  require_upgrade("maxUnavailable", upgrade.text("maxUnavailable", "1"), "1");
  require_upgrade("undrainableNodeBehavior", upgrade.text("undrainableNodeBehavior", "Schedule"), "Schedule");
  require(upgrade.number("nodeSoakDurationInMinutes").value_or(0) == 0,
          "agentPoolProfile.upgradeSettings.nodeSoakDurationInMinutes",
          "nodeSoakDurationInMinutes is not supported: leave it out.", errors);
  for (const Status& status : {properties.status(), upgrade.status()}) {
    if (!status) errors.push_back(status.error());
  }
  return errors;
}

std::vector<Error> unsupported_cluster_properties(const json::object& object) {
  std::vector<Error> errors;
  Properties properties(object, "properties");
  Properties network(properties.object("networkProfile"), "properties.networkProfile");
  const kube::ClusterSpec fixed;
  const auto require_value = [&](std::string_view name, const std::string& value) {
    require(network.text(name, value) == value, fmt::format("properties.networkProfile.{}", name),
            fmt::format("The {} of a cluster is {} and cannot be chosen.", name, value), errors);
  };
  require_value("podCidr", fixed.pod_cidr);
  require_value("serviceCidr", fixed.service_cidr);
  require_value("dnsServiceIP", fixed.dns_service_ip);
  require(properties.boolean("enableRBAC").value_or(true), "properties.enableRBAC",
          "Clusters always use Kubernetes RBAC: leave enableRBAC true.", errors);
  require(!properties.boolean("disableLocalAccounts").value_or(false), "properties.disableLocalAccounts",
          "Local accounts cannot be disabled: there is no other kind of account here.", errors);
  for (const auto& [name, addon] : properties.object("addonProfiles")) {
    const json::object* const profile = addon.if_object();
    const json::value* const enabled = profile ? profile->if_contains("enabled") : nullptr;
    require(!enabled || *enabled == json::value(false), fmt::format("properties.addonProfiles.{}", std::string(name)),
            fmt::format("The add-on {} is not supported.", std::string(name)), errors);
  }
  if (const Status status = properties.status(); !status) errors.push_back(status.error());
  if (const Status status = network.status(); !status) errors.push_back(status.error());
  return errors;
}

json::object merge_properties(const json::object& base, const json::object& changes) {
  json::object merged = base;
  for (const auto& [name, value] : changes) {
    if (value.is_null() || (value.is_string() && value.get_string().empty())) continue;
    merged[name] = value;
  }
  return merged;
}

void drop_secrets(json::object& properties) {
  const auto drop = [&properties](std::string_view profile, std::string_view secret) {
    json::value* const found = properties.if_contains(profile);
    if (found && found->is_object()) found->get_object().erase(secret);
  };
  drop("windowsProfile", "adminPassword");
  drop("servicePrincipalProfile", "secret");
  drop("aadProfile", "serverAppSecret");
}

json::object cluster_resource(const Call& call, const Stored<fleet::Cluster>& stored,
                              const std::vector<Stored<fleet::Pool>>& pools) {
  const fleet::Cluster& cluster = stored.record;
  json::object resource = kept_body(cluster.body);
  resource["id"] = cluster_resource_id(cluster);
  resource["name"] = cluster.name;
  resource["type"] = "Microsoft.ContainerService/ManagedClusters";
  resource["location"] = cluster.location;
  if (!resource.contains("sku")) resource["sku"] = json::object{{"name", "Base"}, {"tier", "Free"}};
  if (const json::value* const identity = resource.if_contains("identity"); identity && identity->is_object()) {
    resource["identity"].get_object()["tenantId"] = call.options.tenant;
    resource["identity"].get_object()["principalId"] = derived_id(cluster, "principal");
  }
  resource["eTag"] = entity_tag(stored.revision);

  json::value& slot = resource["properties"];
  if (!slot.is_object()) slot = json::object{};
  json::object& properties = slot.get_object();
  properties["provisioningState"] = fleet::to_string(cluster.state);
  if (!cluster.error.empty()) properties["provisioningError"] = cluster.error;
  properties["powerState"] = json::object{{"code", "Running"}};
  properties["kubernetesVersion"] = cluster.kubernetes_version;
  properties["currentKubernetesVersion"] = cluster.kubernetes_version;
  if (!properties.contains("dnsPrefix")) properties["dnsPrefix"] = cluster.name;
  properties["fqdn"] = host_of(cluster.api_server);
  properties["nodeResourceGroup"] =
      fmt::format("MC_{}_{}_{}", cluster.resource_group, cluster.name, cluster.location).substr(0, 80);
  // az reads this one without asking whether it is there.
  properties["servicePrincipalProfile"] = json::object{{"clientId", "msi"}};
  properties["identityProfile"] = json::object{{"kubeletidentity", kubelet_identity(cluster)}};
  properties["enableRBAC"] = true;
  properties["disableLocalAccounts"] = false;
  properties["maxAgentPools"] = call.options.rules.maximum_pools_per_cluster;
  properties["supportPlan"] = "KubernetesOfficial";
  json::array profiles;
  for (const Stored<fleet::Pool>& pool : pools) {
    json::object profile = pool_properties(cluster, pool);
    profile["name"] = pool.record.name;
    profiles.emplace_back(std::move(profile));
  }
  properties["agentPoolProfiles"] = std::move(profiles);
  return resource;
}

json::object pool_resource(const fleet::Cluster& cluster, const Stored<fleet::Pool>& pool) {
  return json::object{{"id", pool_resource_id(cluster, pool.record)},
                      {"name", pool.record.name},
                      {"type", "Microsoft.ContainerService/managedClusters/agentPools"},
                      {"properties", pool_properties(cluster, pool)}};
}

json::object node_resource(const fleet::Cluster& cluster, const fleet::Node& node, bool with_boot_report) {
  json::error_code error;
  json::value report = node.verdict.empty() ? json::value(nullptr) : json::parse(node.verdict, error);
  json::object properties{
      {"instance", node.instance},
      {"pool", node.pool},
      {"phase", fleet::to_string(node.phase)},
      {"explanation", node.explanation},
      {"refusal", node.refusal},
      {"ready", node.phase == fleet::NodePhase::kReady},
      {"secureBoot", node.secure_boot},
      {"vtpm", node.vtpm},
      {"verdict", verdict_of(node, report)},
      {"labelsApplied", node.labels_applied},
      {"imageVersion", node.image_version},
      {"internalIp", node.ip},
      {"created", to_rfc3339(node.created)},
      {"booted", time_or_null(node.booted)},
      {"lastEvidence", time_or_null(node.last_evidence)},
      {"lastGoodVerdict", time_or_null(node.last_good_verdict)},
      {"certificateExpires", time_or_null(node.certificate_expires)},
  };
  if (with_boot_report) properties["bootReport"] = error ? json::value(nullptr) : std::move(report);
  return json::object{{"id", cluster_resource_id(cluster) + "/nodes/" + node.name},
                      {"name", node.name},
                      {"type", "Microsoft.ContainerService/managedClusters/nodes"},
                      {"properties", std::move(properties)}};
}

}  // namespace slipway::api
