#include <fmt/format.h>

#include "control/documents.h"

namespace slipway::control {
namespace {

using fleet::ProvisioningState;

// One transaction in the making: every document is put under the revision that it was read with.
class Draft {
 public:
  void put(const store::Document& document, std::string value) {
    transaction_.conditions.push_back({document.key, document.revision});
    transaction_.puts.push_back({document.key, std::move(value)});
  }
  void remove(const store::Document& document) {
    transaction_.conditions.push_back({document.key, document.revision});
    transaction_.deletes.push_back(document.key);
  }
  void remove(const std::string& key) { transaction_.deletes.push_back(key); }
  const store::Transaction& transaction() const { return transaction_; }

 private:
  store::Transaction transaction_;
};

ProvisioningState state_for(const fleet::Finish& finish) {
  if (finish.status == "Succeeded") return ProvisioningState::kSucceeded;
  return finish.status == "Canceled" ? ProvisioningState::kCanceled : ProvisioningState::kFailed;
}

// What a pool says after an operation that covered it. A pool with an operation of its own is not the cluster's.
Status finish_pool(Draft& draft, const store::Document& document, const fleet::Finish& finish) {
  SLIPWAY_ASSIGN(fleet::Pool pool, fleet::pool_from_json(document.value));
  if (pool.operation != finish.operation && !(finish.kind == "CreateCluster" && pool.operation.empty())) return {};
  if (pool.deletion_requested) return {};
  pool.state = state_for(finish);
  pool.error = finish.error_message;
  pool.operation.clear();
  draft.put(document, to_json(pool));
  return {};
}

Status finish_create_cluster(store::Store& store, Draft& draft, const std::string& cluster_id,
                             const fleet::Finish& finish) {
  SLIPWAY_ASSIGN(const store::Document document, store.get(fleet::cluster_key(cluster_id)));
  SLIPWAY_ASSIGN(fleet::Cluster cluster, fleet::cluster_from_json(document.value));
  if (cluster.operation == finish.operation && !cluster.deletion_requested) {
    cluster.state = state_for(finish);
    cluster.error = finish.error_message;
    cluster.operation.clear();
    draft.put(document, to_json(cluster));
  }
  SLIPWAY_ASSIGN(const std::vector<store::Document> pools, store.list(fleet::pool_key(cluster_id, "")));
  for (const store::Document& pool : pools) SLIPWAY_TRY(finish_pool(draft, pool, finish));
  return {};
}

Status finish_delete_cluster(store::Store& store, Draft& draft, const std::string& cluster_id) {
  SLIPWAY_ASSIGN(const store::Document document, store.get(fleet::cluster_key(cluster_id)));
  SLIPWAY_ASSIGN(const fleet::Cluster cluster, fleet::cluster_from_json(document.value));
  draft.remove(document);
  draft.remove(fleet::cluster_name_key(cluster.subscription, cluster.resource_group, cluster.name));
  SLIPWAY_ASSIGN(const std::vector<store::Document> pools, store.list(fleet::pool_key(cluster_id, "")));
  for (const store::Document& pool : pools) draft.remove(pool);
  // The cluster's id is never used again, and with it no node name can come back.
  SLIPWAY_ASSIGN(const std::vector<store::Document> numbers, store.list(fleet::node_number_key(cluster_id, "")));
  for (const store::Document& number : numbers) draft.remove(number);
  return {};
}

Status finish_what_it_worked_on(store::Store& store, Draft& draft, const std::string& cluster_id,
                                const fleet::Finish& finish) {
  if (finish.kind == "DeleteCluster") return finish_delete_cluster(store, draft, cluster_id);
  if (finish.kind == "CreateCluster") return finish_create_cluster(store, draft, cluster_id, finish);
  const auto pool = store.get(fleet::pool_key(cluster_id, finish.pool));
  if (!pool) return pool.error().code == ErrorCode::kNotFound ? Status{} : fail(pool.error());
  if (finish.kind == "DeletePool" && finish.status == "Succeeded") {
    draft.remove(*pool);
    return {};
  }
  return finish_pool(draft, *pool, finish);
}

}  // namespace

Status finish_operation(store::Store& store, const std::string& cluster, const fleet::Finish& finish, Time now) {
  Draft draft;
  if (!finish.operation.empty()) {
    SLIPWAY_ASSIGN(const store::Document document, store.get(fleet::operation_key(finish.operation)));
    SLIPWAY_ASSIGN(fleet::Operation operation, fleet::operation_from_json(document.value));
    if (operation.status != "InProgress") return {};
    operation.status = finish.status;
    operation.ended = now;
    operation.error_code = finish.error_code;
    operation.error_message = finish.error_message;
    operation.progress.clear();
    draft.put(document, to_json(operation));
  }
  SLIPWAY_TRY(finish_what_it_worked_on(store, draft, cluster, finish));
  const auto committed = store.commit(draft.transaction());
  return committed ? Status{} : fail(committed.error());
}

}  // namespace slipway::control
