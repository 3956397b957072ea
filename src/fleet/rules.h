#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fleet/vm_size.h"

// What a client may ask for. Limits are data (data/rules/*.json); this room compares. Every rule is judged, whatever
// the others say, and the caller gets the list of all that are broken: Error::reason is the ARM code, Error::target the
// property.
namespace slipway::fleet {

// data/rules/<name>.json; see data/rules/README.md for each key and the row of the specification behind it.
struct RulesProfile {
  std::string name;                           // "preview", "ga"
  std::string minimum_kubernetes_version;     // rules.trustedLaunch.minimumKubernetesVersion: "1.25.2" (S31)
  bool feature_required = true;               // TrustedLaunchPreview must be effective (S30)
  bool fips_allowed = false;                  // with Trusted Launch (S47, G3)
  bool enabling_needs_trusted_image = true;   // an existing pool must use a Trusted Launch image (S86, G5)
  std::size_t maximum_pool_name_length = 11;  // Linux (S72, Q5)
  int maximum_nodes_per_pool = 1000;          // G12
  int maximum_nodes_per_cluster = 5000;       // G12
  int maximum_pools_per_cluster = 100;
};

// At most 64 KiB; a missing or unknown key, or a version that is none, is kMalformed with the key's name.
Result<RulesProfile> rules_profile_from_json(std::string_view json);
// data/rules/<name>.json as it was when this program was built; kNotFound, naming those that there are.
Result<RulesProfile> built_in_rules_profile(std::string_view name);

// The order of two versions "1.25.2" or "v1.25.2"; nullopt where one of them is none. Missing parts count as zero.
std::optional<int> compare_versions(std::string_view left, std::string_view right);

// One node pool as a client asks for it, defaults filled in.
struct PoolRequest {
  std::string name;
  int count = 3;
  std::string vm_size;  // "": the default size
  std::string mode = "User";
  std::string type = "VirtualMachineScaleSets";
  std::string os_type = "Linux";
  std::string os_sku;            // "", "Ubuntu", "AzureLinux", "Windows2022", ...
  std::string os_disk_type;      // "", "Managed", "Ephemeral"
  int os_disk_size_gib = 0;      // 0: the default
  std::string workload_runtime;  // "", "OCIContainer", "KataVmIsolation", ...
  bool fips = false;
  bool skip_gpu_driver = false;  // gpuProfile.driver None, or the tag SkipGPUDriverInstall=true
  bool vtpm = false, secure_boot = false;

  bool trusted_launch() const { return vtpm || secure_boot; }
};

// What the request is judged against, besides the rules.
struct Circumstances {
  std::string kubernetes_version;   // of the pool's cluster
  bool feature_effective = false;   // TrustedLaunchPreview registered, and the provider registered after it
  bool feature_registered = false;  // registered, though the provider may not have been registered again yet
  int other_nodes_in_cluster = 0;   // wanted by the other pools
};

// The rules of one pool, new or changed. Empty: it may be made.
std::vector<Error> judge_pool(const PoolRequest& pool, const Circumstances& circumstances, const RulesProfile& profile,
                              const VmSizes& sizes);
// The rules over all pools of a new cluster: at least one of mode System, no name twice, the counts. Those of each pool
// by itself are judge_pool's.
std::vector<Error> judge_pools_together(const std::vector<PoolRequest>& pools, const RulesProfile& profile);
// 1 to 63 letters, digits, '_' and '-', a letter or digit at both ends.
std::vector<Error> judge_cluster_name(std::string_view name);
// 1 to 90 letters, digits, '_', '-', '.', '(' and ')', and no '.' at the end.
std::vector<Error> judge_resource_group_name(std::string_view name);

}  // namespace slipway::fleet
