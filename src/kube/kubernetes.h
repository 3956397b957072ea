#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "crypto/certificate.h"

// Kubernetes as Slipway needs it: narrow, and the same before a hosted control plane (kube/hosted) and one in memory
// (kube/memory), under the same contract tests (kube/kubernetes_contract_test.cc).
namespace slipway::kube {

struct ClusterSpec {
  std::string id;                 // stable and unique: folder name of its state; [a-z0-9-], at most 40 characters
  std::string advertise_address;  // where nodes reach the apiserver: the bridge's gateway
  std::string pod_cidr = "10.244.0.0/16";
  std::string service_cidr = "10.0.0.0/16";
  std::string dns_service_ip = "10.0.0.10";
};

struct Endpoints {
  std::string node_api_server;   // what nodes dial: "https://10.77.0.1:16443"
  std::string local_api_server;  // what this host dials: "https://127.0.0.1:16443"
  std::string ca;                // PEM: CA of the apiserver's serving certificate
  std::string client_ca;  // PEM: CA of its clients (kubelet's clientCAFile); uses in the certificates keep the two
                          // apart, so a node may hold ca + client_ca as one bundle
  int port = 0;
};

struct Node {
  std::string name;
  bool ready = false;
  bool unschedulable = false;
  std::map<std::string, std::string> labels;
  std::string internal_ip;
  std::string kubelet_version;
  std::string pod_cidr;
};

struct Pod {
  std::string space, name, uid;  // namespace
  bool of_daemon_set = false;    // its DaemonSet would put it back, cordon or not
  bool is_mirror = false;        // of a manifest on the node: the apiserver cannot end it
  bool is_bare = false;          // nothing makes it again elsewhere
  bool is_ready = false;
  bool is_finished = false;  // Succeeded or Failed
  bool is_terminating = false;

  std::string full_name() const { return space + "/" + name; }
  // What a drain waits for: as `kubectl drain --ignore-daemonsets --delete-emptydir-data --force` has it.
  bool leaves_on_drain() const { return !of_daemon_set && !is_mirror && !is_finished; }
};

// What became of one request to evict a pod.
struct Eviction {
  // Empty: the pod is on its way, or was gone. Else the apiserver's words about the disruption budget that forbids it
  // for now, with the budget's name.
  std::string forbidden_by;
};

// Which certificate a kubeconfig carries; both are short-lived (12 hours).
enum class Credential { kClusterUser, kClusterAdmin };

// One cluster's control plane and API. Calls block; thread-safe.
class Kubernetes {
 public:
  virtual ~Kubernetes() = default;

  // Starts what is missing and adopts what runs: etcd, apiserver, controller-manager, scheduler, webhook, supervisor.
  // Returns when /readyz answers and the add-ons (RBAC, kube-proxy's role) are applied. Idempotent.
  virtual Result<Endpoints> ensure_cluster(const ClusterSpec& spec) = 0;
  virtual Status remove_cluster(const std::string& cluster) = 0;
  // Asks the apiserver for what the label webhook is there to refuse (nothing is stored). kPreconditionFailed, with the
  // answer, where it is not refused: somebody with the cluster's administration has taken the webhook away, and
  // ensure_cluster puts it back. kUnavailable where nothing answers.
  virtual Status check_label_guard(const std::string& cluster) = 0;

  // The kubelet's certificates for a node, names written by Slipway (CN system:node:<name>, O system:nodes).
  virtual Result<crypto::Certificate> issue_kubelet_client(const std::string& cluster, const std::string& node,
                                                           const crypto::PublicKey& key, Time now,
                                                           seconds lifetime) = 0;
  virtual Result<crypto::Certificate> issue_kubelet_serving(const std::string& cluster, const std::string& node,
                                                            const std::vector<std::string>& ip_addresses,
                                                            const crypto::PublicKey& key, Time now,
                                                            seconds lifetime) = 0;
  // A whole kubeconfig as JSON (which is YAML), users clusterUser_{group}_{name} and clusterAdmin_{group}_{name}.
  virtual Result<std::string> kubeconfig(const std::string& cluster, Credential credential,
                                         const std::string& resource_group, const std::string& name, Time now) = 0;

  virtual Result<std::vector<Node>> list_nodes(const std::string& cluster) = 0;
  virtual Result<std::optional<Node>> get_node(const std::string& cluster, const std::string& node) = 0;
  // Sets the labels with a value and takes off those without, as Slipway's own user. kNotFound if there is no such
  // node.
  virtual Status set_labels(const std::string& cluster, const std::string& node,
                            const std::map<std::string, std::optional<std::string>>& labels) = 0;
  virtual Status cordon(const std::string& cluster, const std::string& node, bool unschedulable) = 0;
  // Those bound to the node.
  virtual Result<std::vector<Pod>> list_pods(const std::string& cluster, const std::string& node) = 0;
  // Through the eviction API, which honours PodDisruptionBudgets. This very pod and no other that has its name by now;
  // absent is fine.
  virtual Result<Eviction> evict(const std::string& cluster, const Pod& pod) = 0;
  // Absent is fine.
  virtual Status delete_node(const std::string& cluster, const std::string& node) = 0;
};

}  // namespace slipway::kube
