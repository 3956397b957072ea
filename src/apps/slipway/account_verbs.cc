#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "apps/slipway/shell.h"

// login, feature, provider, group.
namespace slipway::cli {
namespace {

namespace json = boost::json;

constexpr seconds kPollInterval{1};
constexpr const char* kDefaultProvider = "Microsoft.ContainerService";

Status log_in(const std::string& path, const OutputOptions& output) {
  auto login = path.empty() ? current_login() : read_login(path);
  if (!login) return fail(std::move(login).error());
  ArmClient client(*login, {});
  SLIPWAY_ASSIGN(const auto subscriptions, client.list("/subscriptions", "2022-12-01"));
  SLIPWAY_ASSIGN(const std::string kept, keep_login(*login));
  Shell::say(fmt::format("Logged in to {}; kept in {}", login->endpoint, kept));
  return Shell::print(
      subscriptions, output,
      {{"Name", "displayName"}, {"SubscriptionId", "subscriptionId"}, {"State", "state"}, {"TenantId", "tenantId"}});
}

struct FeatureOptions {
  std::string provider = kDefaultProvider, name;
  bool wait = false;
  OutputOptions output;
};

const std::vector<Column> kFeatureColumns = {{"Name", "name"}, {"RegistrationState", "properties.state"}};
const std::vector<Column> kProviderColumns = {{"Namespace", "namespace"}, {"RegistrationState", "registrationState"}};
const std::vector<Column> kGroupColumns = {
    {"Name", "name"}, {"Location", "location"}, {"Status", "properties.provisioningState"}};

std::string feature_path(const ArmClient& client, const FeatureOptions& options) {
  return fmt::format("{}/providers/Microsoft.Features/providers/{}/features/{}", client.subscription_path(),
                     encode_segment(options.provider), encode_segment(options.name));
}

Status register_feature(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto answer, client.send("POST", feature_path(client, options) + "/register", kFeatureApi));
  Shell::say(
      fmt::format("Once the feature \"{}\" is registered, run \"slipway provider register --namespace {}\" so "
                  "that it takes effect",
                  options.name, options.provider));
  return Shell::print(answer.body, options.output, kFeatureColumns);
}

Status show_feature(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto feature, client.get(feature_path(client, options), kFeatureApi));
  return Shell::print(feature, options.output, kFeatureColumns);
}

std::string provider_path(const ArmClient& client, const FeatureOptions& options) {
  return client.subscription_path() + "/providers/" + encode_segment(options.provider);
}

Status register_provider(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(auto answer, client.send("POST", provider_path(client, options) + "/register", kGroupApi));
  while (options.wait) {
    SLIPWAY_ASSIGN(const auto state, query(answer.body, "registrationState"));
    if (state == "Registered") break;
    std::this_thread::sleep_for(kPollInterval);
    SLIPWAY_ASSIGN(answer, client.send("GET", provider_path(client, options), kGroupApi));
  }
  return Shell::print(answer.body, options.output, kProviderColumns);
}

Status show_provider(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto provider, client.get(provider_path(client, options), kGroupApi));
  return Shell::print(provider, options.output, kProviderColumns);
}

struct GroupOptions {
  std::string name, location;
  std::vector<std::string> tags;
  bool yes = false, no_wait = false;
  OutputOptions output;
};

Status create_group(const GroupOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(auto tags, parse_tags(options.tags));
  json::object body = {{"location", options.location}};
  if (!tags.empty()) body["tags"] = std::move(tags);
  SLIPWAY_ASSIGN(const auto answer, client.send("PUT", client.group_path(options.name), kGroupApi, body));
  return Shell::print(answer.body, options.output, kGroupColumns);
}

Status show_group(const GroupOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto group, client.get(client.group_path(options.name), kGroupApi));
  return Shell::print(group, options.output, kGroupColumns);
}

Status list_groups(const GroupOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto groups, client.list(client.subscription_path() + "/resourceGroups", kGroupApi));
  return Shell::print(groups, options.output, kGroupColumns);
}

Status delete_group(const GroupOptions& options) {
  SLIPWAY_ASSIGN(
      const bool sure,
      Shell::confirm(fmt::format("Delete the resource group {} and all that is in it?", options.name), options.yes));
  if (!sure) return fail(ErrorCode::kInvalidArgument, "nothing was deleted");
  SLIPWAY_ASSIGN(auto client, Shell::connect());
  SLIPWAY_ASSIGN(const auto answer, client.send("DELETE", client.group_path(options.name), kGroupApi));
  return options.no_wait ? Status() : client.wait(answer);
}

}  // namespace

void add_login(Shell& shell) {
  struct Options {
    std::string admin;
    OutputOptions output;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb = shell.add_verb(shell.app(), "login", "Log in to slipwayd, for this and later commands",
                                  "  slipway login --admin /var/lib/slipway/admin.json\n",
                                  [options] { return log_in(options->admin, options->output); });
  verb->add_option("--admin", options->admin,
                   "The admin.json that slipwayd wrote into its state folder, with ca.pem beside it; default: the file "
                   "that SLIPWAY_ADMIN names");
  add_output(*verb, options->output);
}

void add_features(Shell& shell) {
  const auto add = [&](CLI::App* noun, const std::string& name, const std::string& description,
                       const std::string& example, Status (*run)(const FeatureOptions&)) {
    auto options = std::make_shared<FeatureOptions>();
    CLI::App* verb = shell.add_verb(*noun, name, description, example, [options, run] { return run(*options); });
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  CLI::App* feature = Shell::add_noun(shell.app(), "feature", "Preview features of the subscription");
  for (const bool registers : {true, false}) {
    const std::string name = registers ? "register" : "show";
    const auto [verb, options] =
        add(feature, name, registers ? "Register a preview feature" : "Show whether a feature is registered",
            "  slipway feature " + name + " --namespace Microsoft.ContainerService --name TrustedLaunchPreview\n",
            registers ? register_feature : show_feature);
    verb->add_option("--namespace", options->provider, "The resource provider")->capture_default_str();
    verb->add_option("--name,-n", options->name, "The feature")->required();
  }
  CLI::App* provider = Shell::add_noun(shell.app(), "provider", "Resource providers of the subscription");
  for (const bool registers : {true, false}) {
    const std::string name = registers ? "register" : "show";
    const auto [verb, options] =
        add(provider, name,
            registers ? "Register a provider, so that its features take effect" : "Show a provider's registration",
            "  slipway provider " + name + " --namespace Microsoft.ContainerService\n",
            registers ? register_provider : show_provider);
    verb->add_option("--namespace,-n", options->provider, "The resource provider")->capture_default_str();
    if (registers) verb->add_flag("--wait", options->wait, "Return when the provider is registered");
  }
}

void add_groups(Shell& shell) {
  CLI::App* group = Shell::add_noun(shell.app(), "group", "Resource groups: folders for clusters");
  const auto add = [&](const std::string& name, const std::string& description, const std::string& example,
                       Status (*run)(const GroupOptions&)) {
    auto options = std::make_shared<GroupOptions>();
    CLI::App* verb = shell.add_verb(*group, name, description, example, [options, run] { return run(*options); });
    if (name != "list") verb->add_option("--name,-n,--resource-group,-g", options->name, "The group")->required();
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  const auto [create, created] = add("create", "Create a resource group, or change its tags",
                                     "  slipway group create --name my-group --location local\n", create_group);
  create->add_option("--location,-l", created->location, "Where it is: local")->required();
  create->add_option("--tags", created->tags, "name=value, several with spaces between them");
  add("show", "Show a resource group", "  slipway group show --name my-group\n", show_group);
  add("list", "List the resource groups", "  slipway group list --output table\n", list_groups);
  const auto [remove, removed] = add("delete", "Delete a resource group and all that is in it",
                                     "  slipway group delete --name my-group --yes\n", delete_group);
  remove->add_flag("--yes,-y", removed->yes, "Do not ask");
  remove->add_flag("--no-wait", removed->no_wait, "Return as soon as the server has taken the request");
}

}  // namespace slipway::cli
