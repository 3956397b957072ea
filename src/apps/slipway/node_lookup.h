#pragma once

#include <string>

#include "apps/slipway/shell.h"

namespace slipway::cli {

// How verbs name one node, or many.
struct NodeOptions {
  std::string group, cluster, name;
  OutputOptions output{"table", {}, {}, false, false};
};

// The path of the node of that name in the API, looked for in the clusters that the options leave; kNotFound where
// there is none.
Result<std::string> find_node_path(ArmClient& client, const NodeOptions& options);

}  // namespace slipway::cli
