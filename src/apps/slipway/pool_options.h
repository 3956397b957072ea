#pragma once

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "apps/slipway/output.h"

namespace slipway::cli {

// What a command line says of one node pool.
struct PoolOptions {
  std::string name = "nodepool1";
  int count = 3;
  std::string vm_size, kubernetes_version;
  std::string mode = "User";
  std::string os_type = "Linux", os_sku, os_disk_type, vm_set_type = "VirtualMachineScaleSets";
  std::string workload_runtime, gpu_driver, priority = "Regular";
  int os_disk_size_gib = 0, maximum_pods = 0;  // 0: the server's default
  bool secure_boot = false, vtpm = false;
  bool fips = false, skip_gpu_driver = false;
  std::vector<std::string> labels, taints, tags, zones;
};

// How a pool's nodes are replaced: the same options of add, update and upgrade.
struct SurgeOptions {
  std::string maximum_surge, maximum_unavailable;
  int drain_timeout_minutes = -1, soak_minutes = -1;  // -1: not said
  std::string undrainable_behaviour;
};

// The options that `aks create` and `aks nodepool add` share, with az's names.
void add_pool_options(CLI::App& verb, PoolOptions& options);
void add_surge_options(CLI::App& verb, SurgeOptions& options);

// The pool's properties as az sends them (both flags of securityProfile only where they were given).
Result<boost::json::object> pool_properties(const PoolOptions& options);
// Writes what was said into `properties.upgradeSettings`.
void put_surge(const SurgeOptions& options, boost::json::object& properties);

// az's name for a property that the server names as the target of an error, "--enable-vtpm" for
// "agentPoolProfile.securityProfile.enableVTPM"; empty where no flag sets it.
std::string_view flag_of(std::string_view target);

extern const std::vector<Column> kPoolColumns;

}  // namespace slipway::cli
