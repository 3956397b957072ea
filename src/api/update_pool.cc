#include <fmt/format.h>

#include <algorithm>

#include "api/arm_error.h"
#include "api/arm_resource.h"
#include "api/pool_answers.h"
#include "fleet/update_rules.h"

namespace slipway::api {
namespace {

namespace json = boost::json;
using fleet::ProvisioningState;

// The pool with the request's properties over it. What the request does not name stays; of the security profile, which
// clients send in part, each key.
json::object asked_for(const json::object& shown, const json::object& properties) {
  json::object asked = merge_properties(shown, properties);
  const json::value* const given = properties.if_contains("securityProfile");
  if (given && given->is_object()) {
    asked["securityProfile"] = merge_properties(shown.at("securityProfile").get_object(), given->get_object());
  }
  return asked;
}

bool is_last_system_pool(const fleet::Pool& pool, const std::vector<Stored<fleet::Pool>>& pools) {
  return pool.mode == "System" && std::none_of(pools.begin(), pools.end(), [&pool](const auto& other) {
           return other.record.name != pool.name && other.record.mode == "System" && !other.record.deletion_requested;
         });
}

fleet::ImageCatalog images(const Call& call) {
  return call.options.images ? call.options.images() : fleet::ImageCatalog{};
}

// Every rule that the change breaks: those of a pool as it would be, and those of changing one.
std::vector<Error> judge(const Call& call, const fleet::Cluster& cluster, const fleet::Pool& pool,
                         const std::vector<Stored<fleet::Pool>>& pools, const fleet::PoolRequest& before,
                         const fleet::PoolRequest& after, const FeatureState& feature, const json::object& asked) {
  std::vector<Error> errors = fleet::judge_update(pool, before, after, images(call), call.options.rules);
  fleet::Circumstances circumstances = circumstances_of(call, cluster, pools, pool.name);
  circumstances.feature_effective = feature.effective;
  circumstances.feature_registered = feature.registered;
  circumstances.had_vtpm = pool.vtpm;
  circumstances.had_secure_boot = pool.secure_boot;
  for (auto& more : {fleet::judge_pool(after, circumstances, call.options.rules, call.options.sizes),
                     unsupported_pool_properties(asked)}) {
    errors.insert(errors.end(), more.begin(), more.end());
  }
  return errors;
}

// Writes the pool and its operation, if neither the cluster, nor the pool, nor what else was judged by changed.
Result<http::Response> begin(Call& call, int status, const Stored<fleet::Cluster>& cluster, Stored<fleet::Pool> pool,
                             const std::vector<Stored<fleet::Pool>>& judged_by) {
  fleet::Pool& record = pool.record;
  const fleet::Operation operation =
      make_operation(call, "PutPool", cluster.record, record.name, pool_resource_id(cluster.record, record));
  record.error.clear();
  record.operation = operation.id;
  const std::string key = fleet::pool_key(cluster.record.id, record.name);
  store::Transaction transaction;
  transaction.conditions = {{fleet::cluster_key(cluster.record.id), cluster.revision}, {key, pool.revision}};
  for (const Stored<fleet::Pool>& other : judged_by) {
    if (other.record.name == record.name) continue;
    transaction.conditions.push_back({fleet::pool_key(cluster.record.id, other.record.name), other.revision});
  }
  transaction.puts = {{key, fleet::to_json(record)}, {fleet::operation_key(operation.id), fleet::to_json(operation)}};
  SLIPWAY_ASSIGN(pool.revision, call.store.commit(transaction));
  if (call.options.on_change) call.options.on_change(cluster.record.id);
  return pool_answer(call, status, cluster.record, pool, operation);
}

// The same request again while its operation runs, as clients send it after a lost answer.
bool is_repetition(const fleet::Pool& pool, const fleet::PoolRequest& after, const json::object& properties) {
  return !pool.operation.empty() && after.count == pool.count && after.vtpm == pool.vtpm &&
         after.secure_boot == pool.secure_boot &&
         json::serialize(merge_properties(kept_body(pool.body), properties)) == pool.body;
}

Result<http::Response> answer_with_running_operation(Call& call, const fleet::Cluster& cluster,
                                                     const Stored<fleet::Pool>& pool) {
  SLIPWAY_ASSIGN(const auto document, call.store.get(fleet::operation_key(pool.record.operation)));
  SLIPWAY_ASSIGN(const auto running, fleet::operation_from_json(document.value));
  return pool_answer(call, 200, cluster, pool, running);
}

}  // namespace

Result<http::Response> update_pool(Call& call, const Stored<fleet::Cluster>& cluster, Stored<fleet::Pool> pool,
                                   const json::object& properties) {
  fleet::Pool& record = pool.record;
  // Both sides with every default filled in, so that only what differs is a change.
  const json::object resource = pool_resource(cluster.record, pool);
  const json::object& shown = resource.at("properties").get_object();
  const json::object asked = asked_for(shown, properties);
  SLIPWAY_ASSIGN(const fleet::PoolRequest before, pool_request_from(record.name, shown, record.mode));
  SLIPWAY_ASSIGN(const fleet::PoolRequest after, pool_request_from(record.name, asked, record.mode));
  if (record.deletion_requested) return busy("node pool", record.name, record.state);
  if (!record.operation.empty() || !cluster.record.operation.empty()) {
    if (!is_repetition(record, after, properties)) return busy("node pool", record.name, record.state);
    return answer_with_running_operation(call, cluster.record, pool);
  }

  SLIPWAY_ASSIGN(const FeatureState feature, trusted_launch_feature(call));
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  if (const auto errors = judge(call, cluster.record, record, pools, before, after, feature, asked); !errors.empty()) {
    return error_response(errors);
  }
  if (after.mode != "System" && is_last_system_pool(record, pools)) {
    return fail(ErrorCode::kConflict,
                fmt::format("There has to be at least one system node pool: '{}' is the last one.", record.name),
                "OperationNotAllowed");
  }
  SLIPWAY_ASSIGN(const std::string image, fleet::image_after_update(record, after, images(call), call.options.rules));
  const bool leaves_system = record.mode == "System" && after.mode != "System";
  const bool makes_nodes_again =
      after.vtpm != record.vtpm || after.secure_boot != record.secure_boot || image != record.node_image_version;
  record.state =
      !makes_nodes_again && after.count != record.count ? ProvisioningState::kScaling : ProvisioningState::kUpdating;
  record.count = after.count;
  record.mode = after.mode;
  record.vtpm = after.vtpm;
  record.secure_boot = after.secure_boot;
  record.node_image_version = image;
  record.drain_timeout_minutes =
      after.drain_timeout_minutes > 0 ? after.drain_timeout_minutes : call.options.rules.drain_timeout_minutes;
  record.body = json::serialize(merge_properties(kept_body(record.body), properties));
  return begin(call, 200, cluster, std::move(pool), leaves_system ? pools : std::vector<Stored<fleet::Pool>>{});
}

Result<http::Response> upgrade_node_image(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(auto pool, find_pool(call, cluster.record));
  SLIPWAY_TRY(check_entity_tags(call.request, pool.revision));
  fleet::Pool& record = pool.record;
  if (cluster.record.deletion_requested) return busy("cluster", cluster.record.name, cluster.record.state);
  if (record.deletion_requested) return busy("node pool", record.name, record.state);
  const bool is_repetition = !record.operation.empty() && record.state == ProvisioningState::kUpgradingNodeImageVersion;
  Result<http::Response> response = fail(ErrorCode::kInternal, "not answered yet");
  if (is_repetition) {
    response = answer_with_running_operation(call, cluster.record, pool);
  } else if (!record.operation.empty() || !cluster.record.operation.empty()) {
    return busy("node pool", record.name, record.state);
  } else {
    SLIPWAY_ASSIGN(record.node_image_version, fleet::newest_image(record, images(call)));
    record.state = ProvisioningState::kUpgradingNodeImageVersion;
    response = begin(call, 202, cluster, std::move(pool), {});
  }
  if (!response) return response;
  response->status = 202;
  // Where clients of a POST look for its end.
  std::string result = response->headers.at("Azure-AsyncOperation");
  constexpr std::string_view kOperations = "/operations/";
  result.replace(result.rfind(kOperations), kOperations.size(), "/operationresults/");
  response->headers["Location"] = std::move(result);
  return response;
}

}  // namespace slipway::api
