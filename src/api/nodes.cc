#include <fmt/format.h>

#include "api/arm_resource.h"
#include "api/handlers.h"

namespace slipway::api {
namespace {

Result<fleet::Node> find_node(Call& call, const fleet::Cluster& cluster) {
  SLIPWAY_ASSIGN(const auto nodes, nodes_of(call, cluster));
  std::string names;
  for (const fleet::Node& node : nodes) {
    if (equal_without_case(node.name, call.parameter("node"))) return node;
    names += (names.empty() ? "" : ", ") + node.name;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("There is no node '{}' in cluster '{}'. It has: {}.", call.parameter("node"), cluster.name,
                          names.empty() ? "none" : names),
              "NotFound");
}

// What was kept of the node's instance.
Result<std::string> of_node(Call& call, const std::function<Result<std::string>(const std::string&)>& read) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const fleet::Node node, find_node(call, cluster.record));
  if (!read) return fail(ErrorCode::kNotFound, "This server keeps no evidence.", "NotFound");
  return read(node.instance);
}

}  // namespace

Result<http::Response> list_nodes(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const auto nodes, nodes_of(call, cluster.record));
  boost::json::array items;
  for (const fleet::Node& node : nodes) items.emplace_back(node_resource(cluster.record, node, false));
  return list_response(std::move(items));
}

Result<http::Response> get_node(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const fleet::Node node, find_node(call, cluster.record));
  boost::json::object resource = node_resource(cluster.record, node, true);
  const auto& read = call.options.attestation_result;
  const auto token = read ? read(node.instance) : Result<std::string>(fail(ErrorCode::kNotFound, ""));
  resource["properties"].get_object()["attestationResult"] =
      token ? boost::json::value(*token) : boost::json::value(nullptr);
  return json_response(200, resource);
}

Result<http::Response> get_node_evidence(Call& call) {
  SLIPWAY_ASSIGN(std::string bundle, of_node(call, call.options.evidence_bundle));
  http::Response response = json_response(200, nullptr);
  response.body = std::move(bundle);
  return response;
}

Result<http::Response> get_node_result(Call& call) {
  SLIPWAY_ASSIGN(const std::string token, of_node(call, call.options.attestation_result));
  return json_response(200, boost::json::object{{"token", token}});
}

}  // namespace slipway::api
