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

std::string group_id(const Call& call, const fleet::ResourceGroup& group) {
  return fmt::format("{}/resourceGroups/{}", call.subscription_path(), group.name);
}

json::object group_resource(const Call& call, const fleet::ResourceGroup& group, bool is_going = false) {
  return json::object{{"id", group_id(call, group)},
                      {"name", group.name},
                      {"type", "Microsoft.Resources/resourceGroups"},
                      {"location", group.location},
                      {"tags", kept_body(group.tags)},
                      {"properties", json::object{{"provisioningState", is_going ? "Deleting" : "Succeeded"}}}};
}

// What a group has, and what clients send back of what they read.
Status check_group_properties(const json::object& body) {
  return allow_only(body, {"location", "tags", "id", "name", "type", "properties"},
                    "A resource group has no property '{}' here: leave it out.");
}

Status check_stays(Call& call, const fleet::ResourceGroup& group) {
  SLIPWAY_ASSIGN(const bool is_going, is_being_deleted(call, group));
  if (!is_going) return {};
  return fail(
      ErrorCode::kConflict,
      fmt::format("The resource group '{}' is being deleted: wait until it is gone, and make it anew.", group.name),
      "ResourceGroupBeingDeleted");
}

// 202 until the last cluster is gone.
http::Response going(const Call& call, const fleet::ResourceGroup& group) {
  const auto version = call.request.query.find("api-version");
  http::Response response;
  response.status = 202;
  response.headers["Retry-After"] = "1";
  response.headers["Location"] =
      fmt::format("{}{}/operationresults/{}?api-version={}", call.request.base_url, call.subscription_path(),
                  percent_encoded(group.name), version == call.request.query.end() ? "2024-11-01" : version->second);
  return response;
}

}  // namespace

Result<http::Response> list_subscriptions(Call& call) {
  json::array items;
  if (knows(call.principal, call.subscription_path())) items.emplace_back(subscription_resource(call));
  return list_response(std::move(items));
}

Result<http::Response> get_subscription(Call& call) {
  if (!knows(call.principal, call.subscription_path())) {
    SLIPWAY_TRY(authorize(call.principal, Deed::kRead, call.subscription_path(), action_of(call.request)));
  }
  return json_response(200, subscription_resource(call));
}

Result<http::Response> list_groups(Call& call) {
  SLIPWAY_ASSIGN(const auto documents, call.store.list(fleet::resource_group_key(call.options.subscription, "")));
  std::vector<std::pair<std::string, json::object>> items;
  for (const store::Document& document : documents) {
    SLIPWAY_ASSIGN(const fleet::ResourceGroup listed, fleet::resource_group_from_json(document.value));
    call.parameters["group"] = listed.name;
    const auto group = find_group(call);
    if (!group && group.error().code == ErrorCode::kNotFound) continue;
    if (!group) return fail(group.error());
    if (!may(call.principal, Deed::kRead, group_id(call, group->record))) continue;
    SLIPWAY_ASSIGN(const bool is_going, is_being_deleted(call, group->record));
    items.emplace_back(document.key, group_resource(call, group->record, is_going));
  }
  return paged_response(call, std::move(items));
}

Result<http::Response> get_group(Call& call) {
  SLIPWAY_ASSIGN(const auto group, find_group(call));
  SLIPWAY_ASSIGN(const bool is_going, is_being_deleted(call, group.record));
  return json_response(200, group_resource(call, group.record, is_going));
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
  if (const auto errors = fleet::judge_resource_group_name(name, call.options.rules); !errors.empty()) {
    return error_response(errors);
  }
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  SLIPWAY_TRY(check_group_properties(body));
  Properties properties(body, "");
  fleet::ResourceGroup group{call.options.subscription, name, properties.text("location"),
                             json::serialize(properties.object("tags"))};
  SLIPWAY_TRY(properties.status());
  if (const auto errors = fleet::judge_location(group.location); !errors.empty()) return error_response(errors);
  const auto existing = find_group(call);
  if (!existing && existing.error().code != ErrorCode::kNotFound) return fail(existing.error());
  const std::string key = fleet::resource_group_key(group.subscription, name);
  store::Transaction transaction{{{key, existing ? existing->revision : 0}}, {}, {}};
  if (existing) {
    SLIPWAY_TRY(check_stays(call, existing->record));
    if (!equal_without_case(existing->record.location, group.location)) {
      return fail(
          ErrorCode::kConflict,
          fmt::format("Resource group '{}' exists already in location '{}'; it cannot be made in '{}'. Leave its "
                      "location as it is, or choose another name.",
                      existing->record.name, existing->record.location, group.location),
          "InvalidResourceGroupLocation", "location");
    }
    group.name = existing->record.name;
    // A PUT without tags leaves them as they are, as with clusters.
    if (!properties.has("tags")) group.tags = existing->record.tags;
  } else {
    SLIPWAY_TRY(forget_roles_below(call, group_id(call, group), transaction));
  }
  transaction.puts.push_back({key, fleet::to_json(group)});
  SLIPWAY_TRY(call.store.commit(transaction));
  return json_response(existing ? 200 : 201, group_resource(call, group));
}

// Tags alone.
Result<http::Response> patch_group(Call& call) {
  SLIPWAY_ASSIGN(auto group, find_group(call));
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  SLIPWAY_TRY(check_group_properties(body));
  SLIPWAY_TRY(check_stays(call, group.record));
  Properties properties(body, "");
  if (properties.has("tags")) group.record.tags = json::serialize(properties.object("tags"));
  SLIPWAY_TRY(properties.status());
  const std::string key = fleet::resource_group_key(call.options.subscription, group.record.name);
  SLIPWAY_TRY(call.store.commit({{{key, group.revision}}, {{key, fleet::to_json(group.record)}}, {}}));
  return json_response(200, group_resource(call, group.record));
}

Result<http::Response> delete_group(Call& call) {
  SLIPWAY_ASSIGN(const auto group, find_group(call));
  SLIPWAY_ASSIGN(const bool is_going, is_being_deleted(call, group.record));
  const std::string key = fleet::resource_group_key(call.options.subscription, group.record.name);
  const std::string prefix = fleet::cluster_name_key(call.options.subscription, group.record.name, "");
  SLIPWAY_ASSIGN(const auto names, call.store.list(prefix));
  if (names.empty() && !is_going) {
    SLIPWAY_TRY(call.store.commit({{{key, group.revision}}, {}, {key}}));
    return http::Response{};
  }
  store::Transaction transaction;
  transaction.conditions = {{key, group.revision}};
  transaction.puts = {{key, fleet::to_json(group.record)},
                      {group_deletion_key(call.options.subscription, group.record.name), to_rfc3339(call.now)}};
  std::vector<std::string> ids;
  for (const store::Document& name : names) {
    SLIPWAY_ASSIGN(const auto document, call.store.get(fleet::cluster_key(name.value)));
    SLIPWAY_ASSIGN(fleet::Cluster record, fleet::cluster_from_json(document.value));
    Stored<fleet::Cluster> cluster{std::move(record), document.revision};
    if (cluster.record.deletion_requested) continue;
    SLIPWAY_TRY(request_deletion(call, cluster, transaction));
    ids.push_back(cluster.record.id);
  }
  // Asked again while they go.
  if (is_going && ids.empty()) return going(call, group.record);
  SLIPWAY_TRY(call.store.commit(transaction));
  for (const std::string& id : ids) {
    if (call.options.on_change) call.options.on_change(id);
  }
  return going(call, group.record);
}

Result<http::Response> get_group_deletion(Call& call) {
  const std::string path = fmt::format("{}/resourceGroups/{}", call.subscription_path(), call.parameter("group"));
  SLIPWAY_TRY(authorize(call.principal, Deed::kRead, path, action_of(call.request)));
  const auto group = find_group(call);
  if (!group && group.error().code != ErrorCode::kNotFound) return fail(group.error());
  if (!group) return http::Response{};
  SLIPWAY_ASSIGN(const bool is_going, is_being_deleted(call, group->record));
  return is_going ? going(call, group->record) : http::Response{};
}

}  // namespace slipway::api
