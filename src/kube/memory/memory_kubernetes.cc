#include "kube/memory/memory_kubernetes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "kube/kubeconfig.h"
#include "kube/label_review.h"
#include "kube/pki/authorities.h"

namespace slipway::kube {
namespace {

constexpr int kFirstPort = 16443;
// As the real node controller: a node whose lease is older than this is not ready.
constexpr seconds kGracePeriod{40};

struct MemoryNode {
  Node node;
  Time renewed;
};

struct MemoryPod {
  Pod pod;
  std::string node;
  std::map<std::string, std::string> labels;
};

struct Cluster {
  Authorities authorities;
  Endpoints endpoints;
  std::map<std::string, MemoryNode> nodes;
  std::vector<MemoryPod> pods;
  std::vector<BudgetFixture> budgets;
  int pods_made = 0;
  bool label_guard = true;
};

bool selects(const BudgetFixture& budget, const MemoryPod& pod) {
  return budget.space == pod.pod.space &&
         std::all_of(budget.selector.begin(), budget.selector.end(), [&pod](const auto& label) {
           const auto found = pod.labels.find(label.first);
           return found != pod.labels.end() && found->second == label.second;
         });
}

class MemoryKubernetesState final : public MemoryKubernetes {
 public:
  MemoryKubernetesState(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  Result<Endpoints> ensure_cluster(const ClusterSpec& spec) override {
    const std::lock_guard lock(mutex_);
    if (!is_cluster_id(spec.id))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' cannot be a cluster's id: 1 to 40 of [a-z0-9-]", spec.id));
    auto found = clusters_.find(spec.id);
    if (found == clusters_.end()) {
      SLIPWAY_ASSIGN(Authorities authorities, make_authorities(spec.id, clock_.now(), random_));
      Endpoints endpoints;
      endpoints.port = next_port_++;
      endpoints.ca = authorities.serving.certificate.pem();
      endpoints.client_ca = authorities.client.certificate.pem();
      found =
          clusters_.emplace(spec.id, Cluster{std::move(authorities), std::move(endpoints), {}, {}, {}, 0, true}).first;
    }
    found->second.label_guard = true;
    Endpoints& endpoints = found->second.endpoints;
    endpoints.node_api_server = fmt::format("https://{}:{}", spec.advertise_address, endpoints.port);
    endpoints.local_api_server = endpoints.node_api_server;
    return endpoints;
  }

  Status remove_cluster(const std::string& cluster) override {
    const std::lock_guard lock(mutex_);
    clusters_.erase(cluster);
    return {};
  }

  Result<crypto::Certificate> issue_kubelet_client(const std::string& cluster, const std::string& node,
                                                   const crypto::PublicKey& key, Time now, seconds lifetime) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(const Cluster* found, find(cluster));
    return issue_kubelet_client_certificate(found->authorities, node, key, now, lifetime, random_);
  }

  Result<crypto::Certificate> issue_kubelet_serving(const std::string& cluster, const std::string& node,
                                                    const std::vector<std::string>& ip_addresses,
                                                    const crypto::PublicKey& key, Time now, seconds lifetime) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(const Cluster* found, find(cluster));
    return issue_kubelet_serving_certificate(found->authorities, node, ip_addresses, key, now, lifetime, random_);
  }

  Result<std::string> kubeconfig(const std::string& cluster, Credential credential, const std::string& resource_group,
                                 const std::string& name, Time now) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(const Cluster* found, find(cluster));
    return make_user_kubeconfig(found->authorities, found->endpoints, credential, resource_group, name, now, random_);
  }

  Result<std::vector<Node>> list_nodes(const std::string& cluster) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(const Cluster* found, find(cluster));
    std::vector<Node> nodes;
    for (const auto& [name, node] : found->nodes) nodes.push_back(seen_now(node));
    return nodes;
  }

  Result<std::optional<Node>> get_node(const std::string& cluster, const std::string& node) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(Cluster * found, find(cluster));
    const auto at = found->nodes.find(node);
    if (at == found->nodes.end()) return std::optional<Node>();
    return seen_now(at->second);
  }

  Status set_labels(const std::string& cluster, const std::string& node,
                    const std::map<std::string, std::optional<std::string>>& labels) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(MemoryNode * found, find_node(cluster, node));
    for (const auto& [key, value] : labels) {
      if (value)
        found->node.labels[key] = *value;
      else
        found->node.labels.erase(key);
    }
    return {};
  }

  Status cordon(const std::string& cluster, const std::string& node, bool unschedulable) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(MemoryNode * found, find_node(cluster, node));
    found->node.unschedulable = unschedulable;
    return {};
  }

  Status delete_node(const std::string& cluster, const std::string& node) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(Cluster * found, find(cluster));
    found->nodes.erase(node);
    std::erase_if(found->pods, [&node](const MemoryPod& pod) { return pod.node == node; });
    return {};
  }

  Result<std::vector<Pod>> list_pods(const std::string& cluster, const std::string& node) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(const Cluster* found, find(cluster));
    std::vector<Pod> pods;
    for (const MemoryPod& pod : found->pods) {
      if (pod.node == node) pods.push_back(pod.pod);
    }
    return pods;
  }

  // As the apiserver and the disruption controller decide it; the pod is gone at once, since no kubelet ends it.
  Result<Eviction> evict(const std::string& cluster, const Pod& pod) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(Cluster * found, find(cluster));
    const auto at = std::find_if(found->pods.begin(), found->pods.end(), [&pod](const MemoryPod& other) {
      return other.pod.full_name() == pod.full_name() && other.pod.uid == pod.uid;
    });
    if (at == found->pods.end()) return Eviction{};
    for (const BudgetFixture& budget : found->budgets) {
      if (!selects(budget, *at)) continue;
      const auto healthy = std::count_if(found->pods.begin(), found->pods.end(),
                                         [&budget](const MemoryPod& other) { return selects(budget, other); });
      if (healthy > budget.minimum_available) continue;
      return Eviction{fmt::format("The disruption budget {} needs {} healthy pods and has {} currently", budget.name,
                                  budget.minimum_available, healthy)};
    }
    found->pods.erase(at);
    return Eviction{};
  }

  Status add_pod(const std::string& cluster, const PodFixture& fixture) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(Cluster * found, find(cluster));
    MemoryPod pod;
    pod.pod.space = fixture.space;
    pod.pod.name = fixture.name;
    pod.pod.uid = fmt::format("pod-{}", ++found->pods_made);
    pod.pod.of_daemon_set = fixture.controller == "DaemonSet";
    pod.pod.is_bare = fixture.controller.empty();
    pod.pod.is_mirror = fixture.is_mirror;
    pod.pod.is_ready = true;
    pod.node = fixture.node;
    pod.labels = fixture.labels;
    found->pods.push_back(std::move(pod));
    return {};
  }

  Status add_budget(const std::string& cluster, const BudgetFixture& budget) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(Cluster * found, find(cluster));
    found->budgets.push_back(budget);
    return {};
  }

  Status check_label_guard(const std::string& cluster) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(Cluster * found, find(cluster));
    if (found->label_guard) return {};
    return fail(ErrorCode::kPreconditionFailed, fmt::format("cluster {} has no label guard", cluster));
  }

  Status remove_label_guard(const std::string& cluster) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(Cluster * found, find(cluster));
    found->label_guard = false;
    return {};
  }

  Status register_node(const NodeRegistration& registration) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(Cluster * cluster, authenticate(registration));
    const auto found = cluster->nodes.find(registration.node);
    if (found != cluster->nodes.end()) {
      found->second.renewed = clock_.now();
      return {};
    }
    for (const auto& [key, value] : registration.labels)
      if (cluster->label_guard && key.starts_with(kGuardedLabelPrefix))
        return fail(ErrorCode::kPermissionDenied,
                    fmt::format("node {} may not register with the label {}: Slipway alone sets labels under {}",
                                registration.node, key, kGuardedLabelPrefix));
    Node node;
    node.name = registration.node;
    node.ready = true;
    node.labels = registration.labels;
    node.internal_ip = registration.internal_ip;
    node.kubelet_version = registration.kubelet_version;
    cluster->nodes.emplace(registration.node, MemoryNode{std::move(node), clock_.now()});
    return {};
  }

  Status heartbeat(const NodeRegistration& registration) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSIGN(Cluster * cluster, authenticate(registration));
    const auto found = cluster->nodes.find(registration.node);
    if (found == cluster->nodes.end())
      return fail(ErrorCode::kNotFound, fmt::format("there is no node {}; register it again", registration.node));
    found->second.renewed = clock_.now();
    return {};
  }

 private:
  Result<Cluster*> find(const std::string& cluster) {
    const auto found = clusters_.find(cluster);
    if (found == clusters_.end()) return fail(ErrorCode::kNotFound, fmt::format("there is no cluster {}", cluster));
    return &found->second;
  }

  Result<MemoryNode*> find_node(const std::string& cluster, const std::string& node) {
    SLIPWAY_ASSIGN(Cluster * found, find(cluster));
    const auto at = found->nodes.find(node);
    if (at == found->nodes.end())
      return fail(ErrorCode::kNotFound, fmt::format("cluster {} has no node {}", cluster, node));
    return &at->second;
  }

  // The apiserver's part: whose authority signed the certificate, is it in time, is it this node's.
  Result<Cluster*> authenticate(const NodeRegistration& registration) {
    const auto refused = [&](ErrorCode code, const char* why) {
      return fail(code, fmt::format("node {} is refused: {}", registration.node, why));
    };
    SLIPWAY_ASSIGN(const crypto::Certificate certificate,
                   crypto::Certificate::from_pem(registration.client_certificate_pem));
    SLIPWAY_ASSIGN(const crypto::PrivateKey key, crypto::PrivateKey::from_pem(registration.client_key_pem));
    SLIPWAY_ASSIGN(const crypto::PublicKey certified, certificate.public_key());
    if (key.public_key().spki_der() != certified.spki_der())
      return refused(ErrorCode::kUnauthenticated, "its key is not the certificate's");
    for (auto& [id, cluster] : clusters_) {
      if (cluster.endpoints.node_api_server != registration.api_server) continue;
      SLIPWAY_ASSIGN(const crypto::PublicKey authority, cluster.authorities.client.certificate.public_key());
      if (!certificate.signed_by(authority))
        return refused(ErrorCode::kUnauthenticated, "its certificate is not of this cluster");
      if (clock_.now() < certificate.not_before() || clock_.now() > certificate.not_after())
        return refused(ErrorCode::kUnauthenticated, "its certificate is not valid now");
      if (certificate.common_name() != "system:node:" + registration.node ||
          certificate.organizations() != std::vector<std::string>{"system:nodes"})
        return refused(ErrorCode::kPermissionDenied, "its certificate names somebody else");
      return &cluster;
    }
    return refused(ErrorCode::kUnavailable, "no cluster answers at the address that it dials");
  }

  Node seen_now(const MemoryNode& node) const {
    Node result = node.node;
    result.ready = result.ready && clock_.now() - node.renewed <= kGracePeriod;
    return result;
  }

  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  int next_port_ = kFirstPort;
  std::map<std::string, Cluster> clusters_;
};

class MemoryNodeRegistrar final : public NodeRegistrar {
 public:
  explicit MemoryNodeRegistrar(MemoryKubernetes& kubernetes) : kubernetes_(kubernetes) {}
  Status register_node(const NodeRegistration& node) override { return kubernetes_.register_node(node); }
  Status heartbeat(const NodeRegistration& node) override { return kubernetes_.heartbeat(node); }
  // Pods in memory run from the first moment, and are gone when they are evicted.
  Status tend_pods(const NodeRegistration&) override { return {}; }

 private:
  MemoryKubernetes& kubernetes_;
};

}  // namespace

std::unique_ptr<MemoryKubernetes> make_memory_kubernetes(const Clock& clock, Random& random) {
  return std::make_unique<MemoryKubernetesState>(clock, random);
}

std::unique_ptr<NodeRegistrar> make_memory_node_registrar(MemoryKubernetes& kubernetes) {
  return std::make_unique<MemoryNodeRegistrar>(kubernetes);
}

}  // namespace slipway::kube
