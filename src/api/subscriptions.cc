#include <fmt/format.h>

#include "api/arm_error.h"
#include "api/arm_resource.h"
#include "api/handlers.h"
#include "fleet/rules.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

json::object subscription_resource(const Call& call) {
  return json::object{{"id", call.subscription_path()},
                      {"subscriptionId", call.options.subscription},
                      {"tenantId", call.options.tenant},
                      {"displayName", "Slipway"},
                      {"state", "Enabled"},
                      {"subscriptionPolicies", json::object{{"spendingLimit", "Off"}}},
                      {"authorizationSource", "RoleBased"},
                      {"managedByTenants", json::array{}}};
}

json::object group_resource(const Call& call, const fleet::ResourceGroup& group) {
  return json::object{{"id", fmt::format("{}/resourceGroups/{}", call.subscription_path(), group.name)},
                      {"name", group.name},
                      {"type", "Microsoft.Resources/resourceGroups"},
                      {"location", group.location},
                      {"tags", kept_body(group.tags)},
                      {"properties", json::object{{"provisioningState", "Succeeded"}}}};
}

}  // namespace

Result<http::Response> list_subscriptions(Call& call) {
  return list_response(json::array{subscription_resource(call)});
}

Result<http::Response> get_subscription(Call& call) { return json_response(200, subscription_resource(call)); }

Result<http::Response> list_groups(Call& call) {
  SLIPWAY_ASSIGN(const auto documents, call.store.list(fleet::resource_group_key(call.options.subscription, "")));
  json::array items;
  for (const store::Document& document : documents) {
    SLIPWAY_ASSIGN(const fleet::ResourceGroup group, fleet::resource_group_from_json(document.value));
    items.emplace_back(group_resource(call, group));
  }
  return list_response(std::move(items));
}

Result<http::Response> get_group(Call& call) {
  SLIPWAY_ASSIGN(const auto group, find_group(call));
  return json_response(200, group_resource(call, group.record));
}

Result<http::Response> head_group(Call& call) {
  const auto group = find_group(call);
  if (!group && group.error().code != ErrorCode::kNotFound) return fail(group.error());
  http::Response response;
  response.status = group ? 204 : 404;
  return response;
}

Result<http::Response> put_group(Call& call) {
  const std::string& name = call.parameter("group");
  if (const auto errors = fleet::judge_resource_group_name(name); !errors.empty()) return error_response(errors);
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  Properties properties(body, "");
  fleet::ResourceGroup group{call.options.subscription, name, properties.text("location"),
                             json::serialize(properties.object("tags"))};
  SLIPWAY_TRY(properties.status());
  if (group.location.empty()) {
    return fail(ErrorCode::kInvalidArgument, "The property 'location' is required: any name will do.",
                "LocationRequired", "location");
  }
  const std::string key = fleet::resource_group_key(group.subscription, name);
  const auto existing = call.store.get(key);
  if (!existing && existing.error().code != ErrorCode::kNotFound) return fail(existing.error());
  if (existing) {
    SLIPWAY_ASSIGN(const fleet::ResourceGroup before, fleet::resource_group_from_json(existing->value));
    if (!equal_without_case(before.location, group.location)) {
      return fail(
          ErrorCode::kConflict,
          fmt::format("Resource group '{}' exists already in location '{}'; it cannot be made in '{}'. Leave its "
                      "location as it is, or choose another name.",
                      before.name, before.location, group.location),
          "InvalidResourceGroupLocation", "location");
    }
    group.name = before.name;
  }
  SLIPWAY_TRY(call.store.commit({{{key, existing ? existing->revision : 0}}, {{key, fleet::to_json(group)}}, {}}));
  return json_response(existing ? 200 : 201, group_resource(call, group));
}

Result<http::Response> delete_group(Call& call) {
  SLIPWAY_ASSIGN(const auto group, find_group(call));
  const std::string prefix = fleet::cluster_name_key(call.options.subscription, group.record.name, "");
  SLIPWAY_ASSIGN(const auto clusters, call.store.list(prefix));
  if (!clusters.empty()) {
    return fail(ErrorCode::kConflict,
                fmt::format("Resource group '{}' has {} cluster(s): delete them first, with `slipway aks delete`.",
                            group.record.name, clusters.size()),
                "ResourceGroupNotEmpty");
  }
  const std::string key = fleet::resource_group_key(call.options.subscription, group.record.name);
  SLIPWAY_TRY(call.store.commit({{{key, group.revision}}, {}, {key}}));
  return http::Response{};
}

}  // namespace slipway::api
