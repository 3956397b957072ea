#include "apps/slipway/accounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>

#include "apps/slipway/files.h"
#include "base/near_name.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

template <typename Named>
const Named* find(const std::vector<Named>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [name](const Named& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

template <typename Named>
tl::unexpected<Error> missing(const char* kind, const std::vector<Named>& all, std::string_view name) {
  std::vector<std::string> names;
  for (const Named& one : all) names.push_back(one.name);
  return fail(ErrorCode::kNotFound, fmt::format("There is no {} '{}'; \"slipway {} list\" shows all there are.{}", kind,
                                                name, kind, did_you_mean(near_name(name, names))));
}

template <typename Named>
void put_named(std::vector<Named>& all, Named one) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& other) { return other.name == one.name; });
  if (found == all.end())
    all.push_back(std::move(one));
  else
    *found = std::move(one);
}

// The texts that an object must have, one after the other.
class Members {
 public:
  Members(const json::value& value, const char* what) : what_(what) {
    if (value.is_object())
      object_ = &value.get_object();
    else
      error_ = fmt::format("one of \"{}\" is not an object", what);
  }
  std::string text(std::string_view name) {
    const json::value* found = object_ == nullptr ? nullptr : object_->if_contains(name);
    if (found != nullptr && found->is_string()) return std::string(found->get_string());
    if (error_.empty()) error_ = fmt::format("one of \"{}\" has no text \"{}\"", what_, name);
    return {};
  }
  const std::string& error() const { return error_; }

 private:
  const char* what_;
  const json::object* object_ = nullptr;
  std::string error_;
};

constexpr const char* kLogInAgain = "; move it away and log in again";

const json::array* array_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_array() ? &found->get_array() : nullptr;
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace

const Cloud* Accounts::cloud(std::string_view name) const { return find(clouds, name); }
const Context* Accounts::context(std::string_view name) const { return find(contexts, name); }

const Context* Accounts::subscription(std::string_view id_or_name) const {
  const auto has = [id_or_name](const Context& one) {
    return one.subscription == id_or_name || one.subscription_name == id_or_name;
  };
  if (const Context* current = context(current_context); current != nullptr && has(*current)) return current;
  const auto found = std::find_if(contexts.begin(), contexts.end(), has);
  return found == contexts.end() ? nullptr : &*found;
}

void Accounts::put(Cloud cloud) {
  const std::string name = cloud.name;
  put_named(clouds, std::move(cloud));
  static_cast<void>(use_cloud(name));
}

void Accounts::put(Context context) {
  const std::string name = context.name;
  put_named(contexts, std::move(context));
  static_cast<void>(use_context(name));
}

Status Accounts::remove_context(std::string_view name) {
  if (context(name) == nullptr) return missing("context", contexts, name);
  const std::string gone(name);
  std::erase_if(contexts, [&](const Context& one) { return one.name == gone; });
  if (current_context == gone) {
    current_context.clear();
    if (cloud(current_cloud) != nullptr) return use_cloud(std::string(current_cloud));
  }
  return {};
}

Status Accounts::remove_cloud(std::string_view name) {
  if (cloud(name) == nullptr) return missing("cloud", clouds, name);
  const std::string gone(name);
  std::erase_if(clouds, [&](const Cloud& one) { return one.name == gone; });
  std::erase_if(contexts, [&](const Context& one) { return one.cloud == gone; });
  if (current_cloud != gone) return {};
  current_cloud.clear();
  current_context.clear();
  return clouds.empty() ? Status() : use_cloud(std::string(clouds.front().name));
}

Status Accounts::use_cloud(std::string_view name) {
  if (cloud(name) == nullptr) return missing("cloud", clouds, name);
  current_cloud = name;
  if (const Context* current = context(current_context); current != nullptr && current->cloud == current_cloud)
    return {};
  const auto of_cloud =
      std::find_if(contexts.begin(), contexts.end(), [this](const Context& one) { return one.cloud == current_cloud; });
  current_context = of_cloud == contexts.end() ? std::string() : of_cloud->name;
  return {};
}

Status Accounts::use_context(std::string_view name) {
  const Context* found = context(name);
  if (found == nullptr) return missing("context", contexts, name);
  current_cloud = found->cloud;
  current_context = found->name;
  return {};
}

Result<Login> Accounts::login(std::string_view wanted) const {
  const Context* chosen = wanted.empty() ? context(current_context) : subscription(wanted);
  if (chosen == nullptr && !wanted.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("You are not logged in to a subscription '{}'; \"slipway account list\" shows those that "
                            "you are.",
                            wanted));
  const Cloud* where = chosen == nullptr ? nullptr : cloud(chosen->cloud);
  if (where == nullptr)
    return fail(ErrorCode::kUnauthenticated,
                "you are not logged in; run: slipway login --admin FILE (FILE is the admin.json in slipwayd's state "
                "folder), or slipway login --service-principal, whose --help has examples");
  return Login{where->endpoint, chosen->tenant, chosen->subscription, chosen->client, chosen->secret, where->authority};
}

Result<Accounts> accounts_from_json(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object())
    return fail(ErrorCode::kMalformed, std::string("it is not a JSON object") + kLogInAgain);
  const json::object& object = value.get_object();
  const json::array* clouds = array_of(object, "clouds");
  const json::array* contexts = array_of(object, "contexts");
  if (clouds == nullptr || contexts == nullptr)
    return fail(ErrorCode::kMalformed, std::string("it has no arrays \"clouds\" and \"contexts\"") + kLogInAgain);
  Accounts accounts;
  std::string wrong;
  for (const json::value& element : *clouds) {
    Members members(element, "clouds");
    accounts.clouds.push_back({members.text("name"), members.text("endpoint"), members.text("certificateAuthority")});
    if (wrong.empty()) wrong = members.error();
  }
  for (const json::value& element : *contexts) {
    Members members(element, "contexts");
    accounts.contexts.push_back({members.text("name"), members.text("cloud"), members.text("tenantId"),
                                 members.text("clientId"), members.text("clientSecret"), members.text("subscriptionId"),
                                 members.text("subscriptionName")});
    if (wrong.empty()) wrong = members.error();
  }
  if (!wrong.empty()) return fail(ErrorCode::kMalformed, wrong + kLogInAgain);
  accounts.current_cloud = text_of(object, "currentCloud");
  accounts.current_context = text_of(object, "currentContext");
  return accounts;
}

std::string to_json(const Accounts& accounts) {
  json::array clouds, contexts;
  for (const Cloud& one : accounts.clouds)
    clouds.push_back(
        json::object{{"name", one.name}, {"endpoint", one.endpoint}, {"certificateAuthority", one.authority}});
  for (const Context& one : accounts.contexts)
    contexts.push_back(json::object{{"name", one.name},
                                    {"cloud", one.cloud},
                                    {"tenantId", one.tenant},
                                    {"clientId", one.client},
                                    {"clientSecret", one.secret},
                                    {"subscriptionId", one.subscription},
                                    {"subscriptionName", one.subscription_name}});
  return json::serialize(json::object{{"clouds", std::move(clouds)},
                                      {"contexts", std::move(contexts)},
                                      {"currentCloud", accounts.current_cloud},
                                      {"currentContext", accounts.current_context}});
}

Result<std::string> config_folder() {
  if (const char* folder = std::getenv("SLIPWAY_CONFIG_DIR"); folder != nullptr && *folder != '\0')
    return std::string(folder);
  SLIPWAY_ASSIGN(const std::string home, home_folder());
  return home + "/.slipway";
}

Result<Accounts> read_accounts() {
  SLIPWAY_ASSIGN(const std::string folder, config_folder());
  const std::string path = folder + "/config.json";
  const auto text = read_file(path);
  if (!text && text.error().code == ErrorCode::kNotFound) return Accounts{};
  if (!text) return fail(text.error());
  auto accounts = accounts_from_json(*text);
  if (!accounts) return fail(ErrorCode::kMalformed, fmt::format("{}: {}", path, accounts.error().message));
  return accounts;
}

Status write_accounts(const Accounts& accounts) {
  SLIPWAY_ASSIGN(const std::string folder, config_folder());
  return write_private_file(folder + "/config.json", to_json(accounts));
}

}  // namespace slipway::cli
