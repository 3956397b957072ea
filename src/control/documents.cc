#include "control/documents.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <set>

#include "control/log_text.h"
#include "host/host.h"

namespace slipway::control {
namespace {

constexpr int kAttempts = 16;
constexpr int kPodSubnets = host::kNetworkMachines + 1;

template <typename Record>
using Reader = Result<Record> (*)(std::string_view);

template <typename Record>
Result<Record> get(store::Store& store, const std::string& key, Reader<Record> read) {
  SLIPWAY_ASSIGN(const store::Document document, store.get(key));
  return read(document.value);
}

// Once for each version of a document: it is met several times a second.
void log_unreadable(const store::Document& document, const Error& why) {
  static std::mutex mutex;
  static std::map<std::string, std::int64_t, std::less<>> logged;
  const std::lock_guard lock(mutex);
  const auto [found, is_new] = logged.try_emplace(document.key, document.revision);
  if (!is_new && found->second == document.revision) return;
  found->second = document.revision;
  spdlog::error("document cannot be read key={} revision={} why={}", log_quoted(document.key), document.revision,
                log_quoted(why.message));
}

Result<std::vector<fleet::Pool>> list_pools(store::Store& store, const std::string& cluster) {
  SLIPWAY_ASSIGN(const std::vector<store::Document> documents, store.list(fleet::pool_key(cluster, "")));
  std::vector<fleet::Pool> pools;
  for (const store::Document& document : documents) {
    auto pool = fleet::pool_from_json(document.value);
    if (!pool) return fail(pool.error().code, fmt::format("Document {}: {}", document.key, pool.error().message));
    pools.push_back(*std::move(pool));
  }
  return pools;
}

Result<std::vector<fleet::Operation>> list_operations(store::Store& store, const std::string& cluster) {
  SLIPWAY_ASSIGN(const std::vector<store::Document> documents, store.list(fleet::operation_key("")));
  std::vector<fleet::Operation> operations;
  for (const store::Document& document : documents) {
    auto operation = fleet::operation_from_json(document.value);
    if (!operation) {
      log_unreadable(document, operation.error());
    } else if (operation->cluster == cluster && operation->status == "InProgress") {
      operations.push_back(*std::move(operation));
    }
  }
  return operations;
}

Result<std::vector<fleet::Node>> list_nodes(store::Store& store, const std::string& cluster) {
  SLIPWAY_ASSIGN(const std::vector<store::Document> documents, store.list(fleet::node_key("")));
  std::vector<fleet::Node> nodes;
  for (const store::Document& document : documents) {
    auto node = fleet::node_from_json(document.value);
    if (!node) {
      log_unreadable(document, node.error());
      node = fleet::salvaged_node(document.key.substr(fleet::node_key("").size()), document.value, node.error());
    }
    if (node->cluster == cluster) nodes.push_back(*std::move(node));
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const fleet::Node& left, const fleet::Node& right) { return left.name < right.name; });
  return nodes;
}

template <typename Record>
Result<Record> change(store::Store& store, const std::string& key, Reader<Record> read,
                      const std::function<Status(Record&)>& apply) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    SLIPWAY_ASSIGN(const store::Document document, store.get(key));
    SLIPWAY_ASSIGN(Record record, read(document.value));
    SLIPWAY_TRY(apply(record));
    std::string value = to_json(record);
    if (value == document.value) return record;
    const auto committed = store.commit({{{key, document.revision}}, {{key, std::move(value)}}, {}});
    if (committed) return record;
    if (committed.error().code != ErrorCode::kConflict) return fail(committed.error());
  }
  return fail(ErrorCode::kConflict,
              fmt::format("Document {} was changed by others {} times in a row; nothing was written.", key, kAttempts));
}

// The revision that a key has, 0 where there is none, with its value.
struct Found {
  std::string value;
  std::int64_t revision = 0;
};
Result<Found> find(store::Store& store, const std::string& key) {
  auto document = store.get(key);
  if (document) return Found{std::move(document->value), document->revision};
  if (document.error().code == ErrorCode::kNotFound) return Found{};
  return fail(document.error());
}

int free_pod_subnet(const std::vector<fleet::Node>& nodes) {
  std::set<int> taken;
  for (const fleet::Node& node : nodes) taken.insert(node.pod_subnet);
  for (int subnet = 1; subnet < kPodSubnets; ++subnet) {
    if (!taken.contains(subnet)) return subnet;
  }
  return 0;
}

}  // namespace

Result<std::vector<std::string>> list_clusters(store::Store& store) {
  SLIPWAY_ASSIGN(const std::vector<store::Document> documents, store.list(fleet::cluster_key("")));
  std::vector<std::string> ids;
  for (const store::Document& document : documents) {
    ids.push_back(document.key.substr(fleet::cluster_key("").size()));
  }
  return ids;
}

Result<fleet::Snapshot> load_cluster(store::Store& store, const std::string& cluster) {
  fleet::Snapshot snapshot;
  SLIPWAY_ASSIGN(snapshot.operations, list_operations(store, cluster));
  SLIPWAY_ASSIGN(snapshot.cluster, get_cluster(store, cluster));
  SLIPWAY_ASSIGN(snapshot.pools, list_pools(store, cluster));
  SLIPWAY_ASSIGN(snapshot.nodes, list_nodes(store, cluster));
  return snapshot;
}

Result<fleet::Cluster> get_cluster(store::Store& store, const std::string& cluster) {
  return get<fleet::Cluster>(store, fleet::cluster_key(cluster), fleet::cluster_from_json);
}

Result<fleet::Node> get_node(store::Store& store, const std::string& instance) {
  return get<fleet::Node>(store, fleet::node_key(instance), fleet::node_from_json);
}

Result<fleet::Node> change_node(store::Store& store, const std::string& instance,
                                const std::function<Status(fleet::Node&)>& apply) {
  return change<fleet::Node>(store, fleet::node_key(instance), fleet::node_from_json, apply);
}

Result<fleet::Cluster> change_cluster(store::Store& store, const std::string& cluster,
                                      const std::function<Status(fleet::Cluster&)>& apply) {
  return change<fleet::Cluster>(store, fleet::cluster_key(cluster), fleet::cluster_from_json, apply);
}

Result<fleet::Operation> change_operation(store::Store& store, const std::string& operation,
                                          const std::function<Status(fleet::Operation&)>& apply) {
  return change<fleet::Operation>(store, fleet::operation_key(operation), fleet::operation_from_json, apply);
}

Result<fleet::Node> create_node(store::Store& store, const std::string& cluster_id, const std::string& pool_name,
                                const std::string& instance, Time now) {
  const std::string pool_key = fleet::pool_key(cluster_id, pool_name);
  const std::string counter_key = fleet::node_number_key(cluster_id, pool_name);
  SLIPWAY_ASSIGN(const store::Document pool_document, store.get(pool_key));
  SLIPWAY_ASSIGN(fleet::Pool pool, fleet::pool_from_json(pool_document.value));
  SLIPWAY_ASSIGN(const Found counter, find(store, counter_key));
  SLIPWAY_ASSIGN(const fleet::Snapshot snapshot, load_cluster(store, cluster_id));

  const auto live = std::count_if(snapshot.nodes.begin(), snapshot.nodes.end(), [&](const fleet::Node& node) {
    return node.pool == pool.name && node.phase != fleet::NodePhase::kDeleting;
  });
  if (pool.deletion_requested || live >= pool.count) {
    return fail(ErrorCode::kConflict, fmt::format("Pool {} has all the nodes that it wants.", pool.name));
  }
  int number = 0;
  if (!counter.value.empty()) {
    const auto [end, code] = std::from_chars(counter.value.data(), counter.value.data() + counter.value.size(), number);
    if (code != std::errc() || end != counter.value.data() + counter.value.size()) {
      return fail(ErrorCode::kMalformed, fmt::format("Document {} is not a number.", counter_key));
    }
  }
  number = std::max(number, pool.next_node_number);
  pool.next_node_number = number + 1;

  fleet::Node node;
  node.instance = instance;
  node.cluster = cluster_id;
  node.pool = pool.name;
  node.name = fleet::node_name(snapshot.cluster, pool, number);
  node.secure_boot = pool.secure_boot;
  node.vtpm = pool.vtpm;
  node.vcpus = pool.vcpus;
  node.memory_mib = pool.memory_mib;
  node.image_version = pool.node_image_version;
  node.explanation = "Its VM is being made.";
  node.pod_subnet = free_pod_subnet(snapshot.nodes);
  node.created = now;
  if (node.pod_subnet == 0) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("Cluster {} has {} nodes, as many as its network has room for.", snapshot.cluster.name,
                            snapshot.nodes.size()));
  }
  const std::string node_key = fleet::node_key(instance);
  const auto committed =
      store.commit({{{pool_key, pool_document.revision}, {counter_key, counter.revision}, {node_key, 0}},
                    {{pool_key, to_json(pool)}, {counter_key, std::to_string(number + 1)}, {node_key, to_json(node)}},
                    {}});
  if (!committed) return fail(committed.error());
  return node;
}

}  // namespace slipway::control
