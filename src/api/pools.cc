#include <fmt/format.h>

#include <algorithm>

#include "api/arm_error.h"
#include "api/arm_resource.h"
#include "api/pool_answers.h"

namespace slipway::api {
namespace {

namespace json = boost::json;
using fleet::ProvisioningState;

// With the feature in effect, a pool that could have Trusted Launch gets an image fit for it even where it asks for
// neither, so that it may be turned on later (S88). Any image is better than none for a pool that asks for neither.
const fleet::NodeImage* choose_image(const fleet::ImageCatalog& catalog, const fleet::PoolRequest& request,
                                     bool by_default) {
  const bool wants_trusted = request.trusted_launch() || (by_default && !request.fips);
  const fleet::NodeImage* const image = catalog.latest(wants_trusted);
  return image == nullptr && !request.trusted_launch() ? catalog.latest(!wants_trusted) : image;
}

http::Response accepted(const Call& call, const fleet::Operation& operation) {
  http::Response response;
  response.status = 202;
  add_operation_headers(call, operation, true, response);
  return response;
}

// Judges what is asked for; the answer to send where it breaks a rule.
Result<std::optional<http::Response>> refuse_pool(Call& call, const Stored<fleet::Cluster>& cluster,
                                                  const fleet::PoolRequest& request, const json::object& properties,
                                                  const FeatureState& feature) {
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  fleet::Circumstances circumstances = circumstances_of(call, cluster.record, pools, request.name);
  circumstances.feature_effective = feature.effective;
  circumstances.feature_registered = feature.registered;
  auto errors = fleet::judge_pool(request, circumstances, call.options.rules, call.options.sizes);
  const auto unsupported = unsupported_pool_properties(properties);
  errors.insert(errors.end(), unsupported.begin(), unsupported.end());
  const bool is_new = std::none_of(pools.begin(), pools.end(), [&request](const auto& pool) {
    return equal_without_case(pool.record.name, request.name);
  });
  if (is_new && pools.size() >= static_cast<std::size_t>(call.options.rules.maximum_pools_per_cluster)) {
    errors.push_back({ErrorCode::kInvalidArgument,
                      fmt::format("The cluster '{}' has {} node pools, as many as are supported.", cluster.record.name,
                                  pools.size()),
                      "InvalidParameter", "agentPoolProfiles"});
  }
  if (errors.empty()) return std::optional<http::Response>();
  return std::optional<http::Response>(error_response(errors));
}

Result<http::Response> create_pool(Call& call, const Stored<fleet::Cluster>& cluster, const json::object& properties) {
  SLIPWAY_ASSIGN(const fleet::PoolRequest request, pool_request_from(call.parameter("pool"), properties, "User"));
  SLIPWAY_ASSIGN(const FeatureState feature, trusted_launch_feature(call));
  SLIPWAY_ASSIGN(const auto refusal, refuse_pool(call, cluster, request, properties, feature));
  if (refusal) return *refusal;
  if (!cluster.record.operation.empty()) return busy("cluster", cluster.record.name, cluster.record.state);

  Stored<fleet::Pool> pool;
  SLIPWAY_ASSIGN(pool.record, make_pool(call, cluster.record.id, request, properties, feature));
  const fleet::Operation operation =
      make_operation(call, "PutPool", cluster.record, pool.record.name, pool_resource_id(cluster.record, pool.record));
  pool.record.operation = operation.id;
  const std::string key = fleet::pool_key(cluster.record.id, pool.record.name);
  store::Transaction transaction;
  transaction.conditions = {{fleet::cluster_key(cluster.record.id), cluster.revision}, {key, 0}};
  transaction.puts = {{key, fleet::to_json(pool.record)},
                      {fleet::operation_key(operation.id), fleet::to_json(operation)}};
  SLIPWAY_ASSIGN(pool.revision, call.store.commit(transaction));
  if (call.options.on_change) call.options.on_change(cluster.record.id);
  return pool_answer(call, 201, cluster.record, pool, operation);
}

}  // namespace

tl::unexpected<Error> busy(std::string_view what, const std::string& name, ProvisioningState state) {
  return fail(ErrorCode::kConflict,
              fmt::format("Operation is not allowed because there's an in progress operation on {} '{}', which is {}: "
                          "try again when it has ended.",
                          what, name, fleet::to_string(state)),
              "OperationNotAllowed");
}

http::Response pool_answer(const Call& call, int status, const fleet::Cluster& cluster, const Stored<fleet::Pool>& pool,
                           const fleet::Operation& operation) {
  http::Response response = json_response(status, pool_resource(cluster, pool));
  add_operation_headers(call, operation, false, response);
  return response;
}

fleet::Circumstances circumstances_of(const Call& call, const fleet::Cluster& cluster,
                                      const std::vector<Stored<fleet::Pool>>& pools, std::string_view pool) {
  fleet::Circumstances circumstances;
  circumstances.kubernetes_version = cluster.kubernetes_version;
  for (const Stored<fleet::Pool>& other : pools) {
    if (other.record.name == pool || other.record.deletion_requested) continue;
    circumstances.other_nodes_in_cluster += other.record.count;
  }
  if (const auto version = call.request.query.find("api-version"); version != call.request.query.end()) {
    circumstances.api_version = version->second;
  }
  return circumstances;
}

Result<fleet::Pool> make_pool(Call& call, const std::string& cluster, const fleet::PoolRequest& request,
                              const json::object& properties, const FeatureState& feature) {
  const fleet::ImageCatalog catalog = call.options.images ? call.options.images() : fleet::ImageCatalog{};
  const fleet::NodeImage* const image =
      choose_image(catalog, request, call.options.rules.feature_required && feature.effective);
  if (image == nullptr) {
    return fail(ErrorCode::kPreconditionFailed,
                fmt::format("There is no node image{} here: build one with `slipway image build`.",
                            request.trusted_launch() ? " fit for Trusted Launch" : ""),
                "NodeImageNotFound", "agentPoolProfile.nodeImageVersion");
  }
  const fleet::VmSize* const size = call.options.sizes.find(request.vm_size);
  if (size == nullptr) return fail(ErrorCode::kInternal, "a pool of an unknown VM size passed the rules");
  fleet::Pool pool;
  pool.cluster = cluster;
  pool.name = request.name;
  pool.count = request.count;
  pool.vm_size = size->name;
  pool.vcpus = size->vcpus;
  pool.memory_mib = size->memory_mib;
  pool.mode = request.mode;
  pool.vtpm = request.vtpm;
  pool.secure_boot = request.secure_boot;
  pool.node_image_version = image->version;
  pool.feature_at_creation = feature.effective || !call.options.rules.feature_required;
  pool.drain_timeout_minutes =
      request.drain_timeout_minutes > 0 ? request.drain_timeout_minutes : call.options.rules.drain_timeout_minutes;
  pool.body = json::serialize(properties);
  pool.created = call.now;
  return pool;
}

Result<http::Response> list_pools(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  json::array items;
  for (const Stored<fleet::Pool>& pool : pools) items.emplace_back(pool_resource(cluster.record, pool));
  return list_response(std::move(items));
}

Result<http::Response> get_pool(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const auto pool, find_pool(call, cluster.record));
  http::Response response = json_response(200, pool_resource(cluster.record, pool));
  response.headers["ETag"] = '"' + entity_tag(pool.revision) + '"';
  return response;
}

Result<http::Response> put_pool(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  SLIPWAY_ASSIGN(const json::object body, parse_body(call.request.body));
  SLIPWAY_TRY(allow_only(body, {"id", "name", "type", "eTag", "properties"},
                         "A node pool has no property '{}' beside properties: what it says would be lost."));
  Properties resource(body, "");
  const json::object& properties = resource.object("properties");
  SLIPWAY_TRY(resource.status());
  if (cluster.record.deletion_requested) return busy("cluster", cluster.record.name, cluster.record.state);
  auto existing = find_pool(call, cluster.record);
  if (!existing && existing.error().code != ErrorCode::kNotFound) return fail(existing.error());
  SLIPWAY_TRY(check_entity_tags(call.request, existing ? existing->revision : 0));
  if (!existing) return create_pool(call, cluster, properties);
  return update_pool(call, cluster, std::move(*existing), properties);
}

Result<http::Response> delete_pool(Call& call) {
  SLIPWAY_ASSIGN(const auto cluster, find_cluster(call));
  auto found = find_pool(call, cluster.record);
  if (!found) {
    if (found.error().code != ErrorCode::kNotFound) return fail(found.error());
    http::Response response;
    response.status = 204;
    return response;
  }
  SLIPWAY_TRY(check_entity_tags(call.request, found->revision));
  fleet::Pool& pool = found->record;
  if (pool.deletion_requested) {
    fleet::Operation running;
    running.id = pool.operation;
    running.subscription = cluster.record.subscription;
    running.location = cluster.record.location;
    return accepted(call, running);
  }
  if (!cluster.record.operation.empty()) return busy("cluster", cluster.record.name, cluster.record.state);
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  const bool is_last_system =
      pool.mode == "System" && std::none_of(pools.begin(), pools.end(), [&pool](const auto& it) {
        return it.record.name != pool.name && it.record.mode == "System" && !it.record.deletion_requested;
      });
  if (is_last_system) {
    return fail(ErrorCode::kConflict,
                fmt::format("There has to be at least one system node pool: '{}' is the last one of cluster '{}'.",
                            pool.name, cluster.record.name),
                "OperationNotAllowed");
  }
  store::Transaction transaction;
  SLIPWAY_TRY(cancel_operation(call, pool.operation, transaction));
  const fleet::Operation operation =
      make_operation(call, "DeletePool", cluster.record, pool.name, pool_resource_id(cluster.record, pool));
  pool.deletion_requested = true;
  pool.state = ProvisioningState::kDeleting;
  pool.operation = operation.id;
  transaction.conditions.push_back({fleet::cluster_key(cluster.record.id), cluster.revision});
  // Two system pools deleted at once must not both find the other one there.
  for (const Stored<fleet::Pool>& other : pools) {
    transaction.conditions.push_back({fleet::pool_key(cluster.record.id, other.record.name), other.revision});
  }
  transaction.puts.push_back({fleet::pool_key(cluster.record.id, pool.name), fleet::to_json(pool)});
  transaction.puts.push_back({fleet::operation_key(operation.id), fleet::to_json(operation)});
  SLIPWAY_TRY(call.store.commit(transaction));
  if (call.options.on_change) call.options.on_change(cluster.record.id);
  return accepted(call, operation);
}

}  // namespace slipway::api
