#include <fmt/format.h>

#include "api/arm_resource.h"
#include "api/handlers.h"

namespace slipway::api {

Result<http::Response> list_nodes(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const auto nodes, nodes_of(call, cluster.record));
  boost::json::array items;
  for (const fleet::Node& node : nodes) items.emplace_back(node_resource(cluster.record, node, false));
  return list_response(std::move(items));
}

Result<http::Response> get_node(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const auto nodes, nodes_of(call, cluster.record));
  std::string names;
  for (const fleet::Node& node : nodes) {
    if (equal_without_case(node.name, call.parameter("node"))) {
      return json_response(200, node_resource(cluster.record, node, true));
    }
    names += (names.empty() ? "" : ", ") + node.name;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("There is no node '{}' in cluster '{}'. It has: {}.", call.parameter("node"),
                          cluster.record.name, names.empty() ? "none" : names),
              "NotFound");
}

}  // namespace slipway::api
