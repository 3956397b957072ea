#include <fmt/format.h>

#include "api/arm_resource.h"
#include "api/handlers.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

// The clusters of the subscription that the client may read; of one group, if it is named.
Result<http::Response> list_matching(Call& call, const std::string& group) {
  SLIPWAY_ASSIGN(const auto documents, call.store.list(fleet::cluster_key("")));
  std::vector<std::pair<std::string, json::object>> items;
  for (const store::Document& document : documents) {
    SLIPWAY_ASSIGN(fleet::Cluster record, fleet::cluster_from_json(document.value));
    if (!group.empty() && !equal_without_case(record.resource_group, group)) continue;
    if (!may(call.principal, Deed::kRead, cluster_resource_id(record))) continue;
    const Stored<fleet::Cluster> cluster{std::move(record), document.revision};
    SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
    items.emplace_back(document.key, cluster_resource(call, cluster, pools));
  }
  return paged_response(call, std::move(items));
}

Result<http::Response> credential(Call& call, kube::Credential kind, std::string_view name) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  if (cluster.record.api_server.empty() || cluster.record.deletion_requested) {
    return fail(ErrorCode::kConflict,
                fmt::format("The cluster '{}' is {} and has no credentials {}.", cluster.record.name,
                            fleet::to_string(cluster.record.state),
                            cluster.record.deletion_requested ? "any more" : "yet: try again when it is made"),
                "OperationNotAllowed");
  }
  SLIPWAY_ASSIGN(const std::string kubeconfig,
                 call.kubernetes.kubeconfig(cluster.record.id, kind, cluster.record.resource_group, cluster.record.name,
                                            call.now));
  json::array configs;
  configs.emplace_back(json::object{{"name", name}, {"value", to_base64(as_bytes(kubeconfig))}});
  http::Response response = json_response(200, json::object{{"kubeconfigs", std::move(configs)}});
  response.headers["Cache-Control"] = "no-store";
  return response;
}

http::Response accepted(const Call& call, const fleet::Operation& operation) {
  http::Response response;
  response.status = 202;
  add_operation_headers(call, operation, true, response);
  return response;
}

}  // namespace

Result<http::Response> list_clusters(Call& call) { return list_matching(call, ""); }

Result<http::Response> list_clusters_in_group(Call& call) {
  if (!knows(call.principal, fmt::format("{}/resourceGroups/{}", call.subscription_path(), call.parameter("group")))) {
    return fail(group_not_found(call));
  }
  SLIPWAY_ASSIGN(const auto group, find_group(call));
  return list_matching(call, group.record.name);
}

Result<http::Response> get_cluster(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  http::Response response = json_response(200, cluster_resource(call, cluster, pools));
  response.headers["ETag"] = '"' + entity_tag(cluster.revision) + '"';
  return response;
}

Result<fleet::Operation> request_deletion(Call& call, Stored<fleet::Cluster>& stored, store::Transaction& transaction) {
  fleet::Cluster& cluster = stored.record;
  SLIPWAY_TRY(cancel_operation(call, cluster.operation, transaction));
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster));
  for (const Stored<fleet::Pool>& pool : pools) {
    SLIPWAY_TRY(cancel_operation(call, pool.record.operation, transaction));
  }
  fleet::Operation operation = make_operation(call, "DeleteCluster", cluster, "", cluster_resource_id(cluster));
  cluster.deletion_requested = true;
  cluster.state = fleet::ProvisioningState::kDeleting;
  cluster.operation = operation.id;
  transaction.conditions.push_back({fleet::cluster_key(cluster.id), stored.revision});
  transaction.puts.push_back({fleet::cluster_key(cluster.id), fleet::to_json(cluster)});
  transaction.puts.push_back({fleet::operation_key(operation.id), fleet::to_json(operation)});
  return operation;
}

Result<http::Response> delete_cluster(Call& call) {
  auto found = find_cluster(call);
  if (!found) {
    if (found.error().reason != "ResourceNotFound") return fail(found.error());
    http::Response response;
    response.status = 204;
    return response;
  }
  SLIPWAY_TRY(check_entity_tags(call.request, found->revision));
  fleet::Cluster& cluster = found->record;
  if (cluster.deletion_requested) {
    // Asked again, after a lost answer perhaps: the deletion that runs is the answer.
    fleet::Operation running;
    running.id = cluster.operation;
    running.subscription = cluster.subscription;
    running.location = cluster.location;
    return accepted(call, running);
  }
  store::Transaction transaction;
  SLIPWAY_ASSIGN(const fleet::Operation operation, request_deletion(call, *found, transaction));
  SLIPWAY_TRY(call.store.commit(transaction));
  if (call.options.on_change) call.options.on_change(cluster.id);
  return accepted(call, operation);
}

Result<http::Response> list_user_credential(Call& call) {
  return credential(call, kube::Credential::kClusterUser, "clusterUser");
}

Result<http::Response> list_admin_credential(Call& call) {
  return credential(call, kube::Credential::kClusterAdmin, "clusterAdmin");
}

}  // namespace slipway::api
