#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "apps/slipway/files.h"
#include "apps/slipway/kubeconfig.h"
#include "apps/slipway/pool_options.h"
#include "apps/slipway/shell.h"
#include "apps/slipway/ssh_key.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

const std::vector<Column> kClusterColumns = {{"Name", "name"},
                                             {"Location", "location"},
                                             {"ResourceGroup", "resourceGroup"},
                                             {"KubernetesVersion", "currentKubernetesVersion"},
                                             {"ProvisioningState", "provisioningState"},
                                             {"Fqdn", "fqdn"}};

struct ClusterOptions {
  std::string group, name, location, dns_prefix, ssh_key;
  std::vector<std::string> tags;
  PoolOptions pool;
  bool managed_identity = false, generate_ssh_keys = false, no_ssh_key = false;
  bool no_wait = false, yes = false;
  OutputOptions output;
};

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
    cluster["linuxProfile"] = {{"adminUsername", "azureuser"},
                               {"ssh", {{"publicKeys", json::array{json::object{{"keyData", key}}}}}}};
  }
  SLIPWAY_ASSIGN(auto tags, parse_tags(options.tags));
  json::object body = {
      {"location", location}, {"identity", {{"type", "SystemAssigned"}}}, {"properties", std::move(cluster)}};
  if (!tags.empty()) body["tags"] = std::move(tags);
  return body;
}

Status create_cluster(const ClusterOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
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
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto cluster, client.get(client.cluster_path(options.group, options.name), kClusterApi));
  return Shell::print(flatten(cluster), options.output, kClusterColumns);
}

Status list_clusters(const ClusterOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  const std::string scope = options.group.empty() ? client.subscription_path() : client.group_path(options.group);
  SLIPWAY_ASSIGN(const auto clusters,
                 client.list(scope + "/providers/Microsoft.ContainerService/managedClusters", kClusterApi));
  return Shell::print(flatten(clusters), options.output, kClusterColumns);
}

Status delete_cluster(const ClusterOptions& options) {
  SLIPWAY_ASSIGN(const bool sure,
                 Shell::confirm(fmt::format("Delete the cluster {} with all its nodes?", options.name), options.yes));
  if (!sure) return fail(ErrorCode::kInvalidArgument, "nothing was deleted");
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto answer,
                 client.send("DELETE", client.cluster_path(options.group, options.name), kClusterApi));
  return options.no_wait ? Status() : client.wait(answer);
}

struct WaitOptions {
  std::string group, name;
  bool created = false, updated = false, deleted = false, exists = false;
  int interval = 5, timeout = 3600;
};

// True once the cluster is as asked for; an error where it never will be.
Result<bool> is_reached(const WaitOptions& options, const Result<json::value>& cluster) {
  if (!cluster) {
    if (cluster.error().code == ErrorCode::kUnavailable) return false;
    if (cluster.error().code != ErrorCode::kNotFound) return fail(cluster.error());
    if (options.deleted) return true;
    if (options.exists) return false;
    return fail(cluster.error());
  }
  if (options.exists) return true;
  if (options.deleted) return false;
  SLIPWAY_ASSIGN(const auto state, query(*cluster, "properties.provisioningState"));
  if (state == "Failed" || state == "Canceled")
    return fail(ErrorCode::kPreconditionFailed,
                fmt::format("cluster {} is {}; see \"slipway node list\" for what its nodes say", options.name,
                            std::string_view(state.get_string())));
  return state == "Succeeded";
}

Status wait_for_cluster(const WaitOptions& options) {
  if (options.created + options.updated + options.deleted + options.exists != 1)
    return fail(ErrorCode::kInvalidArgument, "give one of --created, --updated, --deleted and --exists");
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  const std::string path = client.cluster_path(options.group, options.name);
  const auto deadline = std::chrono::steady_clock::now() + seconds(options.timeout);
  for (;;) {
    SLIPWAY_ASSIGN(const bool reached, is_reached(options, client.get(path, kClusterApi)));
    if (reached) return {};
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(ErrorCode::kUnavailable,
                  fmt::format("cluster {} is not there after {} s; give --timeout to wait longer", options.name,
                              options.timeout));
    std::this_thread::sleep_for(seconds(options.interval));
  }
}

struct CredentialOptions {
  std::string group, name, file;
  bool administrator = false, overwrite = false;
};

Result<std::string> fetch_kubeconfig(const CredentialOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  const std::string path = client.cluster_path(options.group, options.name);
  const std::string action = options.administrator ? "/listClusterAdminCredential" : "/listClusterUserCredential";
  SLIPWAY_ASSIGN(const auto answer, client.send("POST", path + action, kClusterApi));
  SLIPWAY_ASSIGN(const auto encoded, query(answer.body, "kubeconfigs[0].value"));
  if (!encoded.is_string()) return fail(ErrorCode::kMalformed, "the server's answer holds no kubeconfig");
  SLIPWAY_ASSIGN(const Bytes content, from_base64(encoded.get_string()));
  return std::string(as_text(content));
}

Status get_credentials(const CredentialOptions& options) {
  SLIPWAY_ASSIGN(const std::string kubeconfig, fetch_kubeconfig(options));
  if (options.file == "-") {
    std::cout << kubeconfig << std::flush;
    return {};
  }
  std::string file = options.file;
  if (file.empty()) {
    SLIPWAY_ASSIGN(const std::string home, home_folder());
    file = home + "/.kube/config";
  }
  auto existing = read_file(file);
  if (!existing && existing.error().code != ErrorCode::kNotFound) return fail(std::move(existing).error());
  SLIPWAY_ASSIGN(const auto merged, merge_kubeconfig(existing.value_or(""), kubeconfig, options.overwrite));
  SLIPWAY_TRY(write_private_file(file, merged.text));
  Shell::say(fmt::format("Merged \"{}\" as current context in {}", merged.context, file));
  return {};
}

// --resource-group and --name, as all verbs of a cluster have them.
void add_cluster_name(CLI::App& verb, std::string& group, std::string& name) {
  verb.add_option("--resource-group,-g", group, "The cluster's resource group")->required();
  verb.add_option("--name,-n", name, "The cluster")->required();
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
  verb->add_option("--location,-l", options->location, "Default: the resource group's");
  verb->add_option("--dns-name-prefix,-p", options->dns_prefix, "Default: the cluster's name");
  verb->add_option("--tags", options->tags, "name=value, several with spaces between them");
  verb->add_flag("--enable-managed-identity", options->managed_identity, "The default, and all that there is");
  verb->add_flag("--generate-ssh-keys", options->generate_ssh_keys,
                 "Make ~/.ssh/id_rsa.pub if it is absent. The key stands in the cluster's description; nodes run no "
                 "SSH server");
  verb->add_option("--ssh-key-value", options->ssh_key, "A public key, or the file that holds one");
  verb->add_flag("--no-ssh-key,-x", options->no_ssh_key, "Describe the cluster without an SSH key");
  verb->add_flag("--no-wait", options->no_wait, "Return as soon as the server has taken the request");
  add_output(*verb, options->output);
}

void add_wait(Shell& shell, CLI::App& aks) {
  auto options = std::make_shared<WaitOptions>();
  CLI::App* verb = shell.add_verb(aks, "wait", "Wait until a cluster is as asked for",
                                  "  slipway aks wait --resource-group my-group --name my-cluster --created\n",
                                  [options] { return wait_for_cluster(*options); });
  add_cluster_name(*verb, options->group, options->name);
  verb->add_flag("--created", options->created, "Until its provisioning has succeeded");
  verb->add_flag("--updated", options->updated, "The same");
  verb->add_flag("--deleted", options->deleted, "Until it is gone");
  verb->add_flag("--exists", options->exists, "Until the server knows it");
  verb->add_option("--interval", options->interval, "Seconds between two looks")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  verb->add_option("--timeout", options->timeout, "Seconds to wait at most")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
}

void add_credentials(Shell& shell, CLI::App& aks) {
  auto options = std::make_shared<CredentialOptions>();
  CLI::App* verb =
      shell.add_verb(aks, "get-credentials", "Put a cluster's access into a kubeconfig",
                     "  slipway aks get-credentials --resource-group my-group --name my-cluster\n"
                     "  slipway aks get-credentials --resource-group my-group --name my-cluster --admin --file -\n",
                     [options] { return get_credentials(*options); });
  add_cluster_name(*verb, options->group, options->name);
  verb->add_option("--file,-f", options->file, "Default: ~/.kube/config; - prints it instead");
  verb->add_flag("--admin,-a", options->administrator, "The cluster administrator's certificate");
  verb->add_flag("--overwrite-existing", options->overwrite, "Replace a cluster, context or user of the same name");
}

}  // namespace

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
  add_pools(shell, *aks);
}

}  // namespace slipway::cli
