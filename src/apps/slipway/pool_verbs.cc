#include <fmt/format.h>

#include "apps/slipway/pool_options.h"
#include "apps/slipway/shell.h"

namespace slipway::cli {

namespace json = boost::json;

const std::vector<Column> kPoolColumns = {{"Name", "name"},
                                          {"Count", "count"},
                                          {"Mode", "mode"},
                                          {"VmSize", "vmSize"},
                                          {"SecureBoot", "securityProfile.enableSecureBoot"},
                                          {"vTPM", "securityProfile.enableVtpm"},
                                          {"NodeImageVersion", "nodeImageVersion"},
                                          {"ProvisioningState", "provisioningState"}};

void add_pool_options(CLI::App& verb, PoolOptions& options) {
  verb.add_option("--node-count,-c", options.count, "Number of nodes")->capture_default_str();
  verb.add_option("--node-vm-size,-s", options.vm_size, "Size of the nodes' VMs; default: the server's");
  verb.add_option("--kubernetes-version,-k", options.kubernetes_version, "Kubernetes version; default: the server's");
  verb.add_flag("--enable-secure-boot", options.secure_boot, "Nodes load signed boot files only");
  verb.add_flag("--enable-vtpm", options.vtpm, "Each node has a TPM of its own and must prove its boot");
}

Result<json::object> pool_properties(const PoolOptions& options) {
  json::object properties = {{"count", options.count},
                             {"vmSize", options.vm_size},
                             {"orchestratorVersion", options.kubernetes_version},
                             {"mode", options.mode},
                             {"type", "VirtualMachineScaleSets"},
                             {"osType", "Linux"},
                             {"enableAutoScaling", false},
                             {"enableNodePublicIP", false},
                             {"enableEncryptionAtHost", false},
                             {"enableUltraSSD", false},
                             {"enableFIPS", false},
                             {"scaleSetPriority", "Regular"}};
  SLIPWAY_ASSIGN(auto labels, parse_tags(options.labels));
  if (!labels.empty()) properties["nodeLabels"] = std::move(labels);
  json::array taints;
  for (const std::string& taint : options.taints) taints.push_back(json::string(taint));
  properties["nodeTaints"] = std::move(taints);
  json::object security;
  if (options.vtpm) security["enableVTPM"] = true;
  if (options.secure_boot) security["enableSecureBoot"] = true;
  if (!security.empty()) properties["securityProfile"] = std::move(security);
  return properties;
}

namespace {

struct NodepoolOptions {
  std::string group, cluster;
  PoolOptions pool;
  bool no_wait = false, yes = false;
  OutputOptions output;
};

std::string pools_path(const ArmClient& client, const NodepoolOptions& options) {
  return client.cluster_path(options.group, options.cluster) + "/agentPools";
}

std::string pool_path(const ArmClient& client, const NodepoolOptions& options) {
  return pools_path(client, options) + '/' + encode_segment(options.pool.name);
}

Status add_pool(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto present, client.list(pools_path(client, options), kClusterApi));
  for (const json::value& pool : present) {
    SLIPWAY_ASSIGN(const auto name, query(pool, "name"));
    if (name == json::value(options.pool.name))
      return fail(ErrorCode::kConflict,
                  fmt::format("node pool {} already exists in cluster {}; give the new one another name",
                              options.pool.name, options.cluster));
  }
  SLIPWAY_ASSIGN(auto properties, pool_properties(options.pool));
  const json::value body = json::object{{"properties", std::move(properties)}};
  SLIPWAY_ASSIGN(auto answer, client.send("PUT", pool_path(client, options), kClusterApi, body));
  if (!options.no_wait) {
    SLIPWAY_TRY(client.wait(answer));
    SLIPWAY_ASSIGN(answer, client.send("GET", pool_path(client, options), kClusterApi));
  }
  return Shell::print(flatten(answer.body), options.output, kPoolColumns);
}

Status show_pool(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto pool, client.get(pool_path(client, options), kClusterApi));
  return Shell::print(flatten(pool), options.output, kPoolColumns);
}

Status list_pools(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto pools, client.list(pools_path(client, options), kClusterApi));
  return Shell::print(flatten(pools), options.output, kPoolColumns);
}

Status delete_pool(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto pool, client.get(pool_path(client, options), kClusterApi));
  SLIPWAY_ASSIGN(const auto answer, client.send("DELETE", pool_path(client, options), kClusterApi));
  return options.no_wait ? Status() : client.wait(answer);
}

}  // namespace

void add_pools(Shell& shell, CLI::App& aks) {
  CLI::App* nodepool = Shell::add_noun(aks, "nodepool", "Node pools of a cluster");
  const auto add = [&](const std::string& name, const std::string& description, const std::string& more,
                       Status (*run)(const NodepoolOptions&)) {
    auto options = std::make_shared<NodepoolOptions>();
    CLI::App* verb = shell.add_verb(
        *nodepool, name, description,
        fmt::format("  slipway aks nodepool {} --resource-group my-group --cluster-name my-cluster{}\n", name, more),
        [options, run] { return run(*options); });
    verb->add_option("--resource-group,-g", options->group, "The cluster's resource group")->required();
    verb->add_option("--cluster-name", options->cluster, "The cluster")->required();
    if (name != "list")
      verb->add_option("--name,-n,--nodepool-name", options->pool.name,
                       "The pool: 1 to 12 lower-case letters and digits, a letter first")
          ->required();
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  const auto [create, created] = add("add", "Add a node pool and wait for its nodes",
                                     " --name mypool --node-count 1 --enable-secure-boot --enable-vtpm", add_pool);
  add_pool_options(*create, created->pool);
  create->add_option("--mode", created->pool.mode, "System or User")->capture_default_str();
  create->add_option("--labels", created->pool.labels, "name=value, several with spaces between them");
  create->add_option("--node-taints", created->pool.taints, "key=value:Effect, several with commas between them")
      ->delimiter(',');
  create->add_flag("--no-wait", created->no_wait, "Return as soon as the server has taken the request");
  add("show", "Show a node pool", " --name mypool --output table", show_pool);
  add("list", "List the node pools of a cluster", " --output table", list_pools);
  const auto [remove, removed] =
      add("delete", "Delete a node pool and its nodes, without asking, as az does", " --name mypool", delete_pool);
  remove->add_flag("--yes,-y", removed->yes, "Accepted for scripts: nothing is asked");
  remove->add_flag("--no-wait", removed->no_wait, "Return as soon as the server has taken the request");
}

}  // namespace slipway::cli
