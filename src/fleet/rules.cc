#include "fleet/rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace slipway::fleet {
namespace {

constexpr std::string_view kInvalidParameter = "InvalidParameter";
constexpr std::string_view kIncompatible = "TrustedLaunchIncompatibleWithConfig";
constexpr std::size_t kMaximumAlternatives = 5;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z'); }

// The list that every rule adds to.
class Broken {
 public:
  void add(std::string_view code, std::string target, std::string message) {
    errors_.push_back({ErrorCode::kInvalidArgument, std::move(message), std::string(code), std::move(target)});
  }
  std::vector<Error> take() { return std::move(errors_); }

 private:
  std::vector<Error> errors_;
};

// What is asked for, with the verb in its number: "vTPM is", "vTPM and Secure Boot are".
std::string wanted(const PoolRequest& pool, std::string_view singular, std::string_view plural) {
  return fmt::format("{} {}", trusted_launch_words(pool.vtpm, pool.secure_boot),
                     pool.vtpm && pool.secure_boot ? plural : singular);
}

bool is_one_of(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <typename Fits>
std::string alternatives(const VmSizes& sizes, const Fits& fits) {
  std::string names;
  std::size_t count = 0;
  for (const VmSize& size : sizes.sizes) {
    if (!fits(size) || ++count > kMaximumAlternatives) continue;
    names += (names.empty() ? "" : ", ") + size.name;
  }
  return names.empty() ? "another size" : names;
}

void judge_name(const PoolRequest& pool, const RulesProfile& profile, Broken& broken) {
  const std::size_t maximum =
      pool.os_type == "Windows" ? profile.maximum_windows_pool_name_length : profile.maximum_pool_name_length;
  const bool has_good_length = !pool.name.empty() && pool.name.size() <= maximum;
  const bool has_good_form =
      !pool.name.empty() && is_lower(pool.name.front()) &&
      std::all_of(pool.name.begin(), pool.name.end(), [](char c) { return is_lower(c) || is_digit(c); });
  if (has_good_length && has_good_form) return;
  broken.add(
      kInvalidParameter, "agentPoolProfile.name",
      fmt::format("The node pool name '{}' is not valid: use 1 to {} lower-case letters and digits, and a letter "
                  "first.",
                  pool.name.substr(0, 100), maximum));
}

void judge_numbers(const PoolRequest& pool, const Circumstances& circumstances, const RulesProfile& profile,
                   Broken& broken) {
  const int least = pool.mode == "System" ? 1 : 0;
  if (pool.count < least || pool.count > profile.maximum_nodes_per_pool) {
    broken.add(kInvalidParameter, "agentPoolProfile.count",
               fmt::format("The node pool '{}' asks for {} nodes: a pool of mode {} has {} to {}.", pool.name,
                           pool.count, pool.mode, least, profile.maximum_nodes_per_pool));
  } else if (pool.count + circumstances.other_nodes_in_cluster > profile.maximum_nodes_per_cluster) {
    broken.add(kInvalidParameter, "agentPoolProfile.count",
               fmt::format("The cluster would have {} nodes: at most {} are supported.",
                           pool.count + circumstances.other_nodes_in_cluster, profile.maximum_nodes_per_cluster));
  }
  const auto in_range = [&](int value, int minimum, int maximum, std::string_view property, std::string_view unit) {
    if (value == 0 || (value >= minimum && value <= maximum)) return;
    broken.add(kInvalidParameter, fmt::format("agentPoolProfile.{}", property),
               fmt::format("The {} of node pool '{}' is {}: use {} to {} {}, or leave it out.", property, pool.name,
                           value, minimum, maximum, unit));
  };
  in_range(pool.os_disk_size_gib, profile.minimum_os_disk_gib, profile.maximum_os_disk_gib, "osDiskSizeGB", "GiB");
  in_range(pool.maximum_pods, profile.minimum_pods_per_node, profile.maximum_pods_per_node, "maxPods", "pods");
  in_range(pool.drain_timeout_minutes, 1, profile.maximum_drain_timeout_minutes,
           "upgradeSettings.drainTimeoutInMinutes", "minutes");
}

// A pool's nodes run the kubelet of their node image, which is of the control plane's version.
void judge_version(const PoolRequest& pool, const Circumstances& circumstances, Broken& broken) {
  const std::string& wanted_version = pool.orchestrator_version;
  const std::string& running = circumstances.kubernetes_version;
  if (wanted_version.empty() || running.empty() || wanted_version == running ||
      running.rfind(wanted_version + ".", 0) == 0) {
    return;
  }
  broken.add("K8sVersionNotSupported", "agentPoolProfile.orchestratorVersion",
             fmt::format("The node pool '{}' asks for Kubernetes {}, and its cluster runs {}: nodes run the version of "
                         "their cluster. Leave orchestratorVersion out.",
                         pool.name, wanted_version, running));
}

void judge_kind(const PoolRequest& pool, const VmSizes& sizes, Broken& broken) {
  const VmSize* const size = sizes.find(pool.vm_size);
  if (size == nullptr) {
    broken.add(kInvalidParameter, "agentPoolProfile.vmSize",
               fmt::format("The VM size '{}' is not known here: use {}, or another one of data/vm-sizes.json.",
                           pool.vm_size, alternatives(sizes, [](const VmSize& one) { return one.generation_2; })));
  }
  if (pool.mode != "System" && pool.mode != "User") {
    broken.add(kInvalidParameter, "agentPoolProfile.mode",
               fmt::format("The mode '{}' of node pool '{}' is not valid: use System or User.", pool.mode, pool.name));
  }
  if (pool.os_type != "Linux") {
    broken.add(pool.trusted_launch() ? kIncompatible : kInvalidParameter, "agentPoolProfile.osType",
               pool.trusted_launch() ? fmt::format("{} not supported on nodes that run {}: use osType Linux.",
                                                   wanted(pool, "is", "are"), pool.os_type)
                                     : fmt::format("The osType '{}' is not supported: use Linux.", pool.os_type));
  }
  if (pool.type != "VirtualMachineScaleSets") {
    broken.add(pool.trusted_launch() ? kIncompatible : kInvalidParameter, "agentPoolProfile.type",
               pool.trusted_launch()
                   ? fmt::format("{} not supported with type {}: use VirtualMachineScaleSets.",
                                 wanted(pool, "is", "are"), pool.type)
                   : fmt::format("The node pool type '{}' is not supported: use VirtualMachineScaleSets.", pool.type));
  }
}

// The three spellings of "skip it" are all accepted; the message names the one that the client's own API has.
void judge_gpu_driver(const VmSize& size, const Circumstances& circumstances, const RulesProfile& profile,
                      Broken& broken) {
  // The date comes first in every api-version, so that text compares as time.
  const std::string_view version = circumstances.api_version;
  const bool is_preview = version.size() > 10 && version.substr(10) == "-preview";
  const bool has_driver = version.empty() || version.substr(0, 10) >= profile.gpu_driver_since;
  std::string spelling = "set gpuProfile.driver to None (--gpu-driver None)";
  if (!has_driver && is_preview) spelling = "set gpuProfile.installGPUDriver to false (--skip-gpu-driver-install)";
  if (!has_driver && !is_preview) spelling = "give the pool the tag SkipGPUDriverInstall=true (--tags)";
  broken.add(kIncompatible, has_driver || is_preview ? "agentPoolProfile.gpuProfile" : "agentPoolProfile.tags",
             fmt::format("Secure Boot on the GPU size {} needs the GPU driver's installation skipped, since that "
                         "driver is not signed: {}.",
                         size.name, spelling));
}

// Slipway makes x86-64 VMs with UEFI firmware, whatever is asked of Trusted Launch.
void judge_size(const PoolRequest& pool, const VmSize& size, const VmSizes& sizes, const Circumstances& circumstances,
                const RulesProfile& profile, Broken& broken) {
  const std::string_view code = pool.trusted_launch() ? kIncompatible : kInvalidParameter;
  if (size.architecture != "x86_64") {
    broken.add(code, "agentPoolProfile.vmSize",
               fmt::format("The VM size {} is of architecture {}, which {}: use an x86-64 size such as {}.", size.name,
                           size.architecture,
                           pool.trusted_launch() ? wanted(pool, "does", "do") + " not support" : "this host cannot run",
                           alternatives(sizes, [](const VmSize& one) {
                             return one.architecture == "x86_64" && one.trusted_launch;
                           })));
  } else if (!size.generation_2) {
    broken.add(code, "agentPoolProfile.vmSize",
               fmt::format("The VM size {} is of generation 1 only, and nodes are VMs of generation 2 (UEFI): use {}.",
                           size.name, alternatives(sizes, [](const VmSize& one) { return one.generation_2; })));
  } else if (pool.trusted_launch() && !size.trusted_launch) {
    broken.add(kIncompatible, "agentPoolProfile.vmSize",
               fmt::format("{} not supported on VM size {}: use {}.", wanted(pool, "is", "are"), size.name,
                           alternatives(sizes, [](const VmSize& one) { return one.trusted_launch; })));
  }
  if (pool.secure_boot && size.gpu && !pool.skip_gpu_driver &&
      !is_one_of(profile.own_gpu_driver_os_skus, pool.os_sku)) {
    judge_gpu_driver(size, circumstances, profile, broken);
  }
  if (pool.os_disk_type == "Ephemeral") {
    const int wanted_size = std::max(pool.os_disk_size_gib, profile.minimum_os_disk_gib);
    if (size.ephemeral_disk_gib < wanted_size) {
      broken.add(
          kInvalidParameter, "agentPoolProfile.osDiskType",
          fmt::format(
              "The VM size {} has room for an ephemeral OS disk of {} GiB, and one of {} GiB is asked for: use "
              "{}, or osDiskType Managed.",
              size.name, size.ephemeral_disk_gib, wanted_size, alternatives(sizes, [wanted_size](const VmSize& one) {
                return one.trusted_launch && one.architecture == "x86_64" && one.ephemeral_disk_gib >= wanted_size;
              })));
    }
  } else if (!pool.os_disk_type.empty() && pool.os_disk_type != "Managed") {
    broken.add(kInvalidParameter, "agentPoolProfile.osDiskType",
               fmt::format("The osDiskType '{}' is not valid: use Managed or Ephemeral.", pool.os_disk_type));
  }
}

void judge_feature(const PoolRequest& pool, const Circumstances& circumstances, const RulesProfile& profile,
                   Broken& broken) {
  const bool turns_on = (pool.vtpm && !circumstances.had_vtpm) || (pool.secure_boot && !circumstances.had_secure_boot);
  if (!turns_on || !profile.feature_required || circumstances.feature_effective) return;
  broken.add("BadRequest", "agentPoolProfile.securityProfile",
             circumstances.feature_registered
                 ? fmt::format("{} the preview feature TrustedLaunchPreview in effect. It is registered, but "
                               "the provider was not registered again since: run `slipway provider register "
                               "--namespace Microsoft.ContainerService`, and try again.",
                               wanted(pool, "needs", "need"))
                 : fmt::format("{} the preview feature TrustedLaunchPreview. In this order: run `slipway "
                               "feature register --namespace Microsoft.ContainerService --name "
                               "TrustedLaunchPreview`, wait until `slipway feature show` says Registered, run "
                               "`slipway provider register --namespace Microsoft.ContainerService`, and try again.",
                               wanted(pool, "needs", "need")));
}

void judge_trusted_launch(const PoolRequest& pool, const Circumstances& circumstances, const RulesProfile& profile,
                          Broken& broken) {
  judge_feature(pool, circumstances, profile, broken);
  const auto order = compare_versions(circumstances.kubernetes_version, profile.minimum_kubernetes_version);
  if (!order || *order < 0) {
    broken.add(kIncompatible, "agentPoolProfile.orchestratorVersion",
               fmt::format("{} Kubernetes {} or later, and the cluster runs '{}'. The limit is the rule "
                           "trustedLaunch.minimumKubernetesVersion of slipwayd's configuration.",
                           wanted(pool, "needs", "need"), profile.minimum_kubernetes_version,
                           circumstances.kubernetes_version));
  }
  if (pool.fips && !is_one_of(profile.fips_os_skus, pool.os_sku)) {
    broken.add(
        kIncompatible, "agentPoolProfile.enableFIPS",
        profile.fips_os_skus.empty()
            ? fmt::format("{} not supported on a node pool with FIPS: turn enableFIPS off.", wanted(pool, "is", "are"))
            : fmt::format("{} supported on a node pool with FIPS only for osSKU {}: choose it, or turn "
                          "enableFIPS off.",
                          wanted(pool, "is", "are"), fmt::join(profile.fips_os_skus, " or ")));
  }
  if (is_one_of(profile.refused_workload_runtimes, pool.workload_runtime)) {
    broken.add(kIncompatible, "agentPoolProfile.workloadRuntime",
               fmt::format("{} not supported with Pod Sandboxing or confidential containers (workloadRuntime {}): "
                           "use OCIContainer.",
                           wanted(pool, "is", "are"), pool.workload_runtime));
  }
  if (is_one_of(profile.refused_os_skus, pool.os_sku)) {
    broken.add(kIncompatible, "agentPoolProfile.osSKU",
               fmt::format("{} not supported on {}: leave osSKU out.", wanted(pool, "is", "are"), pool.os_sku));
  }
}

// Some systems come with Trusted Launch alone.
void judge_demanding_system(const PoolRequest& pool, const RulesProfile& profile, Broken& broken) {
  if (!is_one_of(profile.demanding_os_skus, pool.os_sku) || (pool.vtpm && pool.secure_boot)) return;
  broken.add(kIncompatible, "agentPoolProfile.securityProfile",
             fmt::format("osSKU {} needs both vTPM and Secure Boot: turn both on (--enable-vtpm "
                         "--enable-secure-boot).",
                         pool.os_sku));
}

std::vector<Error> judge_name_form(std::string_view name, bool has_good_ends, std::size_t maximum,
                                   std::string_view marks, std::string target, std::string_view explanation) {
  const bool is_good =
      has_good_ends && name.size() <= maximum && std::all_of(name.begin(), name.end(), [marks](char c) {
        return is_alphanumeric(c) || marks.find(c) != std::string_view::npos;
      });
  if (is_good) return {};
  Broken broken;
  broken.add(kInvalidParameter, std::move(target),
             fmt::format("The name '{}' is not valid: {}", printable(name, 100), explanation));
  return broken.take();
}

}  // namespace

std::vector<Error> judge_pool(const PoolRequest& pool, const Circumstances& circumstances, const RulesProfile& profile,
                              const VmSizes& sizes) {
  Broken broken;
  judge_name(pool, profile, broken);
  judge_numbers(pool, circumstances, profile, broken);
  judge_version(pool, circumstances, broken);
  judge_kind(pool, sizes, broken);
  if (const VmSize* const size = sizes.find(pool.vm_size)) {
    judge_size(pool, *size, sizes, circumstances, profile, broken);
  }
  judge_demanding_system(pool, profile, broken);
  if (pool.trusted_launch()) judge_trusted_launch(pool, circumstances, profile, broken);
  return broken.take();
}

std::vector<Error> judge_pools_together(const std::vector<PoolRequest>& pools, const RulesProfile& profile) {
  Broken broken;
  const bool has_system =
      std::any_of(pools.begin(), pools.end(), [](const auto& pool) { return pool.mode == "System"; });
  if (!has_system) {
    broken.add(kInvalidParameter, "agentPoolProfiles", "The cluster must define at least one system pool.");
  }
  if (pools.size() > static_cast<std::size_t>(profile.maximum_pools_per_cluster)) {
    broken.add(kInvalidParameter, "agentPoolProfiles",
               fmt::format("The cluster has {} node pools: at most {} are supported.", pools.size(),
                           profile.maximum_pools_per_cluster));
  }
  std::set<std::string_view> names;
  for (const PoolRequest& pool : pools) {
    if (names.insert(pool.name).second) continue;
    broken.add(kInvalidParameter, "agentPoolProfile.name",
               fmt::format("Two node pools have the name '{}'.", pool.name));
  }
  return broken.take();
}

std::vector<Error> judge_cluster_name(std::string_view name, const RulesProfile& profile) {
  const bool has_good_ends = !name.empty() && is_alphanumeric(name.front()) && is_alphanumeric(name.back());
  return judge_name_form(name, has_good_ends, profile.maximum_cluster_name_length, "_-", "name",
                         fmt::format("a cluster's name has 1 to {} letters, digits, '_' and '-', and a letter or digit "
                                     "at both ends.",
                                     profile.maximum_cluster_name_length));
}

std::vector<Error> judge_resource_group_name(std::string_view name, const RulesProfile& profile) {
  const bool has_good_ends = !name.empty() && name.back() != '.';
  return judge_name_form(name, has_good_ends, profile.maximum_group_name_length, "_-.()", "resourceGroupName",
                         fmt::format("a resource group's name has 1 to {} letters, digits, '_', '-', '.', '(' and ')', "
                                     "and no '.' at the end.",
                                     profile.maximum_group_name_length));
}

std::vector<Error> judge_location(std::string_view location) {
  constexpr std::size_t kMaximum = 64;
  Broken broken;
  if (location.empty()) {
    broken.add("LocationRequired", "location", "The property 'location' is required: any name will do.");
    return broken.take();
  }
  return judge_name_form(
      location, is_alphanumeric(location.front()), kMaximum, " -_.", "location",
      fmt::format("a location has 1 to {} letters, digits, spaces, '-', '_' and '.', and begins with "
                  "a letter or digit.",
                  kMaximum));
}

std::string_view trusted_launch_words(bool vtpm, bool secure_boot) {
  if (vtpm && secure_boot) return "vTPM and Secure Boot";
  return vtpm ? "vTPM" : "Secure Boot";
}

}  // namespace slipway::fleet
