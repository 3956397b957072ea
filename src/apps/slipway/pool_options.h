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
  bool secure_boot = false, vtpm = false;
  std::vector<std::string> labels, taints;
};

// The options that `aks create` and `aks nodepool add` share, with az's names.
void add_pool_options(CLI::App& verb, PoolOptions& options);

// The pool's properties as az sends them (both flags of securityProfile only where they were given).
Result<boost::json::object> pool_properties(const PoolOptions& options);

extern const std::vector<Column> kPoolColumns;

}  // namespace slipway::cli
