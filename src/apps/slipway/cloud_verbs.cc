#include <fmt/format.h>

#include <cstdlib>

#include "apps/slipway/accounts.h"
#include "apps/slipway/files.h"
#include "apps/slipway/shell.h"

// cloud: servers by name, as az has them; context: logins by name.
namespace slipway::cli {
namespace {

namespace json = boost::json;

struct CloudOptions {
  std::string name, endpoint, authority;
  OutputOptions output;
};

const std::vector<Column> kCloudColumns = {
    {"IsActive", "isActive"}, {"Name", "name"}, {"Endpoint", "endpoints.resourceManager"}};
const std::vector<Column> kContextColumns = {{"Current", "isCurrent"},
                                             {"Name", "name"},
                                             {"Cloud", "cloud"},
                                             {"Username", "user.name"},
                                             {"Subscription", "subscriptionId"}};

json::object described(const Accounts& accounts, const Cloud& cloud) {
  return {{"endpoints", json::object{{"activeDirectory", cloud.endpoint},
                                     {"activeDirectoryResourceId", cloud.endpoint + '/'},
                                     {"resourceManager", cloud.endpoint}}},
          {"isActive", cloud.name == accounts.current_cloud},
          {"name", cloud.name}};
}

json::object described(const Accounts& accounts, const Context& context) {
  return {{"cloud", context.cloud},
          {"isCurrent", context.name == accounts.current_context},
          {"name", context.name},
          {"subscriptionId", context.subscription},
          {"subscriptionName", context.subscription_name},
          {"tenantId", context.tenant},
          {"user", json::object{{"name", context.client}, {"type", "servicePrincipal"}}}};
}

Status register_cloud(const CloudOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  if (accounts.cloud(options.name) != nullptr)
    return fail(ErrorCode::kConflict, fmt::format("The cloud '{}' is registered already; unregister it first, or give "
                                                  "another name.",
                                                  options.name));
  Cloud cloud{options.name, options.endpoint, {}};
  while (cloud.endpoint.ends_with('/')) cloud.endpoint.pop_back();
  if (!cloud.endpoint.starts_with("https://"))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the endpoint is \"{}\", not an https:// address", cloud.endpoint));
  const char* bundle = std::getenv("REQUESTS_CA_BUNDLE");
  const std::string authority = !options.authority.empty() ? options.authority : bundle != nullptr ? bundle : "";
  if (authority.empty())
    return fail(ErrorCode::kInvalidArgument,
                "give the server's authority with --certificate-authority FILE (the ca.pem in slipwayd's state "
                "folder), or in REQUESTS_CA_BUNDLE as for az");
  SLIPWAY_ASSIGN(cloud.authority, read_file(authority));
  const std::string before = accounts.current_cloud;
  accounts.put(std::move(cloud));
  // As with az: registering a cloud does not move there.
  if (!before.empty()) SLIPWAY_TRY(accounts.use_cloud(before));
  return write_accounts(accounts);
}

Status set_cloud(const CloudOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  SLIPWAY_TRY(accounts.use_cloud(options.name));
  Shell::say(fmt::format("Switched active cloud to '{}'.", options.name), options.output);
  if (accounts.current_context.empty()) Shell::say("Use 'slipway login' to log in to this cloud.", options.output);
  return write_accounts(accounts);
}

Status unregister_cloud(const CloudOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  SLIPWAY_TRY(accounts.remove_cloud(options.name));
  return write_accounts(accounts);
}

Status list_clouds(const CloudOptions& options) {
  SLIPWAY_ASSIGN(const Accounts accounts, read_accounts());
  json::array shown;
  for (const Cloud& one : accounts.clouds) shown.push_back(described(accounts, one));
  return Shell::print(shown, options.output, kCloudColumns);
}

Status show_cloud(const CloudOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  const std::string name = options.name.empty() ? accounts.current_cloud : options.name;
  const std::string active = accounts.current_cloud;
  SLIPWAY_TRY(accounts.use_cloud(name));
  const Cloud cloud = *accounts.cloud(name);
  accounts.current_cloud = active;
  return Shell::print(described(accounts, cloud), options.output, kCloudColumns);
}

Status list_contexts(const CloudOptions& options) {
  SLIPWAY_ASSIGN(const Accounts accounts, read_accounts());
  json::array shown;
  for (const Context& one : accounts.contexts) shown.push_back(described(accounts, one));
  return Shell::print(shown, options.output, kContextColumns);
}

Status show_context(const CloudOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  const std::string name = options.name.empty() ? accounts.current_context : options.name;
  const std::string current = accounts.current_context;
  SLIPWAY_TRY(accounts.use_context(name));
  const Context context = *accounts.context(name);
  accounts.current_context = current;
  return Shell::print(described(accounts, context), options.output, kContextColumns);
}

Status use_context(const CloudOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  SLIPWAY_TRY(accounts.use_context(options.name));
  return write_accounts(accounts);
}

Status delete_context(const CloudOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  SLIPWAY_TRY(accounts.remove_context(options.name));
  return write_accounts(accounts);
}

enum class Name { kNone, kOptional, kRequired };

}  // namespace

void add_clouds(Shell& shell) {
  const auto add = [&](CLI::App* noun, const std::string& name, const std::string& description,
                       const std::string& example, Name named, Status (*run)(const CloudOptions&)) {
    auto options = std::make_shared<CloudOptions>();
    CLI::App* verb = shell.add_verb(*noun, name, description, example, [options, run] { return run(*options); });
    if (named != Name::kNone)
      verb->add_option("--name,-n", options->name, named == Name::kRequired ? "Its name" : "Default: the current one")
          ->required(named == Name::kRequired);
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  CLI::App* cloud = Shell::add_noun(shell.app(), "cloud", "Servers, by name");
  const auto [verb, options] =
      add(cloud, "register", "Keep a server under a name",
          "  slipway cloud register --name slipway --endpoint-resource-manager https://127.0.0.1:18443 \\\n"
          "      --certificate-authority ca.pem\n",
          Name::kRequired, register_cloud);
  verb->add_option("--endpoint-resource-manager", options->endpoint, "https://ADDRESS:PORT")->required();
  verb->add_option("--certificate-authority", options->authority,
                   "PEM file of the server's authority; default: the file that REQUESTS_CA_BUNDLE names");
  add(cloud, "unregister", "Forget a server and the logins to it", "  slipway cloud unregister --name slipway\n",
      Name::kRequired, unregister_cloud);
  add(cloud, "set", "Make a server the current one", "  slipway cloud set --name slipway\n", Name::kRequired,
      set_cloud);
  add(cloud, "list", "List the servers", "  slipway cloud list --output table\n", Name::kNone, list_clouds);
  add(cloud, "show", "Show a server", "  slipway cloud show\n", Name::kOptional, show_cloud);

  CLI::App* context = Shell::add_noun(shell.app(), "context", "Logins, by name");
  add(context, "list", "List the logins", "  slipway context list --output table\n", Name::kNone, list_contexts);
  add(context, "show", "Show a login, without its secret", "  slipway context show\n", Name::kOptional, show_context);
  add(context, "use", "Make a login the current one", "  slipway context use --name production\n", Name::kRequired,
      use_context);
  add(context, "delete", "Forget a login", "  slipway context delete --name production\n", Name::kRequired,
      delete_context);
}

}  // namespace slipway::cli
