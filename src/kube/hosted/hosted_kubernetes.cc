#include "kube/hosted/hosted_kubernetes.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <mutex>
#include <set>
#include <thread>

#include "kube/cluster_api.h"
#include "kube/hosted/addons.h"
#include "kube/hosted/cluster_files.h"
#include "kube/hosted/ports.h"
#include "kube/hosted/supervised_plane.h"
#include "kube/kubeconfig.h"
#include "kube/label_review.h"

namespace slipway::kube {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr const char* kRecordFile = "cluster.json";
constexpr const char* kAuthoritiesFile = "authorities.json";
constexpr const char* kRunFolder = "run";
constexpr seconds kOwnLifetime{3600};
constexpr milliseconds kReadyPoll{250};

// A cluster as this process knows it; loaded from its folder when it is first asked for.
struct HostedCluster {
  ClusterRecord record;
  Authorities authorities;
  std::optional<crypto::Identity> own;  // Slipway's own user; its key is never on disk
  std::string eviction_version;         // "" before the first eviction
};

class HostedKubernetes final : public Kubernetes {
 public:
  HostedKubernetes(HostedOptions options, const Clock& clock, Random& random)
      : options_(std::move(options)), clock_(clock), random_(random) {}

  Result<Endpoints> ensure_cluster(const ClusterSpec& spec) override {
    SLIPWAY_TRY(check_spec(spec));
    const std::shared_ptr<std::mutex> changing = change_lock(spec.id);
    const std::lock_guard lock(*changing);
    SLIPWAY_ASSIGN(const Account account, hosted_account(options_.user));
    SLIPWAY_ASSIGN(const PrivateFolder folder, open_cluster_folder(spec.id));
    SLIPWAY_ASSIGN(const PrivateFolder run, PrivateFolder::open(folder.path() / kRunFolder, account));
    SLIPWAY_ASSIGN(const ClusterRecord record, ensure_record(folder, spec));
    SLIPWAY_ASSIGN(const Authorities authorities, ensure_authorities(folder, spec.id));
    SLIPWAY_ASSIGN(const auto revisions, ensure_cluster_files(folder, run, record, authorities, clock_.now(), random_));
    SLIPWAY_ASSIGN(const HostedPlan plan, make_plan(options_, record, revisions));
    SLIPWAY_TRY(ensure_supervisor(options_, folder, run, plan));
    {
      const std::lock_guard cache(mutex_);
      clusters_.insert_or_assign(spec.id, std::make_shared<HostedCluster>(HostedCluster{record, authorities, {}, {}}));
    }
    SLIPWAY_TRY(settle(spec.id, record, authorities, run));
    return endpoints_of(record, authorities);
  }

  Status remove_cluster(const std::string& cluster) override {
    if (!is_cluster_id(cluster))
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is no cluster's id", cluster));
    const std::shared_ptr<std::mutex> changing = change_lock(cluster);
    const std::lock_guard lock(*changing);
    const fs::path path = options_.state_folder / cluster;
    std::error_code error;
    if (fs::exists(path, error)) {
      SLIPWAY_ASSIGN(const Account account, hosted_account(options_.user));
      SLIPWAY_ASSIGN(const PrivateFolder folder, open_cluster_folder(cluster));
      SLIPWAY_ASSIGN(const PrivateFolder run, PrivateFolder::open(folder.path() / kRunFolder, account));
      SLIPWAY_TRY(stop_plane(folder, run));
      fs::remove_all(path, error);
      if (error)
        return fail(ErrorCode::kInternal, fmt::format("the folder {} of the removed cluster {} cannot be removed: {}",
                                                      path.string(), cluster, error.message()));
    }
    const std::lock_guard cache(mutex_);
    clusters_.erase(cluster);
    return {};
  }

  Status check_label_guard(const std::string& cluster) override {
    SLIPWAY_ASSIGN(const std::shared_ptr<HostedCluster> found, find(cluster));
    SLIPWAY_ASSIGN(const ClusterApi probe, guard_probe(found->record, found->authorities));
    return guard_refuses(probe);
  }

  Result<crypto::Certificate> issue_kubelet_client(const std::string& cluster, const std::string& node,
                                                   const crypto::PublicKey& key, Time now, seconds lifetime) override {
    SLIPWAY_ASSIGN(const std::shared_ptr<HostedCluster> found, find(cluster));
    return issue_kubelet_client_certificate(found->authorities, node, key, now, lifetime, random_);
  }

  Result<crypto::Certificate> issue_kubelet_serving(const std::string& cluster, const std::string& node,
                                                    const std::vector<std::string>& ip_addresses,
                                                    const crypto::PublicKey& key, Time now, seconds lifetime) override {
    SLIPWAY_ASSIGN(const std::shared_ptr<HostedCluster> found, find(cluster));
    return issue_kubelet_serving_certificate(found->authorities, node, ip_addresses, key, now, lifetime, random_);
  }

  Result<std::string> kubeconfig(const std::string& cluster, Credential credential, const std::string& resource_group,
                                 const std::string& name, Time now) override {
    SLIPWAY_ASSIGN(const std::shared_ptr<HostedCluster> found, find(cluster));
    return make_user_kubeconfig(found->authorities, endpoints_of(found->record, found->authorities), credential,
                                resource_group, name, now, random_);
  }

  Result<std::vector<Node>> list_nodes(const std::string& cluster) override {
    SLIPWAY_ASSIGN(const ClusterApi api, own_api(cluster));
    return api.list_nodes();
  }

  Result<std::optional<Node>> get_node(const std::string& cluster, const std::string& node) override {
    SLIPWAY_ASSIGN(const ClusterApi api, own_api(cluster));
    Result<Node> found = api.get_node(node);
    if (found) return std::move(*found);
    if (found.error().code == ErrorCode::kNotFound) return std::optional<Node>();
    return fail(found.error());
  }

  Status set_labels(const std::string& cluster, const std::string& node,
                    const std::map<std::string, std::optional<std::string>>& labels) override {
    SLIPWAY_ASSIGN(const ClusterApi api, own_api(cluster));
    return api.set_labels(node, labels);
  }

  Status cordon(const std::string& cluster, const std::string& node, bool unschedulable) override {
    SLIPWAY_ASSIGN(const ClusterApi api, own_api(cluster));
    return api.cordon(node, unschedulable);
  }

  Result<std::vector<Pod>> list_pods(const std::string& cluster, const std::string& node) override {
    SLIPWAY_ASSIGN(const ClusterApi api, own_api(cluster));
    return api.list_pods(node);
  }

  Result<Eviction> evict(const std::string& cluster, const Pod& pod) override {
    SLIPWAY_ASSIGN(const ClusterApi api, own_api(cluster));
    SLIPWAY_ASSIGN(const std::shared_ptr<HostedCluster> found, find(cluster));
    std::string version;
    {
      const std::lock_guard lock(mutex_);
      version = found->eviction_version;
    }
    if (version.empty()) {
      SLIPWAY_ASSIGN(version, api.eviction_version());
      const std::lock_guard lock(mutex_);
      found->eviction_version = version;
    }
    return api.evict(pod, version);
  }

  Status delete_node(const std::string& cluster, const std::string& node) override {
    SLIPWAY_ASSIGN(const ClusterApi api, own_api(cluster));
    return api.delete_node(node);
  }

 private:
  // One change of a cluster at a time; reading and issuing go on meanwhile.
  std::shared_ptr<std::mutex> change_lock(const std::string& cluster) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<std::mutex>& result = changing_[cluster];
    if (!result) result = std::make_shared<std::mutex>();
    return result;
  }

  Result<PrivateFolder> open_cluster_folder(const std::string& cluster) const {
    SLIPWAY_TRY(PrivateFolder::open(options_.state_folder, own_account()));
    return PrivateFolder::open(options_.state_folder / cluster, own_account());
  }

  // Ports that other clusters here have on record, running or not.
  Result<std::set<int>> recorded_ports() const {
    std::set<int> ports;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(options_.state_folder, error)) {
      if (!is_cluster_id(entry.path().filename().string())) continue;
      SLIPWAY_ASSIGN(const PrivateFolder folder, open_cluster_folder(entry.path().filename().string()));
      SLIPWAY_ASSIGN(const std::optional<std::string> text, folder.read(kRecordFile));
      if (!text) continue;
      SLIPWAY_ASSIGN(const ClusterRecord record, cluster_record_from_json(*text));
      ports.insert({record.ports.apiserver, record.ports.etcd, record.ports.etcd_peer, record.ports.webhook});
    }
    return ports;
  }

  Result<ClusterRecord> ensure_record(const PrivateFolder& folder, const ClusterSpec& spec) {
    // Two clusters that are made at once must not be given the same ports.
    const std::lock_guard lock(ports_mutex_);
    SLIPWAY_ASSIGN(const std::optional<std::string> text, folder.read(kRecordFile));
    ClusterRecord record;
    if (text) {
      SLIPWAY_ASSIGN(record, cluster_record_from_json(*text));
    } else {
      SLIPWAY_ASSIGN(const std::set<int> taken, recorded_ports());
      const std::string loopback = "127.0.0.1";
      SLIPWAY_ASSIGN(const std::vector<int> ports,
                     choose_free_ports({spec.advertise_address, loopback, loopback, loopback}, taken, random_));
      record.ports = HostedPorts{ports[0], ports[1], ports[2], ports[3]};
    }
    record.spec = spec;
    const std::string wanted = to_json(record);
    if (text != wanted) SLIPWAY_TRY(folder.write(kRecordFile, wanted));
    return record;
  }

  Result<Authorities> ensure_authorities(const PrivateFolder& folder, const std::string& cluster) {
    SLIPWAY_ASSIGN(const std::optional<std::string> text, folder.read(kAuthoritiesFile));
    if (text) return authorities_from_json(*text);
    SLIPWAY_ASSIGN(Authorities authorities, make_authorities(cluster, clock_.now(), random_));
    SLIPWAY_TRY(folder.write(kAuthoritiesFile, to_json(authorities)));
    return authorities;
  }

  Result<std::shared_ptr<HostedCluster>> find(const std::string& cluster) {
    const std::lock_guard lock(mutex_);
    const auto cached = clusters_.find(cluster);
    if (cached != clusters_.end()) return cached->second;
    std::error_code error;
    const auto absent = [&] { return fail(ErrorCode::kNotFound, fmt::format("there is no cluster {}", cluster)); };
    if (!is_cluster_id(cluster) || !fs::exists(options_.state_folder / cluster / kAuthoritiesFile, error))
      return absent();
    SLIPWAY_ASSIGN(const PrivateFolder folder, open_cluster_folder(cluster));
    SLIPWAY_ASSIGN(const std::optional<std::string> record_text, folder.read(kRecordFile));
    SLIPWAY_ASSIGN(const std::optional<std::string> authorities_text, folder.read(kAuthoritiesFile));
    if (!record_text || !authorities_text) return absent();
    SLIPWAY_ASSIGN(const ClusterRecord record, cluster_record_from_json(*record_text));
    SLIPWAY_ASSIGN(const Authorities authorities, authorities_from_json(*authorities_text));
    auto loaded = std::make_shared<HostedCluster>(HostedCluster{record, authorities, {}, {}});
    clusters_.emplace(cluster, loaded);
    return loaded;
  }

  static ClusterApi api_as(const ClusterRecord& record, const Authorities& authorities, const crypto::Identity& user) {
    const Endpoints endpoints = endpoints_of(record, authorities);
    http::ClientOptions options;
    options.ca_pem = endpoints.ca;
    options.client_certificate_pem = user.certificate.pem();
    options.client_key_pem = user.key.pem();
    return ClusterApi(endpoints.local_api_server, std::move(options));
  }

  // The apiserver as Slipway's own user, whose certificate lives an hour and is made again at half-life.
  Result<ClusterApi> own_api(const std::string& cluster) {
    SLIPWAY_ASSIGN(const std::shared_ptr<HostedCluster> found, find(cluster));
    const std::lock_guard lock(mutex_);
    const Time now = clock_.now();
    if (!found->own || found->own->certificate.not_after() - now < kOwnLifetime / 2) {
      SLIPWAY_ASSIGN(crypto::Identity identity, issue_user(found->authorities, std::string(kControlPlaneUser),
                                                           {"system:masters"}, now, kOwnLifetime, random_));
      found->own = std::move(identity);
    }
    return api_as(found->record, found->authorities, *found->own);
  }

  // Waits for the apiserver, applies the add-ons, and returns once the label guard is seen to refuse.
  Status settle(const std::string& cluster, const ClusterRecord& record, const Authorities& authorities,
                const PrivateFolder& run) {
    SLIPWAY_ASSIGN(const ClusterApi api, own_api(cluster));
    const auto deadline = std::chrono::steady_clock::now() + options_.ready_timeout;
    const std::string logs = (run.path() / "logs").string();
    SLIPWAY_TRY(wait_until(deadline, fmt::format("the apiserver of cluster {} is not ready; see {}", cluster, logs),
                           [&] { return answers(api, "/readyz"); }));
    for (const Addon& addon : addons_of(record, authorities)) SLIPWAY_TRY(api.apply(addon.path, addon.object));
    // The apiserver takes up a new webhook a moment after it is stored. No node gets a certificate before that.
    SLIPWAY_ASSIGN(const ClusterApi probe, guard_probe(record, authorities));
    SLIPWAY_TRY(wait_until(deadline,
                           fmt::format("the label guard of cluster {} does not answer; see {}", cluster, logs),
                           [&] { return guard_refuses(probe); }));
    // Pods are refused before their service account exists.
    return wait_until(deadline,
                      fmt::format("the controller manager of cluster {} does not work; see {}", cluster, logs),
                      [&] { return answers(api, "/api/v1/namespaces/default/serviceaccounts/default"); });
  }

  static Status answers(const ClusterApi& api, const std::string& path) {
    SLIPWAY_TRY(api.call("GET", path));
    return {};
  }

  // A user to whom RBAC allows everything and who is not Slipway's own.
  Result<ClusterApi> guard_probe(const ClusterRecord& record, const Authorities& authorities) {
    SLIPWAY_ASSIGN(const crypto::Identity stranger, issue_user(authorities, "slipway:guard-probe", {"system:masters"},
                                                               clock_.now(), seconds(600), random_));
    return api_as(record, authorities, stranger);
  }

  // A dry run of what the guard is there to refuse.
  static Status guard_refuses(const ClusterApi& probe) {
    const json::object labels{{std::string(kGuardedLabelPrefix) + "trusted-launch", "true"}};
    const json::object node{{"apiVersion", "v1"},
                            {"kind", "Node"},
                            {"metadata", json::object{{"name", "slipway-guard-probe"}, {"labels", labels}}}};
    SLIPWAY_ASSIGN(const http::Response response,
                   probe.send("POST", "/api/v1/nodes?dryRun=All", json::serialize(node)));
    // The name in quotes, as JSON writes them: the guard that is asked first, without which updates go unseen.
    if (response.status == 403 && response.body.find(fmt::format("\\\"{}\\\"", kLabelGuard)) != std::string::npos)
      return {};
    return fail(ErrorCode::kPreconditionFailed,
                fmt::format("a node with a trust label was answered with {} and not refused: {}", response.status,
                            response.body.substr(0, 200)));
  }

  static Status wait_until(std::chrono::steady_clock::time_point deadline, const std::string& what,
                           const std::function<Status()>& condition) {
    for (;;) {
      Status met = condition();
      if (met) return {};
      if (std::chrono::steady_clock::now() >= deadline)
        return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", what, met.error().message));
      std::this_thread::sleep_for(kReadyPoll);
    }
  }

  const HostedOptions options_;
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;  // of the two maps, HostedCluster::own and ::eviction_version
  std::mutex ports_mutex_;
  std::map<std::string, std::shared_ptr<HostedCluster>> clusters_;
  std::map<std::string, std::shared_ptr<std::mutex>> changing_;
};

}  // namespace

std::unique_ptr<Kubernetes> make_hosted_kubernetes(HostedOptions options, const Clock& clock, Random& random) {
  return std::make_unique<HostedKubernetes>(std::move(options), clock, random);
}

}  // namespace slipway::kube
