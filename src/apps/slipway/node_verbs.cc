#include <fmt/format.h>

#include <iostream>

#include "apps/slipway/boot_report.h"
#include "apps/slipway/node_lookup.h"
#include "apps/slipway/shell.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

const std::vector<Column> kNodeColumns = {
    {"Name", "name"},          {"Cluster", "cluster"},       {"Pool", "pool"}, {"Phase", "phase"},
    {"Ready", "ready"},        {"SecureBoot", "secureBoot"}, {"vTPM", "vtpm"}, {"Verdict", "verdict"},
    {"Image", "imageVersion"}, {"Address", "internalIp"}};

std::string text_of(const json::value& value, std::string_view path) {
  const auto found = query(value, path);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

// The ids' tail that names a cluster: its group and its name.
struct ClusterName {
  std::string group, name;
};

Result<std::vector<ClusterName>> clusters_of(ArmClient& client, const NodeOptions& options) {
  if (options.group.empty() && !options.cluster.empty())
    return fail(ErrorCode::kInvalidArgument, "--name names a cluster; give --resource-group with it");
  if (!options.cluster.empty()) return std::vector<ClusterName>{{options.group, options.cluster}};
  const std::string scope = options.group.empty() ? client.subscription_path() : client.group_path(options.group);
  SLIPWAY_ASSIGN(const auto clusters,
                 client.list(scope + "/providers/Microsoft.ContainerService/managedClusters", kClusterApi));
  std::vector<ClusterName> names;
  for (const json::value& cluster : clusters) {
    const json::value flat = flatten(cluster);
    names.push_back({text_of(flat, "resourceGroup"), text_of(flat, "name")});
  }
  return names;
}

json::value described(const json::value& node, const ClusterName& cluster) {
  json::value flat = flatten(node);
  if (!flat.is_object()) return flat;
  flat.get_object()["cluster"] = cluster.name;
  flat.get_object()["resourceGroup"] = cluster.group;
  return flat;
}

Result<json::array> nodes_of(ArmClient& client, const NodeOptions& options) {
  SLIPWAY_ASSIGN(const auto clusters, clusters_of(client, options));
  json::array all;
  for (const ClusterName& cluster : clusters) {
    const auto nodes = client.list(client.cluster_path(cluster.group, cluster.name) + "/nodes", kClusterApi);
    // A cluster that was deleted since the list was made has no nodes any more.
    if (!nodes && nodes.error().code == ErrorCode::kNotFound && options.cluster.empty()) continue;
    if (!nodes) return fail(nodes.error());
    for (const json::value& node : *nodes) all.push_back(described(node, cluster));
  }
  return all;
}

Status list_nodes(const NodeOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto nodes, nodes_of(client, options));
  return Shell::print(nodes, options.output, kNodeColumns);
}

Status show_boot(const NodeOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto nodes, nodes_of(client, options));
  for (const json::value& listed : nodes) {
    if (text_of(listed, "name") != options.name) continue;
    const ClusterName cluster{text_of(listed, "resourceGroup"), text_of(listed, "cluster")};
    SLIPWAY_ASSIGN(const auto node, client.get(client.cluster_path(cluster.group, cluster.name) + "/nodes/" +
                                                   encode_segment(options.name),
                                               kClusterApi));
    const json::value flat = described(node, cluster);
    if (options.output.format != "table" || !options.output.query.empty())
      return Shell::print(flat, options.output, {});
    SLIPWAY_ASSIGN(const std::string text, boot_report_text(flat));
    std::cout << text << std::flush;
    return {};
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no node {}; \"slipway node list\" shows all there are", options.name));
}

}  // namespace

Result<std::string> find_node_path(ArmClient& client, const NodeOptions& options) {
  SLIPWAY_ASSIGN(const auto nodes, nodes_of(client, options));
  for (const json::value& listed : nodes) {
    if (text_of(listed, "name") != options.name) continue;
    return client.cluster_path(text_of(listed, "resourceGroup"), text_of(listed, "cluster")) + "/nodes/" +
           encode_segment(options.name);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no node {}; \"slipway node list\" shows all there are", options.name));
}

void add_nodes(Shell& shell) {
  CLI::App* node = Shell::add_noun(shell.app(), "node", "Nodes, and what they booted");
  const auto add = [&](const std::string& name, const std::string& description, const std::string& examples,
                       Status (*run)(const NodeOptions&)) {
    auto options = std::make_shared<NodeOptions>();
    CLI::App* verb = shell.add_verb(*node, name, description, examples, [options, run] { return run(*options); });
    verb->add_option("--resource-group,-g", options->group, "Only the clusters of this group");
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  const auto [list, listed] = add("list", "List nodes of all clusters, or of one",
                                  "  slipway node list\n"
                                  "  slipway node list --resource-group my-group --name my-cluster --output json\n",
                                  list_nodes);
  list->add_option("--name,-n,--cluster-name", listed->cluster, "Only this cluster; needs --resource-group");
  const auto [boot, booted] = add("boot", "Show what a node booted, component by component, and the verdict",
                                  "  slipway node boot aks-nodepool1-3f9a2b1-vmss000000\n"
                                  "  slipway node boot aks-nodepool1-3f9a2b1-vmss000000 --output json\n",
                                  show_boot);
  boot->add_option("name", booted->name, "The node, as \"slipway node list\" names it")->required();
  boot->add_option("--cluster-name", booted->cluster, "Look in this cluster only; needs --resource-group");
}

}  // namespace slipway::cli
