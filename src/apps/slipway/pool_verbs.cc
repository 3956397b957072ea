#include <fmt/format.h>

#include "apps/slipway/pool_options.h"
#include "apps/slipway/shell.h"
#include "apps/slipway/wait_options.h"

// aks nodepool.
namespace slipway::cli {
namespace {

namespace json = boost::json;

struct NodepoolOptions {
  std::string group, cluster;
  PoolOptions pool;
  SurgeOptions surge;
  WaitOptions wait;
  std::string if_match, if_none_match;
  bool disable_secure_boot = false, disable_vtpm = false, node_image_only = false;
  bool has_labels = false, has_taints = false, has_tags = false, has_mode = false;
  bool no_wait = false, yes = false;
  OutputOptions output;
};

std::string pools_path(const ArmClient& client, const NodepoolOptions& options) {
  return client.cluster_path(options.group, options.cluster) + "/agentPools";
}

std::string pool_path(const ArmClient& client, const NodepoolOptions& options) {
  return pools_path(client, options) + '/' + encode_segment(options.pool.name);
}

http::Headers conditions_of(const NodepoolOptions& options) {
  http::Headers headers;
  if (!options.if_match.empty()) headers["If-Match"] = options.if_match;
  if (!options.if_none_match.empty()) headers["If-None-Match"] = options.if_none_match;
  return headers;
}

// Sends the pool, waits unless told not to, and prints what it is then.
Status put_pool(ArmClient& client, const NodepoolOptions& options, json::object properties) {
  const json::value body = json::object{{"properties", std::move(properties)}};
  SLIPWAY_ASSIGN(auto answer,
                 client.send("PUT", pool_path(client, options), kClusterApi, body, conditions_of(options)));
  if (!options.no_wait) {
    SLIPWAY_TRY(client.wait(answer));
    SLIPWAY_ASSIGN(answer, client.send("GET", pool_path(client, options), kClusterApi));
  }
  return Shell::print(flatten(answer.body), options.output, kPoolColumns);
}

// The pool as the server has it, ready to be sent back: without what only the server says.
Result<json::object> present_properties(ArmClient& client, const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(const auto pool, client.get(pool_path(client, options), kClusterApi));
  SLIPWAY_ASSIGN(auto properties, query(pool, "properties"));
  if (!properties.is_object()) return fail(ErrorCode::kMalformed, "the server's answer is no node pool");
  for (const char* own :
       {"nodeImageVersion", "provisioningState", "provisioningError", "currentOrchestratorVersion", "eTag"})
    properties.get_object().erase(own);
  return std::move(properties.get_object());
}

Status exclude_each_other(bool enable, bool disable, std::string_view feature) {
  if (!enable || !disable) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--enable-{0} and --disable-{0} exclude each other: give one of them", feature),
              "MutuallyExclusiveArgumentError");
}

Status add_pool(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto present, client.list(pools_path(client, options), kClusterApi));
  for (const json::value& pool : present) {
    SLIPWAY_ASSIGN(const auto name, query(pool, "name"));
    if (name == json::value(options.pool.name))
      return fail(ErrorCode::kConflict,
                  fmt::format("node pool {} already exists in cluster {}; give the new one another name",
                              options.pool.name, options.cluster));
  }
  SLIPWAY_ASSIGN(auto properties, pool_properties(options.pool));
  put_surge(options.surge, properties);
  return put_pool(client, options, std::move(properties));
}

// Both keys are sent whatever was said, as az does: what is not said stays as it is.
void change_security(const NodepoolOptions& options, json::object& properties) {
  json::value& profile = properties["securityProfile"];
  if (!profile.is_object()) profile = json::object();
  json::object& security = profile.get_object();
  const auto change = [&security](std::string_view name, bool enable, bool disable) {
    const json::value* present = security.if_contains(name);
    const bool was = present != nullptr && present->is_bool() && present->get_bool();
    security[name] = enable || (was && !disable);
  };
  change("enableVTPM", options.pool.vtpm, options.disable_vtpm);
  change("enableSecureBoot", options.pool.secure_boot, options.disable_secure_boot);
}

// One empty word takes all away.
std::vector<std::string> said(const std::vector<std::string>& words) {
  return words.size() == 1 && words[0].empty() ? std::vector<std::string>() : words;
}

Status update_pool(const NodepoolOptions& options) {
  SLIPWAY_TRY(exclude_each_other(options.pool.secure_boot, options.disable_secure_boot, "secure-boot"));
  SLIPWAY_TRY(exclude_each_other(options.pool.vtpm, options.disable_vtpm, "vtpm"));
  SLIPWAY_ASSIGN(auto labels, parse_tags(said(options.pool.labels)));
  SLIPWAY_ASSIGN(auto tags, parse_tags(said(options.pool.tags)));
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(json::object properties, present_properties(client, options));
  change_security(options, properties);
  if (options.has_labels) properties["nodeLabels"] = std::move(labels);
  if (options.has_tags) properties["tags"] = std::move(tags);
  if (options.has_mode) properties["mode"] = options.pool.mode;
  if (options.has_taints) {
    json::array taints;
    for (const std::string& taint : said(options.pool.taints)) taints.push_back(json::string(taint));
    properties["nodeTaints"] = std::move(taints);
  }
  put_surge(options.surge, properties);
  return put_pool(client, options, std::move(properties));
}

Status scale_pool(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(json::object properties, present_properties(client, options));
  properties["count"] = options.pool.count;
  return put_pool(client, options, std::move(properties));
}

Status upgrade_pool(const NodepoolOptions& options) {
  const bool has_version = !options.pool.kubernetes_version.empty();
  if (options.node_image_only == has_version)
    return fail(ErrorCode::kInvalidArgument, "give either --node-image-only or --kubernetes-version");
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  if (has_version) {
    SLIPWAY_ASSIGN(json::object properties, present_properties(client, options));
    properties["orchestratorVersion"] = options.pool.kubernetes_version;
    put_surge(options.surge, properties);
    return put_pool(client, options, std::move(properties));
  }
  SLIPWAY_ASSIGN(auto answer, client.send("POST", pool_path(client, options) + "/upgradeNodeImageVersion", kClusterApi,
                                          std::nullopt, conditions_of(options)));
  if (!options.no_wait) {
    SLIPWAY_TRY(client.wait(answer));
    SLIPWAY_ASSIGN(answer, client.send("GET", pool_path(client, options), kClusterApi));
  }
  return Shell::print(flatten(answer.body), options.output, kPoolColumns);
}

Status show_pool(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto pool, client.get(pool_path(client, options), kClusterApi));
  return Shell::print(flatten(pool), options.output, kPoolColumns);
}

Status list_pools(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto pools, client.list(pools_path(client, options), kClusterApi));
  return Shell::print(flatten(pools), options.output, kPoolColumns);
}

Status show_upgrades(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto profile, client.get(pool_path(client, options) + "/upgradeProfiles/default", kClusterApi));
  return Shell::print(flatten(profile), options.output,
                      {{"KubernetesVersion", "kubernetesVersion"},
                       {"LatestNodeImageVersion", "latestNodeImageVersion"},
                       {"Name", "name"},
                       {"OsType", "osType"}});
}

Status delete_pool(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto pool, client.get(pool_path(client, options), kClusterApi));
  SLIPWAY_ASSIGN(const auto answer,
                 client.send("DELETE", pool_path(client, options), kClusterApi, std::nullopt, conditions_of(options)));
  return options.no_wait ? Status() : client.wait(answer);
}

Status wait_for_pool(const NodepoolOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  return wait_until(client, pool_path(client, options), options.wait, "the node pool " + options.pool.name);
}

using Verb = std::pair<CLI::App*, std::shared_ptr<NodepoolOptions>>;

void add_no_wait(CLI::App& verb, NodepoolOptions& options) {
  verb.add_flag("--no-wait", options.no_wait, "Return as soon as the server has taken the request");
}

void add_conditions(CLI::App& verb, NodepoolOptions& options) {
  verb.add_option("--if-match", options.if_match, "Only if the pool's eTag is still this one");
  verb.add_option("--if-none-match", options.if_none_match,
                  "Only if the pool's eTag is not this one; * for a new pool");
}

// The options that describe a pool's labels and the like, as add and update have them.
void add_contents(CLI::App& verb, NodepoolOptions& options) {
  NodepoolOptions* const kept = &options;
  verb.add_option("--labels", options.pool.labels, "name=value, several with spaces between them")
      ->expected(1, 1000)
      ->each([kept](const std::string&) { kept->has_labels = true; });
  verb.add_option("--node-taints", options.pool.taints, "key=value:Effect, several with commas between them")
      ->delimiter(',')
      ->each([kept](const std::string&) { kept->has_taints = true; });
  verb.add_option("--tags", options.pool.tags, "name=value, several with spaces between them")
      ->expected(1, 1000)
      ->each([kept](const std::string&) { kept->has_tags = true; });
  verb.add_option("--mode", options.pool.mode, "System or User")
      ->capture_default_str()
      ->each([kept](const std::string&) { kept->has_mode = true; });
  add_surge_options(verb, options.surge);
}

void add_update(const Verb& update) {
  const auto& [verb, options] = update;
  verb->add_flag("--enable-secure-boot", options->pool.secure_boot, "Turn Secure Boot on; every node is re-imaged");
  verb->add_flag("--disable-secure-boot", options->disable_secure_boot, "Turn it off; every node is re-imaged");
  verb->add_flag("--enable-vtpm", options->pool.vtpm, "Turn the vTPM on; every node is re-imaged and gets a TPM");
  verb->add_flag("--disable-vtpm", options->disable_vtpm, "Turn it off; every node is re-imaged and loses its TPM");
  add_contents(*verb, *options);
  add_conditions(*verb, *options);
  add_no_wait(*verb, *options);
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
                       "The pool: lower-case letters and digits, a letter first; at most 11, or 12 in profile ga")
          ->required();
    add_output(*verb, options->output);
    return Verb(verb, options);
  };
  const auto [create, created] = add("add", "Add a node pool and wait for its nodes",
                                     " --name mypool --node-count 1 --enable-secure-boot --enable-vtpm", add_pool);
  add_pool_options(*create, created->pool);
  create->add_option("--os-type", created->pool.os_type, "Linux, and nothing else")->capture_default_str();
  create->add_option("--priority", created->pool.priority, "Regular, and nothing else")->capture_default_str();
  add_contents(*create, *created);
  add_conditions(*create, *created);
  add_no_wait(*create, *created);
  add_update(add("update", "Change a node pool; vTPM and Secure Boot re-image its nodes, one after the other",
                 " --name mypool --enable-secure-boot --enable-vtpm", update_pool));
  const auto [scale, scaled] = add("scale", "Change the number of nodes", " --name mypool --node-count 5", scale_pool);
  scale->add_option("--node-count,-c", scaled->pool.count, "Number of nodes")->required();
  add_no_wait(*scale, *scaled);
  const auto [upgrade, upgraded] = add("upgrade", "Give the nodes the newest node image, one after the other",
                                       " --name mypool --node-image-only", upgrade_pool);
  upgrade->add_flag("--node-image-only", upgraded->node_image_only, "A new image, the same Kubernetes");
  upgrade->add_option("--kubernetes-version,-k", upgraded->pool.kubernetes_version, "Another version of Kubernetes");
  upgrade->add_flag("--yes,-y", upgraded->yes, "Accepted for scripts: nothing is asked");
  add_surge_options(*upgrade, upgraded->surge);
  add_conditions(*upgrade, *upgraded);
  add_no_wait(*upgrade, *upgraded);
  add("get-upgrades", "Show the versions that a node pool can be upgraded to", " --name mypool", show_upgrades);
  add("show", "Show a node pool", " --name mypool --output table", show_pool);
  add("list", "List the node pools of a cluster", " --output table", list_pools);
  const auto [wait, awaited] =
      add("wait", "Wait until a node pool is as asked for", " --name mypool --created", wait_for_pool);
  add_wait_options(*wait, awaited->wait);
  const auto [remove, removed] =
      add("delete", "Delete a node pool and its nodes, without asking, as az does", " --name mypool", delete_pool);
  remove->add_flag("--yes,-y", removed->yes, "Accepted for scripts: nothing is asked");
  add_conditions(*remove, *removed);
  add_no_wait(*remove, *removed);
}

}  // namespace slipway::cli
