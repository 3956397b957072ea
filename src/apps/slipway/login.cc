#include "apps/slipway/login.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "apps/slipway/accounts.h"
#include "apps/slipway/files.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

Result<std::string> text_member(const json::object& object, std::string_view name, const std::string& path) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr || !found->is_string() || found->get_string().empty())
    return fail(ErrorCode::kMalformed, fmt::format("{} has no \"{}\"; give the admin.json that slipwayd wrote at its "
                                                   "first start into its state folder",
                                                   path, name));
  return std::string(found->get_string());
}

}  // namespace

Result<Login> read_login(const std::string& path) {
  SLIPWAY_ASSIGN(const std::string text, read_file(path));
  json::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return fail(ErrorCode::kMalformed, path + " is not a JSON object");
  const json::object& object = value.get_object();
  Login login;
  SLIPWAY_ASSIGN(login.endpoint, text_member(object, "endpoint", path));
  SLIPWAY_ASSIGN(login.tenant, text_member(object, "tenantId", path));
  SLIPWAY_ASSIGN(login.subscription, text_member(object, "subscriptionId", path));
  SLIPWAY_ASSIGN(login.client, text_member(object, "clientId", path));
  SLIPWAY_ASSIGN(login.secret, text_member(object, "clientSecret", path));
  while (login.endpoint.ends_with('/')) login.endpoint.pop_back();
  if (!login.endpoint.starts_with("https://"))
    return fail(ErrorCode::kMalformed,
                fmt::format("{}: the endpoint is \"{}\", not an https:// address", path, login.endpoint));
  if (object.contains("certificateAuthority")) {
    SLIPWAY_ASSIGN(login.authority, text_member(object, "certificateAuthority", path));
    return login;
  }
  const std::string beside = (std::filesystem::path(path).parent_path() / "ca.pem").string();
  auto authority = read_file(beside);
  if (!authority)
    return fail(authority.error().code, fmt::format("{}; the server's authority, ca.pem, must stand beside {}",
                                                    authority.error().message, path));
  login.authority = std::move(*authority);
  return login;
}

Result<Login> current_login(std::string_view subscription) {
  if (const char* admin = std::getenv("SLIPWAY_ADMIN"); admin != nullptr && *admin != '\0') {
    SLIPWAY_ASSIGN(Login login, read_login(admin));
    if (!subscription.empty() && subscription != login.subscription)
      return fail(ErrorCode::kNotFound, fmt::format("SLIPWAY_ADMIN names {}, whose subscription is {} and not '{}'",
                                                    admin, login.subscription, subscription));
    return login;
  }
  SLIPWAY_ASSIGN(const Accounts accounts, read_accounts());
  return accounts.login(subscription);
}

}  // namespace slipway::cli
