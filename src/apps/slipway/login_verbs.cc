#include <fmt/format.h>

#include <cstdlib>

#include "apps/slipway/accounts.h"
#include "apps/slipway/files.h"
#include "apps/slipway/secret_input.h"
#include "apps/slipway/shell.h"

// login, logout, account.
namespace slipway::cli {
namespace {

namespace json = boost::json;

struct LoginOptions {
  std::string admin;
  bool service_principal = false;
  std::string client, secret, tenant;
  std::string endpoint, authority, cloud, context;
  OutputOptions output;
};

const std::vector<Column> kAccountColumns = {{"Name", "name"},         {"CloudName", "cloudName"},
                                             {"SubscriptionId", "id"}, {"TenantId", "tenantId"},
                                             {"State", "state"},       {"IsDefault", "isDefault"}};

// A subscription that one is logged in to, as az prints it.
json::object account_of(const Accounts& accounts, const Context& context) {
  return {{"cloudName", context.cloud},
          {"environmentName", context.cloud},
          {"homeTenantId", context.tenant},
          {"id", context.subscription},
          {"isDefault", context.name == accounts.current_context},
          {"managedByTenants", json::array{}},
          {"name", context.subscription_name},
          {"state", "Enabled"},
          {"tenantId", context.tenant},
          {"user", json::object{{"name", context.client}, {"type", "servicePrincipal"}}}};
}

// The authority of a server that is named on the command line.
Result<std::string> authority_for(const LoginOptions& options) {
  if (!options.authority.empty()) return read_file(options.authority);
  if (const char* bundle = std::getenv("REQUESTS_CA_BUNDLE"); bundle != nullptr && *bundle != '\0')
    return read_file(bundle);
  return fail(ErrorCode::kInvalidArgument,
              "give the server's authority with --certificate-authority FILE (the ca.pem in slipwayd's state folder), "
              "or in REQUESTS_CA_BUNDLE as for az");
}

Result<Cloud> cloud_for(const LoginOptions& options, const Accounts& accounts) {
  if (options.endpoint.empty()) {
    const std::string name = options.cloud.empty() ? accounts.current_cloud : options.cloud;
    const Cloud* known = accounts.cloud(name);
    if (known != nullptr) return *known;
    return fail(ErrorCode::kInvalidArgument,
                name.empty()
                    ? "no server is known; give --endpoint https://ADDRESS:PORT, or register one with "
                      "\"slipway cloud register\""
                    : fmt::format("the cloud '{}' is not known; register it with \"slipway cloud register\"", name));
  }
  Cloud cloud{options.cloud.empty() ? "slipway" : options.cloud, options.endpoint, {}};
  while (cloud.endpoint.ends_with('/')) cloud.endpoint.pop_back();
  if (!cloud.endpoint.starts_with("https://"))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the endpoint is \"{}\", not an https:// address", cloud.endpoint));
  SLIPWAY_ASSIGN(cloud.authority, authority_for(options));
  return cloud;
}

// Whom to log in as, and where: from an admin.json, or from the options of a service principal.
Result<std::pair<Cloud, Login>> login_for(const LoginOptions& options, const Accounts& accounts) {
  const char* named = std::getenv("SLIPWAY_ADMIN");
  const std::string admin = !options.admin.empty()                           ? options.admin
                            : !options.service_principal && named != nullptr ? named
                                                                             : std::string();
  if (!admin.empty()) {
    if (options.service_principal || !options.client.empty())
      return fail(ErrorCode::kInvalidArgument, "--admin and --service-principal exclude each other; give one");
    SLIPWAY_ASSIGN(Login login, read_login(admin));
    Cloud cloud{options.cloud.empty() ? "slipway" : options.cloud, login.endpoint, login.authority};
    return std::pair{std::move(cloud), std::move(login)};
  }
  if (!options.service_principal)
    return fail(ErrorCode::kInvalidArgument,
                "give --admin FILE (the admin.json in slipwayd's state folder), or --service-principal with --username "
                "and --tenant: there are no interactive logins");
  if (options.client.empty() || options.tenant.empty())
    return fail(ErrorCode::kInvalidArgument, "--service-principal needs --username CLIENT and --tenant TENANT");
  SLIPWAY_ASSIGN(Cloud cloud, cloud_for(options, accounts));
  SLIPWAY_ASSIGN(const std::string secret, secret_from(options.secret));
  Login login{cloud.endpoint, options.tenant, {}, options.client, secret, cloud.authority};
  return std::pair{std::move(cloud), std::move(login)};
}

Status log_in(const LoginOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  SLIPWAY_ASSIGN(const auto found, login_for(options, accounts));
  const auto& [cloud, login] = found;
  if (!options.secret.empty() && options.secret != "-")
    Shell::say("A secret on the command line can be read by other processes; --password - reads it from standard input",
               options.output);
  ArmClient client(login, {});
  SLIPWAY_ASSIGN(const auto subscriptions, client.list("/subscriptions", "2022-12-01"));
  if (subscriptions.empty())
    return fail(ErrorCode::kPermissionDenied, fmt::format("no subscriptions found for {}", login.client));
  accounts.put(cloud);
  json::array shown;
  for (const json::value& subscription : subscriptions) {
    const auto id = query(subscription, "subscriptionId"), name = query(subscription, "displayName");
    if (!id || !id->is_string()) return fail(ErrorCode::kMalformed, "the server named a subscription without an id");
    Context context{options.context.empty() ? cloud.name : options.context,
                    cloud.name,
                    login.tenant,
                    login.client,
                    login.secret,
                    std::string(id->get_string()),
                    name && name->is_string() ? std::string(name->get_string()) : std::string()};
    if (subscriptions.size() > 1) context.name += '-' + context.subscription;
    const std::string kept = context.name;
    accounts.put(std::move(context));
    shown.push_back(account_of(accounts, *accounts.context(kept)));
  }
  SLIPWAY_TRY(write_accounts(accounts));
  SLIPWAY_ASSIGN(const std::string folder, config_folder());
  Shell::say(fmt::format("Logged in to {}; kept in {}/config.json", login.endpoint, folder), options.output);
  return Shell::print(shown, options.output, kAccountColumns);
}

struct AccountOptions {
  std::string name;
  OutputOptions output;
};

Status log_out(const AccountOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  const std::string client = options.name;
  const Context* current = accounts.context(accounts.current_context);
  if (client.empty() && current == nullptr) return fail(ErrorCode::kPreconditionFailed, "there are no active accounts");
  const std::string gone = client.empty() ? current->client : client;
  std::vector<std::string> names;
  for (const Context& one : accounts.contexts)
    if (one.client == gone) names.push_back(one.name);
  if (names.empty()) return fail(ErrorCode::kNotFound, fmt::format("nobody is logged in as '{}'", gone));
  for (const std::string& name : names) SLIPWAY_TRY(accounts.remove_context(name));
  return write_accounts(accounts);
}

Status list_accounts(const AccountOptions& options) {
  SLIPWAY_ASSIGN(const Accounts accounts, read_accounts());
  json::array shown;
  for (const Context& one : accounts.contexts) shown.push_back(account_of(accounts, one));
  if (shown.empty()) Shell::say("Please run \"slipway login\" to access your accounts.", options.output);
  return Shell::print(shown, options.output, kAccountColumns);
}

Status show_account(const AccountOptions& options) {
  SLIPWAY_ASSIGN(const Accounts accounts, read_accounts());
  const std::string& wanted = options.output.subscription;
  SLIPWAY_TRY(accounts.login(wanted));
  const Context* shown = wanted.empty() ? accounts.context(accounts.current_context) : accounts.subscription(wanted);
  return Shell::print(account_of(accounts, *shown), options.output, kAccountColumns);
}

Status set_account(const AccountOptions& options) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  const Context* wanted = accounts.subscription(options.output.subscription);
  if (wanted == nullptr)
    return fail(ErrorCode::kNotFound, fmt::format("The subscription of '{}' doesn't exist in {}: \"slipway account "
                                                  "list\" shows those that do.",
                                                  options.output.subscription, accounts.current_cloud));
  SLIPWAY_TRY(accounts.use_context(std::string(wanted->name)));
  return write_accounts(accounts);
}

Status clear_accounts(const AccountOptions&) {
  SLIPWAY_ASSIGN(Accounts accounts, read_accounts());
  accounts.contexts.clear();
  accounts.current_context.clear();
  return write_accounts(accounts);
}

Status show_token(const AccountOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const std::string token, client.token());
  const auto end = client.token_end();
  return Shell::print(json::object{{"accessToken", token},
                                   {"expiresOn", to_rfc3339(end)},
                                   {"subscription", client.login().subscription},
                                   {"tenant", client.login().tenant},
                                   {"tokenType", "Bearer"}},
                      options.output, {});
}

}  // namespace

void add_login(Shell& shell) {
  auto options = std::make_shared<LoginOptions>();
  CLI::App* verb =
      shell.add_verb(shell.app(), "login", "Log in to slipwayd, for this and later commands",
                     "  slipway login --admin /var/lib/slipway/admin.json\n"
                     "  slipway login --service-principal --username CLIENT --password - --tenant TENANT < secret\n"
                     "  SLIPWAY_CLIENT_SECRET=... slipway login --service-principal -u CLIENT --tenant TENANT \\\n"
                     "      --endpoint https://127.0.0.1:18443 --certificate-authority ca.pem\n",
                     [options] { return log_in(*options); });
  verb->add_option("--admin", options->admin,
                   "The admin.json that slipwayd wrote into its state folder, with ca.pem beside it; default: the file "
                   "that SLIPWAY_ADMIN names");
  verb->add_flag("--service-principal", options->service_principal, "Log in as a client with a secret");
  verb->add_option("--username,-u", options->client, "The client's id");
  verb->add_option("--password,-p", options->secret,
                   "Its secret; - reads it from standard input. Default: SLIPWAY_CLIENT_SECRET, or it is asked for");
  verb->add_option("--tenant,-t", options->tenant, "The tenant's id");
  verb->add_option("--endpoint", options->endpoint, "The server, https://ADDRESS:PORT; default: the current cloud's");
  verb->add_option("--certificate-authority", options->authority,
                   "PEM file of the server's authority; default: the file that REQUESTS_CA_BUNDLE names");
  verb->add_option("--cloud", options->cloud, "Name to keep the server under, or one that is registered");
  verb->add_option("--context", options->context, "Name to keep this login under; default: the cloud's");
  add_output(*verb, options->output);

  auto out = std::make_shared<AccountOptions>();
  CLI::App* logout =
      shell.add_verb(shell.app(), "logout", "Forget a login", "  slipway logout\n", [out] { return log_out(*out); });
  logout->add_option("--username", out->name, "The client's id; default: the current one");
  add_output(*logout, out->output);
}

void add_accounts(Shell& shell) {
  CLI::App* account = Shell::add_noun(shell.app(), "account", "Subscriptions that you are logged in to");
  const auto add = [&](const std::string& name, const std::string& description, const std::string& example,
                       Status (*run)(const AccountOptions&)) {
    auto options = std::make_shared<AccountOptions>();
    CLI::App* verb = shell.add_verb(*account, name, description, example, [options, run] { return run(*options); });
    add_output(*verb, options->output);
    return verb;
  };
  add("list", "List the subscriptions that you are logged in to", "  slipway account list --output table\n",
      list_accounts);
  add("show", "Show the current subscription", "  slipway account show --query id --output tsv\n", show_account);
  CLI::App* set = add("set", "Make another subscription the current one",
                      "  slipway account set --subscription my-subscription\n", set_account);
  set->get_option("--subscription")->required();
  set->get_option("--subscription")->description("Id or name of the subscription");
  add("clear", "Forget all logins", "  slipway account clear\n", clear_accounts);
  add("get-access-token", "Print a token for the management API",
      "  slipway account get-access-token --query accessToken --output tsv\n", show_token);
}

}  // namespace slipway::cli
