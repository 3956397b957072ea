#include <fmt/format.h>

#include <algorithm>

#include "api/arm_error.h"
#include "api/arm_resource.h"
#include "api/handlers.h"

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

tl::unexpected<Error> busy(std::string_view what, const std::string& name, ProvisioningState state) {
  return fail(ErrorCode::kConflict,
              fmt::format("Operation is not allowed because there's an in progress operation on {} '{}', which is {}: "
                          "try again when it has ended.",
                          what, name, fleet::to_string(state)),
              "OperationNotAllowed");
}

tl::unexpected<Error> unchangeable(std::string target, std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "PropertyChangeNotAllowed", std::move(target));
}

http::Response pool_answer(const Call& call, int status, const fleet::Cluster& cluster, const Stored<fleet::Pool>& pool,
                           const fleet::Operation& operation) {
  http::Response response = json_response(status, pool_resource(cluster, pool));
  add_operation_headers(call, operation, false, response);
  return response;
}

http::Response accepted(const Call& call, const fleet::Operation& operation) {
  http::Response response;
  response.status = 202;
  add_operation_headers(call, operation, true, response);
  return response;
}

// What the cluster's other pools want, whatever becomes of this one.
int other_nodes(const std::vector<Stored<fleet::Pool>>& pools, std::string_view name) {
  int nodes = 0;
  for (const Stored<fleet::Pool>& pool : pools) {
    if (pool.record.name != name && !pool.record.deletion_requested) nodes += pool.record.count;
  }
  return nodes;
}

// Judges what is asked for; the answer to send where it breaks a rule.
Result<std::optional<http::Response>> refuse_pool(Call& call, const Stored<fleet::Cluster>& cluster,
                                                  const fleet::PoolRequest& request, const json::object& properties,
                                                  const FeatureState& feature) {
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  const fleet::Circumstances circumstances{cluster.record.kubernetes_version, feature.effective, feature.registered,
                                           other_nodes(pools, request.name)};
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

// What a PUT on an existing pool may not change.
Status check_changes(const Call& call, const fleet::PoolRequest& wanted, const fleet::Pool& pool) {
  const fleet::VmSize* const size = call.options.sizes.find(wanted.vm_size);
  if (size != nullptr && size->name != pool.vm_size) {
    return unchangeable("properties.vmSize", fmt::format("The VM size of node pool '{}' is {} and cannot be changed: "
                                                         "add a node pool of the other size.",
                                                         pool.name, pool.vm_size));
  }
  if (wanted.vtpm != pool.vtpm || wanted.secure_boot != pool.secure_boot) {
    return unchangeable("properties.securityProfile",
                        fmt::format("vTPM and Secure Boot of node pool '{}' are set when it is made; to change them on "
                                    "an existing pool is not supported yet: add a node pool.",
                                    pool.name));
  }
  return {};
}

Result<http::Response> update_pool(Call& call, const Stored<fleet::Cluster>& cluster, Stored<fleet::Pool> pool,
                                   const json::object& properties) {
  fleet::Pool& record = pool.record;
  json::object merged = merge_properties(kept_body(record.body), properties);
  // What the record holds stands where the request says nothing.
  json::object asked = merged;
  const auto keep = [&asked, &properties](std::string_view name, json::value value) {
    const json::value* const given = properties.if_contains(name);
    const bool is_given = given && !given->is_null() && !(given->is_string() && given->get_string().empty());
    if (!is_given) asked[name] = std::move(value);
  };
  keep("count", record.count);
  keep("vmSize", json::string(record.vm_size));
  keep("mode", json::string(record.mode));
  const json::value* const given_security = properties.if_contains("securityProfile");
  json::object security{{"enableVTPM", record.vtpm}, {"enableSecureBoot", record.secure_boot}};
  if (given_security && given_security->is_object())
    security = merge_properties(security, given_security->get_object());
  asked["securityProfile"] = std::move(security);

  SLIPWAY_ASSIGN(const fleet::PoolRequest request, pool_request_from(record.name, asked, record.mode));
  if (record.deletion_requested) return busy("node pool", record.name, record.state);
  if (!record.operation.empty() || !cluster.record.operation.empty()) {
    const bool is_repetition =
        record.body == json::serialize(properties) && !record.operation.empty() && request.count == record.count;
    if (!is_repetition) return busy("node pool", record.name, record.state);
    SLIPWAY_ASSIGN(const auto document, call.store.get(fleet::operation_key(record.operation)));
    SLIPWAY_ASSIGN(const auto running, fleet::operation_from_json(document.value));
    return pool_answer(call, 200, cluster.record, pool, running);
  }
  SLIPWAY_TRY(check_changes(call, request, record));
  SLIPWAY_ASSIGN(const FeatureState feature, trusted_launch_feature(call));
  SLIPWAY_ASSIGN(const auto refusal, refuse_pool(call, cluster, request, merged, feature));
  if (refusal) return *refusal;
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  const bool has_other_system = std::any_of(pools.begin(), pools.end(), [&record](const auto& other) {
    return other.record.name != record.name && other.record.mode == "System" && !other.record.deletion_requested;
  });
  if (record.mode == "System" && request.mode != "System" && !has_other_system) {
    return fail(ErrorCode::kConflict,
                fmt::format("There has to be at least one system node pool: '{}' is the last one.", record.name),
                "OperationNotAllowed");
  }
  const fleet::Operation operation =
      make_operation(call, "PutPool", cluster.record, record.name, pool_resource_id(cluster.record, record));
  record.count = request.count;
  record.mode = request.mode;
  record.body = json::serialize(merged);
  record.state = ProvisioningState::kUpdating;
  record.error.clear();
  record.operation = operation.id;
  const std::string key = fleet::pool_key(cluster.record.id, record.name);
  store::Transaction transaction;
  transaction.conditions = {{fleet::cluster_key(cluster.record.id), cluster.revision}, {key, pool.revision}};
  // The other pools are part of the judgement about the last system pool.
  for (const Stored<fleet::Pool>& other : pools) {
    if (other.record.name == record.name || record.mode == "System") continue;
    transaction.conditions.push_back({fleet::pool_key(cluster.record.id, other.record.name), other.revision});
  }
  transaction.puts = {{key, fleet::to_json(record)}, {fleet::operation_key(operation.id), fleet::to_json(operation)}};
  SLIPWAY_ASSIGN(pool.revision, call.store.commit(transaction));
  if (call.options.on_change) call.options.on_change(cluster.record.id);
  return pool_answer(call, 200, cluster.record, pool, operation);
}

}  // namespace

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
