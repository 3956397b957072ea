#include <fmt/format.h>

#include "api/arm_error.h"
#include "api/arm_resource.h"
#include "api/handlers.h"

namespace slipway::api {
namespace {

namespace json = boost::json;
using fleet::ProvisioningState;

// A PUT's body, taken apart.
struct WantedCluster {
  json::object resource;  // what is kept: without pools, secrets and what only the server says
  std::string location, kubernetes_version;
  std::vector<std::pair<fleet::PoolRequest, json::object>> pools;
};

Result<WantedCluster> read_body(Call& call) {
  WantedCluster wanted;
  SLIPWAY_ASSIGN(wanted.resource, parse_body(call.request.body));
  Properties resource(wanted.resource, "");
  wanted.location = resource.text("location");
  Properties properties(resource.object("properties"), "properties");
  wanted.kubernetes_version = properties.text("kubernetesVersion");
  for (const json::value& value : properties.array("agentPoolProfiles")) {
    if (!value.is_object()) {
      return fail(ErrorCode::kInvalidArgument, "Each of 'properties.agentPoolProfiles' must be an object.",
                  "InvalidParameter", "properties.agentPoolProfiles");
    }
    Properties profile(value.get_object(), "agentPoolProfile");
    const std::string name = profile.text("name");
    SLIPWAY_TRY(profile.status());
    SLIPWAY_ASSIGN(fleet::PoolRequest pool, pool_request_from(name, value.get_object(), "System"));
    json::object kept = value.get_object();
    kept.erase("name");
    wanted.pools.emplace_back(std::move(pool), std::move(kept));
  }
  static_cast<void>(resource.object("tags"));
  static_cast<void>(resource.object("identity"));
  SLIPWAY_TRY(resource.status());
  SLIPWAY_TRY(properties.status());
  json::value& kept = wanted.resource["properties"];
  if (!kept.is_object()) kept = json::object{};
  kept.get_object().erase("agentPoolProfiles");
  drop_secrets(kept.get_object());
  return wanted;
}

// "" is the newest; "1.20" the newest patch of that minor version. Empty: this host runs no such version.
std::string resolve_version(const std::vector<std::string>& versions, const std::string& wanted) {
  std::string found;
  for (const std::string& version : versions) {
    if (wanted.empty() || version == wanted || version.rfind(wanted + ".", 0) == 0) found = version;
  }
  return found;
}

std::vector<Error> judge_new_cluster(Call& call, const WantedCluster& wanted, const std::string& version,
                                     const FeatureState& feature) {
  std::vector<Error> errors = fleet::judge_cluster_name(call.parameter("cluster"), call.options.rules);
  const auto add = [&errors](std::vector<Error> more) {
    errors.insert(errors.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  add(fleet::judge_location(wanted.location));
  if (version.empty()) {
    add({{ErrorCode::kInvalidArgument,
          fmt::format("Kubernetes '{}' is not there: this host runs {}.", wanted.kubernetes_version,
                      fmt::join(call.options.kubernetes_versions, ", ")),
          "K8sVersionNotSupported", "properties.kubernetesVersion"}});
  }
  std::vector<fleet::PoolRequest> pools;
  for (const auto& [pool, properties] : wanted.pools) pools.push_back(pool);
  add(fleet::judge_pools_together(pools, call.options.rules));
  int nodes = 0;
  for (const auto& [pool, properties] : wanted.pools) {
    fleet::Circumstances circumstances;
    circumstances.kubernetes_version = version;
    circumstances.feature_effective = feature.effective;
    circumstances.feature_registered = feature.registered;
    circumstances.other_nodes_in_cluster = nodes;
    if (const auto asked = call.request.query.find("api-version"); asked != call.request.query.end()) {
      circumstances.api_version = asked->second;
    }
    add(fleet::judge_pool(pool, circumstances, call.options.rules, call.options.sizes));
    add(unsupported_pool_properties(properties));
    nodes += std::max(0, std::min(pool.count, call.options.rules.maximum_nodes_per_pool));
  }
  const json::value& properties = wanted.resource.at("properties");
  add(unsupported_cluster_properties(properties.get_object()));
  return errors;
}

http::Response cluster_answer(const Call& call, int status, const Stored<fleet::Cluster>& cluster,
                              const std::vector<Stored<fleet::Pool>>& pools, const fleet::Operation& operation) {
  http::Response response = json_response(status, cluster_resource(call, cluster, pools));
  add_operation_headers(call, operation, false, response);
  return response;
}

Result<http::Response> create_cluster(Call& call, const Stored<fleet::ResourceGroup>& group, WantedCluster wanted) {
  SLIPWAY_ASSIGN(const FeatureState feature, trusted_launch_feature(call));
  const std::string version = resolve_version(call.options.kubernetes_versions, wanted.kubernetes_version);
  if (const auto errors = judge_new_cluster(call, wanted, version, feature); !errors.empty()) {
    return error_response(errors);
  }
  Stored<fleet::Cluster> cluster;
  fleet::Cluster& record = cluster.record;
  record.id = "c" + to_hex(call.random.bytes(4));
  record.subscription = call.options.subscription;
  record.resource_group = group.record.name;
  record.name = call.parameter("cluster");
  record.location = wanted.location;
  record.kubernetes_version = version;
  record.body = json::serialize(wanted.resource);
  record.created = call.now;
  const fleet::Operation operation = make_operation(call, "CreateCluster", record, "", cluster_resource_id(record));
  record.operation = operation.id;

  const std::string group_key = fleet::resource_group_key(record.subscription, record.resource_group);
  const std::string name_key = fleet::cluster_name_key(record.subscription, record.resource_group, record.name);
  store::Transaction transaction;
  transaction.conditions = {{group_key, group.revision},
                            {group_deletion_key(record.subscription, record.resource_group), 0},
                            {name_key, 0},
                            {fleet::cluster_key(record.id), 0}};
  SLIPWAY_TRY(forget_roles_below(call, cluster_resource_id(record), transaction));
  // The group is written again, so that whoever deletes it meanwhile learns of this cluster.
  transaction.puts = {{group_key, fleet::to_json(group.record)},
                      {name_key, record.id},
                      {fleet::cluster_key(record.id), fleet::to_json(record)},
                      {fleet::operation_key(operation.id), fleet::to_json(operation)}};
  std::vector<Stored<fleet::Pool>> pools;
  for (const auto& [request, properties] : wanted.pools) {
    SLIPWAY_ASSIGN(fleet::Pool pool, make_pool(call, record.id, request, properties, feature));
    transaction.puts.push_back({fleet::pool_key(record.id, pool.name), fleet::to_json(pool)});
    pools.push_back({std::move(pool), 0});
  }
  SLIPWAY_ASSIGN(const std::int64_t revision, call.store.commit(transaction));
  cluster.revision = revision;
  for (Stored<fleet::Pool>& pool : pools) pool.revision = revision;
  if (call.options.on_change) call.options.on_change(record.id);
  return cluster_answer(call, 201, cluster, pools, operation);
}

tl::unexpected<Error> unchangeable(std::string target, std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "PropertyChangeNotAllowed", std::move(target));
}

// What a PUT may not change. Pools are changed by requests of their own; one that is named must be as it is.
Status check_changes(const Call& call, const WantedCluster& wanted, const fleet::Cluster& cluster,
                     const std::vector<Stored<fleet::Pool>>& pools) {
  if (!wanted.location.empty() && !equal_without_case(wanted.location, cluster.location)) {
    return unchangeable("location", fmt::format("The location of cluster '{}' is '{}' and cannot be changed.",
                                                cluster.name, cluster.location));
  }
  if (!wanted.kubernetes_version.empty() &&
      resolve_version(call.options.kubernetes_versions, wanted.kubernetes_version) != cluster.kubernetes_version) {
    return unchangeable("properties.kubernetesVersion",
                        fmt::format("The cluster '{}' runs Kubernetes {}; to change it is not supported: make a new "
                                    "cluster.",
                                    cluster.name, cluster.kubernetes_version));
  }
  for (const auto& [request, properties] : wanted.pools) {
    const auto pool = std::find_if(pools.begin(), pools.end(),
                                   [&name = request.name](const auto& stored) { return stored.record.name == name; });
    const bool has_count = properties.contains("count");
    const bool has_security = properties.contains("securityProfile");
    const bool is_same =
        pool != pools.end() && (!has_count || request.count == pool->record.count) &&
        (!has_security || (request.vtpm == pool->record.vtpm && request.secure_boot == pool->record.secure_boot));
    if (is_same) continue;
    return unchangeable("properties.agentPoolProfiles",
                        fmt::format("The node pool '{}' is not as the request has it: make and change node pools with "
                                    "`slipway aks nodepool`.",
                                    request.name));
  }
  return {};
}

// The same request again while its operation runs, as clients send it after a lost answer.
bool is_repetition(const WantedCluster& wanted, const fleet::Cluster& cluster) {
  return cluster.body == json::serialize(wanted.resource);
}

Result<http::Response> update_cluster(Call& call, Stored<fleet::Cluster> cluster, WantedCluster wanted) {
  fleet::Cluster& record = cluster.record;
  SLIPWAY_ASSIGN(auto pools, pools_of(call, record));
  const bool is_busy = !record.operation.empty() || record.deletion_requested;
  if (is_busy) {
    if (!record.deletion_requested && is_repetition(wanted, record) && check_changes(call, wanted, record, pools)) {
      SLIPWAY_ASSIGN(const auto document, call.store.get(fleet::operation_key(record.operation)));
      SLIPWAY_ASSIGN(const auto operation, fleet::operation_from_json(document.value));
      return cluster_answer(call, 200, cluster, pools, operation);
    }
    return fail(ErrorCode::kConflict,
                fmt::format("Operation is not allowed because there's an in progress operation on cluster '{}', which "
                            "is {}: try again when it has ended.",
                            record.name, fleet::to_string(record.state)),
                "OperationNotAllowed");
  }
  SLIPWAY_TRY(check_changes(call, wanted, record, pools));
  const json::object before = kept_body(record.body);
  const json::value* const old_properties = before.if_contains("properties");
  const json::object empty;
  json::object merged = merge_properties(before, wanted.resource);
  merged["properties"] = merge_properties(old_properties ? old_properties->get_object() : empty,
                                          wanted.resource.at("properties").get_object());
  if (const auto errors = unsupported_cluster_properties(merged.at("properties").get_object()); !errors.empty()) {
    return error_response(errors);
  }
  const fleet::Operation operation = make_operation(call, "CreateCluster", record, "", cluster_resource_id(record));
  record.body = json::serialize(merged);
  record.state = ProvisioningState::kUpdating;
  record.error.clear();
  record.operation = operation.id;
  store::Transaction transaction;
  transaction.conditions = {{fleet::cluster_key(record.id), cluster.revision}};
  transaction.puts = {{fleet::cluster_key(record.id), fleet::to_json(record)},
                      {fleet::operation_key(operation.id), fleet::to_json(operation)}};
  SLIPWAY_ASSIGN(cluster.revision, call.store.commit(transaction));
  if (call.options.on_change) call.options.on_change(record.id);
  return cluster_answer(call, 200, cluster, pools, operation);
}

}  // namespace

Result<http::Response> put_cluster(Call& call) {
  SLIPWAY_ASSIGN(const auto group, find_group(call));
  SLIPWAY_ASSIGN(WantedCluster wanted, read_body(call));
  SLIPWAY_ASSIGN(const bool group_goes, is_being_deleted(call, group.record));
  if (group_goes) {
    return fail(ErrorCode::kConflict,
                fmt::format("The resource group '{}' is being deleted: wait until it is gone, and make it anew.",
                            group.record.name),
                "ResourceGroupBeingDeleted");
  }
  auto existing = find_cluster(call);
  if (!existing && existing.error().reason != "ResourceNotFound") return fail(existing.error());
  SLIPWAY_TRY(check_entity_tags(call.request, existing ? existing->revision : 0));
  if (!existing) return create_cluster(call, group, std::move(wanted));
  return update_cluster(call, std::move(*existing), std::move(wanted));
}

// Tags alone, as the service has it; done at once.
Result<http::Response> patch_cluster(Call& call) {
  SLIPWAY_ASSIGN(auto cluster, find_cluster(call));
  SLIPWAY_TRY(check_entity_tags(call.request, cluster.revision));
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  SLIPWAY_TRY(allow_only(body, {"tags"}, "A PATCH of a cluster changes its tags alone: use PUT for '{}'."));
  Properties properties(body, "");
  json::object kept = kept_body(cluster.record.body);
  if (properties.has("tags")) kept["tags"] = properties.object("tags");
  SLIPWAY_TRY(properties.status());
  cluster.record.body = json::serialize(kept);
  const std::string key = fleet::cluster_key(cluster.record.id);
  SLIPWAY_ASSIGN(cluster.revision,
                 call.store.commit({{{key, cluster.revision}}, {{key, fleet::to_json(cluster.record)}}, {}}));
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  return json_response(200, cluster_resource(call, cluster, pools));
}

}  // namespace slipway::api
