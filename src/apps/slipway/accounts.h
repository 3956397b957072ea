#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/slipway/login.h"
#include "base/result.h"

// What the command line remembers between two runs: config.json in $SLIPWAY_CONFIG_DIR, else in ~/.slipway.
namespace slipway::cli {

// A slipwayd: what `az cloud register` keeps of one.
struct Cloud {
  std::string name;
  std::string endpoint;   // "https://127.0.0.1:18443", without a final slash
  std::string authority;  // PEM
};

// Somebody's access to one subscription of a cloud.
struct Context {
  std::string name;
  std::string cloud;
  std::string tenant, client, secret;
  std::string subscription, subscription_name;
};

struct Accounts {
  std::vector<Cloud> clouds;
  std::vector<Context> contexts;
  std::string current_cloud, current_context;

  const Cloud* cloud(std::string_view name) const;
  const Context* context(std::string_view name) const;
  // By id or name, the current context's first; nullptr if there is none.
  const Context* subscription(std::string_view id_or_name) const;

  // Adds or replaces by name, and makes it the current one.
  void put(Cloud cloud);
  void put(Context context);
  // Removes the context; another of the same cloud becomes current. kNotFound with a near name.
  Status remove_context(std::string_view name);
  // Removes the cloud and its contexts. kNotFound with a near name.
  Status remove_cloud(std::string_view name);
  // kNotFound with a near name. A cloud brings one of its contexts with it, a context its cloud.
  Status use_cloud(std::string_view name);
  Status use_context(std::string_view name);

  // The current context's login, or that of a subscription. kUnauthenticated where there is none.
  Result<Login> login(std::string_view subscription = {}) const;
};

// At most 4 MiB of JSON; kMalformed, naming the member, for another form.
Result<Accounts> accounts_from_json(std::string_view text);
std::string to_json(const Accounts& accounts);

// No file: no accounts. The file is 0600 in a folder of 0700.
Result<Accounts> read_accounts();
Status write_accounts(const Accounts& accounts);

// The folder of config.json.
Result<std::string> config_folder();

}  // namespace slipway::cli
