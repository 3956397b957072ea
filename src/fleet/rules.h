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

// data/rules/<name>.json; see docs/formats/rules.md for each key and the row of the specification behind it.
struct RulesProfile {
  std::string name;  // "preview", "ga"
  // trustedLaunch
  std::string minimum_kubernetes_version;              // "1.25.2" (S31)
  bool feature_required = true;                        // TrustedLaunchPreview must be effective (S30)
  bool enabling_needs_trusted_image = true;            // an existing pool must use a Trusted Launch image (S86, G5)
  bool enabling_needs_feature_at_creation = true;      // the feature was in effect when the pool was made (S87, G1)
  bool disabling_both_keeps_trusted_image = true;      // else the pool goes to the plain image (G5)
  std::vector<std::string> fips_os_skus;               // on which FIPS may be on beside Trusted Launch (S47, G3)
  std::vector<std::string> refused_os_skus;            // that cannot have it at all (G2)
  std::vector<std::string> demanding_os_skus;          // that need both vTPM and Secure Boot (G10)
  std::vector<std::string> own_gpu_driver_os_skus;     // whose GPU driver is signed: nothing to skip (S50, G4)
  std::vector<std::string> refused_workload_runtimes;  // Pod Sandboxing, confidential containers (G2)
  // names
  std::size_t maximum_pool_name_length = 11;         // Linux (S72, Q5)
  std::size_t maximum_windows_pool_name_length = 6;  // Q5
  std::size_t maximum_cluster_name_length = 63;
  std::size_t maximum_group_name_length = 90;
  // pools
  int maximum_nodes_per_pool = 1000;     // G12
  int maximum_nodes_per_cluster = 5000;  // G12
  int maximum_pools_per_cluster = 100;
  int minimum_os_disk_gib = 30, maximum_os_disk_gib = 2048;
  int minimum_pods_per_node = 10, maximum_pods_per_node = 250;
  // updates
  int drain_timeout_minutes = 30, maximum_drain_timeout_minutes = 1440;  // Q8
  // spelling: the first api-version in which gpuProfile.driver exists (S50)
  std::string gpu_driver_since = "2025-02-01";
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
  std::string os_sku;                // "", "Ubuntu", "AzureLinux", "Windows2022", ...
  std::string os_disk_type;          // "", "Managed", "Ephemeral"
  int os_disk_size_gib = 0;          // 0: the default
  std::string orchestrator_version;  // "": the cluster's
  std::string workload_runtime;      // "", "OCIContainer", "KataVmIsolation", ...
  int maximum_pods = 0;              // 0: the default
  bool fips = false;
  bool skip_gpu_driver = false;  // gpuProfile.driver None, the tag SkipGPUDriverInstall=true or the preview flag
  bool vtpm = false, secure_boot = false;
  int drain_timeout_minutes = 0;  // 0: the default

  bool trusted_launch() const { return vtpm || secure_boot; }
};

// What the request is judged against, besides the rules.
struct Circumstances {
  std::string kubernetes_version;   // of the pool's cluster
  bool feature_effective = false;   // TrustedLaunchPreview registered, and the provider registered after it
  bool feature_registered = false;  // registered, though the provider may not have been registered again yet
  int other_nodes_in_cluster = 0;   // wanted by the other pools
  std::string api_version;          // of the client, for messages in its own spelling; "" is the newest
  // What an existing pool has already: the feature is needed to turn something on, not to keep it.
  bool had_vtpm = false, had_secure_boot = false;
};

// The rules of one pool, new or changed. Empty: it may be made.
std::vector<Error> judge_pool(const PoolRequest& pool, const Circumstances& circumstances, const RulesProfile& profile,
                              const VmSizes& sizes);
// The rules over all pools of a new cluster: at least one of mode System, no name twice, the counts. Those of each pool
// by itself are judge_pool's.
std::vector<Error> judge_pools_together(const std::vector<PoolRequest>& pools, const RulesProfile& profile);
// Letters, digits, '_' and '-', a letter or digit at both ends, and the profile's length.
std::vector<Error> judge_cluster_name(std::string_view name, const RulesProfile& profile);
// Letters, digits, '_', '-', '.', '(' and ')', no '.' at the end, and the profile's length.
std::vector<Error> judge_resource_group_name(std::string_view name, const RulesProfile& profile);
// Any place will do, and it is part of URLs and names: 1 to 64 letters, digits, spaces, '-', '_' and '.'. Azure's own
// ("westeurope", "West Europe") are such.
std::vector<Error> judge_location(std::string_view location);

// "vTPM and Secure Boot", "vTPM" or "Secure Boot": what is on, in the words of messages.
std::string_view trusted_launch_words(bool vtpm, bool secure_boot);

}  // namespace slipway::fleet
