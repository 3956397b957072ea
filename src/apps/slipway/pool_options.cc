#include "apps/slipway/pool_options.h"

#include <utility>

#include "apps/slipway/shell.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

// The last part of a target, and the flag that sets it.
constexpr std::pair<std::string_view, std::string_view> kFlags[] = {
    {"count", "--node-count"},
    {"vmSize", "--node-vm-size"},
    {"orchestratorVersion", "--kubernetes-version"},
    {"kubernetesVersion", "--kubernetes-version"},
    {"mode", "--mode"},
    {"osType", "--os-type"},
    {"osSKU", "--os-sku"},
    {"osDiskType", "--node-osdisk-type"},
    {"osDiskSizeGB", "--node-osdisk-size"},
    {"enableFIPS", "--enable-fips-image"},
    {"workloadRuntime", "--workload-runtime"},
    {"gpuProfile", "--gpu-driver None, or --skip-gpu-driver-install"},
    {"driver", "--gpu-driver None, or --skip-gpu-driver-install"},
    {"tags", "--tags"},
    {"enableVTPM", "--enable-vtpm"},
    {"enableSecureBoot", "--enable-secure-boot"},
    {"securityProfile", "--enable-vtpm, --enable-secure-boot"},
    {"type", "--vm-set-type"},
    {"nodeLabels", "--labels"},
    {"nodeTaints", "--node-taints"},
    {"scaleSetPriority", "--priority"},
    {"maxPods", "--max-pods"},
    {"availabilityZones", "--zones"},
    {"maxSurge", "--max-surge"},
    {"location", "--location"},
};

}  // namespace

const std::vector<Column> kPoolColumns = {{"Name", "name"},
                                          {"Count", "count"},
                                          {"Mode", "mode"},
                                          {"VmSize", "vmSize"},
                                          {"SecureBoot", "securityProfile.enableSecureBoot"},
                                          {"vTPM", "securityProfile.enableVtpm"},
                                          {"NodeImageVersion", "nodeImageVersion"},
                                          {"ProvisioningState", "provisioningState"}};

std::string_view flag_of(std::string_view target) {
  const std::size_t dot = target.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? target : target.substr(dot + 1);
  for (const auto& [property, flag] : kFlags)
    if (property == last) return flag;
  return {};
}

void add_pool_options(CLI::App& verb, PoolOptions& options) {
  verb.add_option("--node-count,-c", options.count, "Number of nodes")->capture_default_str();
  verb.add_option("--node-vm-size,-s", options.vm_size, "Size of the nodes' VMs; default: the server's");
  verb.add_option("--kubernetes-version,-k", options.kubernetes_version, "Kubernetes version; default: the server's");
  verb.add_flag("--enable-secure-boot", options.secure_boot, "Nodes load signed boot files only");
  verb.add_flag("--enable-vtpm", options.vtpm, "Each node has a TPM of its own and must prove its boot");
  verb.add_option("--os-sku", options.os_sku, "Distribution of the nodes; default: the server's");
  verb.add_option("--node-osdisk-type", options.os_disk_type, "Managed or Ephemeral; default: the server's");
  verb.add_option("--node-osdisk-size", options.os_disk_size_gib, "Size of the OS disk in GiB; default: the server's");
  verb.add_option("--vm-set-type", options.vm_set_type, "VirtualMachineScaleSets, and nothing else")
      ->capture_default_str();
  verb.add_option("--workload-runtime", options.workload_runtime, "OCIContainer, and nothing else");
  verb.add_option("--gpu-driver", options.gpu_driver,
                  "Install or None; Secure Boot on a size with a GPU needs None, since the driver is not signed");
  verb.add_flag("--skip-gpu-driver-install", options.skip_gpu_driver, "The older spelling of --gpu-driver None");
  verb.add_flag("--enable-fips-image", options.fips, "Nodes with a FIPS image");
  verb.add_option("--max-pods,-m", options.maximum_pods, "Pods on one node; default: the server's");
  verb.add_option("--zones,-z", options.zones, "Availability zones, several with spaces between them");
}

void add_surge_options(CLI::App& verb, SurgeOptions& options) {
  verb.add_option("--max-surge", options.maximum_surge,
                  "Extra nodes while nodes are replaced: a number or a percentage");
  verb.add_option("--max-unavailable", options.maximum_unavailable, "Nodes that may be away at a time");
  verb.add_option("--drain-timeout", options.drain_timeout_minutes, "Minutes to wait for a node's pods to leave")
      ->check(CLI::Range(1, 1440));
  verb.add_option("--node-soak-duration", options.soak_minutes, "Minutes between one replaced node and the next")
      ->check(CLI::Range(0, 30));
  verb.add_option("--undrainable-node-behavior", options.undrainable_behaviour, "Schedule or Cordon")
      ->check(CLI::IsMember({"Schedule", "Cordon"}));
}

void put_surge(const SurgeOptions& options, json::object& properties) {
  json::value& settings = properties["upgradeSettings"];
  if (!settings.is_object()) settings = json::object();
  json::object& said = settings.get_object();
  if (!options.maximum_surge.empty()) said["maxSurge"] = options.maximum_surge;
  if (!options.maximum_unavailable.empty()) said["maxUnavailable"] = options.maximum_unavailable;
  if (options.drain_timeout_minutes >= 0) said["drainTimeoutInMinutes"] = options.drain_timeout_minutes;
  if (options.soak_minutes >= 0) said["nodeSoakDurationInMinutes"] = options.soak_minutes;
  if (!options.undrainable_behaviour.empty()) said["undrainableNodeBehavior"] = options.undrainable_behaviour;
  if (said.empty()) properties.erase("upgradeSettings");
}

Result<json::object> pool_properties(const PoolOptions& options) {
  json::object properties = {
      {"count", options.count},     {"vmSize", options.vm_size},   {"orchestratorVersion", options.kubernetes_version},
      {"mode", options.mode},       {"type", options.vm_set_type}, {"osType", options.os_type},
      {"enableAutoScaling", false}, {"enableNodePublicIP", false}, {"enableEncryptionAtHost", false},
      {"enableUltraSSD", false},    {"enableFIPS", options.fips},  {"scaleSetPriority", options.priority}};
  const auto put = [&properties](std::string_view name, const std::string& value) {
    if (!value.empty()) properties[name] = value;
  };
  put("osSKU", options.os_sku);
  put("osDiskType", options.os_disk_type);
  put("workloadRuntime", options.workload_runtime);
  if (options.os_disk_size_gib != 0) properties["osDiskSizeGB"] = options.os_disk_size_gib;
  if (options.maximum_pods != 0) properties["maxPods"] = options.maximum_pods;
  const bool skips = options.skip_gpu_driver && options.gpu_driver.empty();
  if (skips || !options.gpu_driver.empty())
    properties["gpuProfile"] = json::object{{"driver", skips ? "None" : options.gpu_driver}};
  json::array zones;
  for (const std::string& zone : options.zones) zones.push_back(json::string(zone));
  if (!zones.empty()) properties["availabilityZones"] = std::move(zones);
  SLIPWAY_ASSIGN(auto labels, parse_tags(options.labels));
  if (!labels.empty()) properties["nodeLabels"] = std::move(labels);
  SLIPWAY_ASSIGN(auto tags, parse_tags(options.tags));
  if (!tags.empty()) properties["tags"] = std::move(tags);
  json::array taints;
  for (const std::string& taint : options.taints) taints.push_back(json::string(taint));
  properties["nodeTaints"] = std::move(taints);
  json::object security;
  if (options.vtpm) security["enableVTPM"] = true;
  if (options.secure_boot) security["enableSecureBoot"] = true;
  if (!security.empty()) properties["securityProfile"] = std::move(security);
  return properties;
}

}  // namespace slipway::cli
