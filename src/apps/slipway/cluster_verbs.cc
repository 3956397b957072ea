#include <fmt/format.h>

#include <cctype>

#include "apps/slipway/cluster_options.h"
#include "apps/slipway/pool_options.h"
#include "apps/slipway/ssh_key.h"
#include "apps/slipway/wait_options.h"

namespace slipway::cli {

const std::vector<Column> kClusterColumns = {{"Name", "name"},
                                             {"Location", "location"},
                                             {"ResourceGroup", "resourceGroup"},
                                             {"KubernetesVersion", "currentKubernetesVersion"},
                                             {"ProvisioningState", "provisioningState"},
                                             {"Fqdn", "fqdn"}};

namespace {

namespace json = boost::json;

struct ClusterOptions {
  std::string group, name, location, dns_prefix, ssh_key;
  std::vector<std::string> tags;
  PoolOptions pool;
  bool managed_identity = false, generate_ssh_keys = false, no_ssh_key = false;
  std::string administrator = "azureuser", tier = "free";
  bool no_wait = false, yes = false;
  OutputOptions output;
};

// az takes the tier in any case and sends it as the service writes it: "Free".
std::string title_case(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    text[i] = static_cast<char>(i == 0 ? std::toupper(c) : std::tolower(c));
  }
  return text;
}

Result<json::value> cluster_body(const ClusterOptions& options, const std::string& location) {
  PoolOptions pool = options.pool;
  pool.mode = "System";
  SLIPWAY_ASSIGN(auto properties, pool_properties(pool));
  properties["name"] = pool.name;
  json::object cluster = {{"kubernetesVersion", options.pool.kubernetes_version},
                          {"dnsPrefix", options.dns_prefix.empty() ? options.name : options.dns_prefix},
                          {"agentPoolProfiles", json::array{std::move(properties)}},
                          {"addonProfiles", json::object{}},
                          {"enableRBAC", true},
                          {"networkProfile", json::object{{"podCidr", "10.244.0.0/16"},
                                                          {"serviceCidr", "10.0.0.0/16"},
                                                          {"dnsServiceIP", "10.0.0.10"},
                                                          {"outboundType", "loadBalancer"},
                                                          {"loadBalancerSku", "standard"}}},
                          {"disableLocalAccounts", false}};
  if (!options.no_ssh_key) {
    SLIPWAY_ASSIGN(const std::string key, ssh_public_key(options.ssh_key, options.generate_ssh_keys));
    cluster["linuxProfile"] = {{"adminUsername", options.administrator},
                               {"ssh", {{"publicKeys", json::array{json::object{{"keyData", key}}}}}}};
  }
  SLIPWAY_ASSIGN(auto tags, parse_tags(options.tags));
  json::object body = {
      {"location", location}, {"identity", {{"type", "SystemAssigned"}}}, {"properties", std::move(cluster)}};
  if (!tags.empty()) body["tags"] = std::move(tags);
  body["sku"] = {{"name", "Base"}, {"tier", title_case(options.tier)}};
  return body;
}

Status create_cluster(const ClusterOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  const std::string path = client.cluster_path(options.group, options.name);
  const auto present = client.get(path, kClusterApi);
  if (present)
    return fail(ErrorCode::kConflict,
                fmt::format("cluster {} already exists in resource group {}; look at it with \"slipway aks show\", or "
                            "delete it first",
                            options.name, options.group));
  if (present.error().code != ErrorCode::kNotFound) return fail(present.error());
  std::string location = options.location;
  if (location.empty()) {
    SLIPWAY_ASSIGN(const auto group, client.get(client.group_path(options.group), kGroupApi));
    SLIPWAY_ASSIGN(const auto found, query(group, "location"));
    location = found.is_string() ? std::string(found.get_string()) : std::string();
  }
  SLIPWAY_ASSIGN(const auto body, cluster_body(options, location));
  SLIPWAY_ASSIGN(auto answer, client.send("PUT", path, kClusterApi, body));
  if (!options.no_wait) {
    SLIPWAY_TRY(client.wait(answer));
    SLIPWAY_ASSIGN(answer, client.send("GET", path, kClusterApi));
  }
  return Shell::print(flatten(answer.body), options.output, kClusterColumns);
}

Status show_cluster(const ClusterOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto cluster, client.get(client.cluster_path(options.group, options.name), kClusterApi));
  return Shell::print(flatten(cluster), options.output, kClusterColumns);
}

Status list_clusters(const ClusterOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  const std::string scope = options.group.empty() ? client.subscription_path() : client.group_path(options.group);
  SLIPWAY_ASSIGN(const auto clusters,
                 client.list(scope + "/providers/Microsoft.ContainerService/managedClusters", kClusterApi));
  return Shell::print(flatten(clusters), options.output, kClusterColumns);
}

Status delete_cluster(const ClusterOptions& options) {
  SLIPWAY_ASSIGN(const bool sure,
                 Shell::confirm(fmt::format("Delete the cluster {} with all its nodes?", options.name), options.yes));
  if (!sure) return fail(ErrorCode::kInvalidArgument, "nothing was deleted");
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto answer,
                 client.send("DELETE", client.cluster_path(options.group, options.name), kClusterApi));
  return options.no_wait ? Status() : client.wait(answer);
}

struct ClusterWait {
  std::string group, name;
  WaitOptions wait;
  OutputOptions output;
};

Status wait_for_cluster(const ClusterWait& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  return wait_until(client, client.cluster_path(options.group, options.name), options.wait,
                    "the cluster " + options.name);
}

void add_create(Shell& shell, CLI::App& aks) {
  auto options = std::make_shared<ClusterOptions>();
  CLI::App* verb = shell.add_verb(
      aks, "create", "Create a cluster with its first node pool, and wait for its nodes",
      "  slipway aks create --resource-group my-group --name my-cluster --node-count 1 --enable-secure-boot \\\n"
      "      --enable-vtpm --enable-managed-identity --generate-ssh-keys\n",
      [options] { return create_cluster(*options); });
  add_cluster_name(*verb, options->group, options->name);
  add_pool_options(*verb, options->pool);
  verb->add_option("--nodepool-name", options->pool.name, "Name of the first pool")->capture_default_str();
  verb->add_option("--nodepool-labels", options->pool.labels, "Of its nodes: name=value, several with spaces between");
  verb->add_option("--nodepool-taints", options->pool.taints, "Of its nodes: key=value:Effect, several with commas")
      ->delimiter(',');
  verb->add_option("--nodepool-tags", options->pool.tags, "Of the first pool: name=value, several with spaces between");
  verb->add_option("--location,-l", options->location, "Default: the resource group's");
  verb->add_option("--dns-name-prefix,-p", options->dns_prefix, "Default: the cluster's name");
  verb->add_option("--tags", options->tags, "name=value, several with spaces between them");
  verb->add_flag("--enable-managed-identity", options->managed_identity, "The default, and all that there is");
  verb->add_flag("--generate-ssh-keys", options->generate_ssh_keys,
                 "Make ~/.ssh/id_rsa.pub if it is absent. The key stands in the cluster's description; nodes run no "
                 "SSH server");
  verb->add_option("--admin-username,-u", options->administrator, "The name that the SSH key is for")
      ->capture_default_str();
  verb->add_option("--tier", options->tier, "free, and nothing else")->capture_default_str();
  verb->add_flag("--yes,-y", options->yes, "Accepted for scripts: nothing is asked");
  verb->add_option("--ssh-key-value", options->ssh_key, "A public key, or the file that holds one");
  verb->add_flag("--no-ssh-key,-x", options->no_ssh_key, "Describe the cluster without an SSH key");
  verb->add_flag("--no-wait", options->no_wait, "Return as soon as the server has taken the request");
  add_output(*verb, options->output);
}

void add_wait(Shell& shell, CLI::App& aks) {
  auto options = std::make_shared<ClusterWait>();
  CLI::App* verb = shell.add_verb(aks, "wait", "Wait until a cluster is as asked for",
                                  "  slipway aks wait --resource-group my-group --name my-cluster --created\n",
                                  [options] { return wait_for_cluster(*options); });
  add_cluster_name(*verb, options->group, options->name);
  add_wait_options(*verb, options->wait);
  add_output(*verb, options->output);
}

}  // namespace

void add_cluster_name(CLI::App& verb, std::string& group, std::string& name) {
  verb.add_option("--resource-group,-g", group, "The cluster's resource group")->required();
  verb.add_option("--name,-n", name, "The cluster")->required();
}

void add_clusters(Shell& shell) {
  CLI::App* aks = Shell::add_noun(shell.app(), "aks", "Kubernetes clusters");
  add_create(shell, *aks);
  const auto add = [&](const std::string& name, const std::string& description, const std::string& example,
                       Status (*run)(const ClusterOptions&)) {
    auto options = std::make_shared<ClusterOptions>();
    CLI::App* verb = shell.add_verb(*aks, name, description, example, [options, run] { return run(*options); });
    if (name == "list")
      verb->add_option("--resource-group,-g", options->group, "Only the clusters of this group");
    else
      add_cluster_name(*verb, options->group, options->name);
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  add("show", "Show a cluster", "  slipway aks show --resource-group my-group --name my-cluster\n", show_cluster);
  add("list", "List the clusters", "  slipway aks list --output table\n", list_clusters);
  const auto [remove, removed] =
      add("delete", "Delete a cluster with all its nodes",
          "  slipway aks delete --resource-group my-group --name my-cluster --yes\n", delete_cluster);
  remove->add_flag("--yes,-y", removed->yes, "Do not ask");
  remove->add_flag("--no-wait", removed->no_wait, "Return as soon as the server has taken the request");
  add_wait(shell, *aks);
  add_credentials(shell, *aks);
  add_upgrades(shell, *aks);
  add_pools(shell, *aks);
}

}  // namespace slipway::cli
