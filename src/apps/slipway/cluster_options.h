#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "apps/slipway/shell.h"

namespace slipway::cli {

// --resource-group and --name, as all verbs of a cluster have them.
void add_cluster_name(CLI::App& verb, std::string& group, std::string& name);

// The verbs of `aks` that have files of their own.
void add_credentials(Shell& shell, CLI::App& aks);
void add_upgrades(Shell& shell, CLI::App& aks);

extern const std::vector<Column> kClusterColumns;

}  // namespace slipway::cli
