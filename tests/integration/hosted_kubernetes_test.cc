// A real control plane: etcd, kube-apiserver, controller manager, scheduler, label webhook and their supervisor, as
// docs/threat-model.md promises them. Needs the Kubernetes programs in the cache (packaging/kubernetes/fetch) or in
// SLIPWAY_KUBERNETES; skipped, saying so, where there are none.

#include "kube/hosted/hosted_kubernetes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "base/source_folder_for_tests.h"
#include "kube/cluster_api.h"
#include "kube/hosted/cluster_record.h"
#include "kube/hosted/hosted_plan.h"
#include "kube/kubernetes_contract.h"

namespace slipway::kube {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using std::chrono::steady_clock;

fs::path kubernetes_folder() {
  if (const char* named = std::getenv("SLIPWAY_KUBERNETES"); named != nullptr) return named;
  const char* home = std::getenv("HOME");
  const char* cache = std::getenv("SLIPWAY_CACHE");
  const fs::path base =
      cache != nullptr ? fs::path(cache) : fs::path(home == nullptr ? "/root" : home) / ".cache/slipway";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(base / "kubernetes", error))
    if (entry.path().filename().string().starts_with("v1.") && fs::exists(entry.path() / "kube-apiserver"))
      return entry.path();
  return {};
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <typename Condition>
bool within(seconds limit, Condition condition) {
  const auto deadline = steady_clock::now() + limit;
  while (!condition()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(200));
  }
  return true;
}

// Exit status of `action` in a child that has become the user nobody.
template <typename Action>
int as_nobody(Action action) {
  const pid_t child = fork();
  if (child == 0) {
    if (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(99);
    _exit(action());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// One control plane for all tests of this program.
class World {
 public:
  World() {
    std::string pattern = "/tmp/slipway-hosted-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    spec.id = "it";
    spec.advertise_address = "127.0.0.1";
    options.state_folder = folder_ / "state";
    options.kubernetes_folder = kubernetes_folder();
    options.programs_folder = programs_folder();
    kubernetes = make_hosted_kubernetes(options, clock, random);
    const auto made = kubernetes->ensure_cluster(spec);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    if (made) endpoints = *made;
  }
  ~World() {
    for (const std::string& id : {spec.id, std::string("orphan")})
      if (const Status removed = kubernetes->remove_cluster(id); !removed)
        std::fprintf(stderr, "%s\n", removed.error().message.c_str());
    std::error_code error;
    fs::remove_all(folder_, error);
  }

  fs::path cluster_folder() const { return options.state_folder / spec.id; }
  fs::path run_folder() const { return cluster_folder() / "run"; }
  const fs::path& folder() const { return folder_; }

  std::map<std::string, ProcessIdentity> processes() const {
    std::map<std::string, ProcessIdentity> result;
    const auto recorded = processes_from_json(read_file(run_folder() / kProcessesFile));
    EXPECT_TRUE(recorded.has_value());
    if (recorded)
      for (const RecordedProcess& process : *recorded) result[process.name] = process.identity;
    return result;
  }
  ProcessIdentity supervisor() const {
    return processes_from_json(read_file(cluster_folder() / "supervisor.json"))->front().identity;
  }
  ClusterRecord record() const { return *cluster_record_from_json(read_file(cluster_folder() / "cluster.json")); }

  ClusterApi api(const std::string& certificate, const std::string& key) const {
    http::ClientOptions client;
    client.ca_pem = endpoints.ca;
    client.client_certificate_pem = certificate;
    client.client_key_pem = key;
    return ClusterApi(endpoints.local_api_server, client);
  }
  ClusterApi api_of(const NodeRegistration& node) const {
    return api(node.client_certificate_pem, node.client_key_pem);
  }
  ClusterApi api_of(Credential credential) const {
    const json::value config = json::parse(*kubernetes->kubeconfig(spec.id, credential, "rg", "it", clock.now()));
    const json::value& user = config.at("users").at(0).at("user");
    const auto decoded = [&](const char* key) {
      return std::string(as_text(*from_base64(std::string_view(user.at(key).as_string()))));
    };
    return api(decoded("client-certificate-data"), decoded("client-key-data"));
  }

  SystemClock clock;
  SystemRandom random;
  HostedOptions options;
  ClusterSpec spec;
  std::unique_ptr<Kubernetes> kubernetes;
  std::unique_ptr<NodeRegistrar> registrar = make_https_node_registrar();
  Endpoints endpoints;

 private:
  fs::path folder_;
};

std::unique_ptr<World> the_world;

class WorldEnvironment final : public testing::Environment {
 public:
  void SetUp() override {
    if (!kubernetes_folder().empty()) the_world = std::make_unique<World>();
  }
  void TearDown() override { the_world.reset(); }
};
[[maybe_unused]] const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new WorldEnvironment);

json::object labels_of(const std::map<std::string, std::string>& labels) {
  json::object result;
  for (const auto& [key, value] : labels) result[key] = value;
  return result;
}

Status add_pod(const PodFixture& pod) {
  json::object metadata{{"name", pod.name}, {"labels", labels_of(pod.labels)}};
  json::object spec{{"nodeName", pod.node},
                    {"automountServiceAccountToken", false},
                    {"containers", json::array{json::object{{"name", "c"}, {"image", "pause"}}}}};
  if (pod.is_mirror) metadata["annotations"] = json::object{{"kubernetes.io/config.mirror", "x"}};
  const json::object object{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", metadata}, {"spec", spec}};
  SLIPWAY_TRY(the_world->api_of(Credential::kClusterAdmin)
                  .call("POST", fmt::format("/api/v1/namespaces/{}/pods", pod.space), json::serialize(object)));
  return {};
}

Status add_budget(const BudgetFixture& budget) {
  const json::object object{
      {"apiVersion", "policy/v1beta1"},
      {"kind", "PodDisruptionBudget"},
      {"metadata", json::object{{"name", budget.name}}},
      {"spec", json::object{{"minAvailable", budget.minimum_available},
                            {"selector", json::object{{"matchLabels", labels_of(budget.selector)}}}}}};
  SLIPWAY_TRY(the_world->api_of(Credential::kClusterAdmin)
                  .call("POST", fmt::format("/apis/policy/v1beta1/namespaces/{}/poddisruptionbudgets", budget.space),
                        json::serialize(object)));
  return {};
}

Status remove_label_guard() {
  const ClusterApi admin = the_world->api_of(Credential::kClusterAdmin);
  for (const char* kind : {"mutating", "validating"})
    SLIPWAY_TRY(admin.call(
        "DELETE",
        fmt::format("/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations/slipway-label-guard", kind)));
  return {};
}

ContractSubject hosted_subject() {
  if (!the_world) return {};
  return {the_world->kubernetes.get(),
          the_world->registrar.get(),
          the_world->spec,
          the_world->endpoints,
          the_world->clock.now(),
          add_pod,
          add_budget,
          remove_label_guard};
}

INSTANTIATE_TEST_SUITE_P(Hosted, KubernetesContract, testing::Values(std::function<ContractSubject()>(hosted_subject)));

class HostedKubernetesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!the_world) GTEST_SKIP() << "there are no Kubernetes programs; run packaging/kubernetes/fetch";
    ASSERT_FALSE(world().endpoints.ca.empty()) << "the control plane did not start";
  }
  static World& world() { return *the_world; }

  static NodeRegistration enrolled(const std::string& name) {
    const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
    const auto certificate = world().kubernetes->issue_kubelet_client(world().spec.id, name, key.public_key(),
                                                                      world().clock.now(), seconds(3600));
    NodeRegistration node;
    node.node = name;
    node.api_server = world().endpoints.node_api_server;
    node.cluster_ca = world().endpoints.ca;
    node.client_certificate_pem = certificate->pem();
    node.client_key_pem = key.pem();
    return node;
  }
  static std::string labels_patch(const std::string& value) {
    return R"({"metadata":{"labels":{"kubernetes.azure.com/trusted-launch":)" + value + "}}}";
  }
  // 403, and by the guard rather than by some other rule.
  static void expect_refused_by_guard(const Result<http::Response>& response, const char* what) {
    ASSERT_TRUE(response.has_value()) << what << ": " << response.error().message;
    EXPECT_EQ(response->status, 403) << what << ": " << response->body;
    EXPECT_THAT(response->body, testing::HasSubstr(R"(\"labels.slipway.local\")")) << what;
  }
};

constexpr const char* kMerge = "application/merge-patch+json";

TEST_F(HostedKubernetesTest, ANodesCertificateCannotTouchTheTrustLabels) {
  const NodeRegistration node = enrolled("guard-1");
  const ClusterApi api = world().api_of(node);
  const std::string path = "/api/v1/nodes/guard-1";
  expect_refused_by_guard(
      api.send(
          "POST", "/api/v1/nodes",
          R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"guard-1","labels":{"kubernetes.azure.com/trusted-launch":"true"}}})"),
      "registering with the label");
  ASSERT_TRUE(world().registrar->register_node(node).has_value());
  expect_refused_by_guard(api.send("PATCH", path, labels_patch("\"true\""), kMerge), "setting it on nodes");
  expect_refused_by_guard(api.send("PATCH", path + "/status", labels_patch("\"true\""), kMerge),
                          "setting it on nodes/status");

  ASSERT_TRUE(world().kubernetes->set_labels("it", "guard-1", {{kTrustLabel, "true"}}).has_value());
  expect_refused_by_guard(api.send("PATCH", path, labels_patch("null"), kMerge), "taking it off on nodes");
  expect_refused_by_guard(api.send("PATCH", path + "/status", labels_patch("\"no\""), kMerge),
                          "changing it on nodes/status");
  ASSERT_TRUE(world().kubernetes->set_labels("it", "guard-1", {{kTrustLabel, std::nullopt}}).has_value());
  // Putting back what Slipway took off is the attack that NodeRestriction lets through.
  expect_refused_by_guard(api.send("PATCH", path + "/status", labels_patch("\"true\""), kMerge), "putting it back");
  EXPECT_FALSE((*world().kubernetes->get_node("it", "guard-1"))->labels.contains(kTrustLabel));
}

// Every label of Slipway's own, by each verb with which a kubelet writes its Node.
TEST_F(HostedKubernetesTest, ANodesCertificateCanPutAndPatchNoLabelOfSlipways) {
  const NodeRegistration node = enrolled("guard-5");
  ASSERT_TRUE(world().registrar->register_node(node).has_value());
  const auto set_label = [](json::object& object, const char* label) {
    json::value& labels = object.at("metadata").as_object()["labels"];
    if (!labels.is_object()) labels = json::object{};
    labels.as_object()[label] = "true";
  };
  const ClusterApi api = world().api_of(node);
  const std::string path = "/api/v1/nodes/guard-5";
  for (const char* label : {"kubernetes.azure.com/trusted-launch", "kubernetes.azure.com/secure-boot",
                            "kubernetes.azure.com/security-type", "kubernetes.azure.com/agentpool"}) {
    for (const std::string& resource : {path, path + "/status"}) {
      const std::string what = fmt::format("{} on {}", label, resource);
      expect_refused_by_guard(
          api.send("PATCH", resource, fmt::format(R"({{"metadata":{{"labels":{{"{}":"true"}}}}}})", label), kMerge),
          what.c_str());
      const auto read = api.send("GET", path);
      ASSERT_TRUE(read.has_value() && read->status == 200) << what;
      json::object object = json::parse(read->body).as_object();
      // What a kubelet may do, so that it is the label that is refused.
      set_label(object, "of.its/own");
      EXPECT_EQ(api.send("PUT", resource, json::serialize(object))->status, 200) << what;
      object = json::parse(api.send("GET", path)->body).as_object();
      set_label(object, label);
      expect_refused_by_guard(api.send("PUT", resource, json::serialize(object)), what.c_str());
    }
    EXPECT_FALSE((*world().kubernetes->get_node("it", "guard-5"))->labels.contains(label));
  }
}

TEST_F(HostedKubernetesTest, NeitherKindOfAdministratorCanTouchTheTrustLabels) {
  ASSERT_TRUE(world().registrar->register_node(enrolled("guard-2")).has_value());
  for (const Credential credential : {Credential::kClusterUser, Credential::kClusterAdmin}) {
    const ClusterApi api = world().api_of(credential);
    EXPECT_EQ(api.send("GET", "/api/v1/nodes/guard-2")->status, 200);
    expect_refused_by_guard(api.send("PATCH", "/api/v1/nodes/guard-2", labels_patch("\"true\""), kMerge), "as admin");
  }
}

// A webhook that does not answer is no way around it.
TEST_F(HostedKubernetesTest, WhileTheLabelWebhookHangsNoNodeChangesALabel) {
  const NodeRegistration node = enrolled("guard-4");
  ASSERT_TRUE(world().registrar->register_node(node).has_value());
  const ProcessIdentity webhook = world().processes().at("slipway-label-webhook");
  ASSERT_EQ(kill(webhook.pid, SIGSTOP), 0);
  const auto answer = world().api_of(node).send("PATCH", "/api/v1/nodes/guard-4", labels_patch("\"true\""), kMerge);
  ASSERT_EQ(kill(webhook.pid, SIGCONT), 0);
  if (answer) {
    EXPECT_GE(answer->status, 400) << answer->body;
  }
  EXPECT_FALSE((*world().kubernetes->get_node("it", "guard-4"))->labels.contains(kTrustLabel));
}

TEST_F(HostedKubernetesTest, ANodeSeesNoSecretsAndNobodySeesAnythingWithoutACertificate) {
  const ClusterApi node = world().api_of(enrolled("guard-3"));
  EXPECT_EQ(node.send("GET", "/api/v1/secrets")->status, 403);
  EXPECT_EQ(world().api("", "").send("GET", "/version")->status, 401);
}

TEST_F(HostedKubernetesTest, SecretsAreEncryptedInEtcd) {
  const ClusterApi admin = world().api_of(Credential::kClusterAdmin);
  const std::string secret = "c2xpcHdheS1wbGFpbi10ZXh0LW1hcmtlcg==";  // "slipway-plain-text-marker"
  ASSERT_TRUE(admin
                  .call("POST", "/api/v1/namespaces/default/secrets",
                        R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"k":")" + secret + "\"}}")
                  .has_value());
  // What is no secret is written as it is: these are the files, and they have been written.
  ASSERT_TRUE(
      admin
          .call("POST", "/api/v1/namespaces/default/configmaps",
                R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"k":"slipway-open-marker"}})")
          .has_value());
  bool has_open = false;
  for (const auto& entry : fs::recursive_directory_iterator(world().run_folder() / "etcd")) {
    if (!entry.is_regular_file()) continue;
    const std::string content = read_file(entry.path());
    has_open = has_open || content.find("slipway-open-marker") != std::string::npos;
    EXPECT_EQ(content.find("slipway-plain-text-marker"), std::string::npos) << entry.path();
  }
  EXPECT_TRUE(has_open);
}

TEST_F(HostedKubernetesTest, NothingOfTheClusterIsReadableByOthers) {
  int seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator(world().options.state_folder)) {
    struct stat status {};
    ASSERT_EQ(lstat(entry.path().c_str(), &status), 0) << entry.path();
    EXPECT_EQ(status.st_mode & 077U, 0U) << entry.path();
    ++seen;
  }
  EXPECT_GT(seen, 20);
  if (geteuid() != 0) GTEST_SKIP() << "only root can become nobody";
  // The folder above is opened up, so that it is the cluster's own folders that refuse.
  ASSERT_EQ(chmod(world().folder().c_str(), 0755), 0);
  for (const fs::path& path :
       {world().options.state_folder, world().cluster_folder(), world().run_folder(),
        world().cluster_folder() / "authorities.json", world().run_folder() / "pki/apiserver.key"})
    EXPECT_EQ(as_nobody([&] { return open(path.c_str(), O_RDONLY) < 0 && errno == EACCES ? 0 : 1; }), 0) << path;
  // Hosted programs run as a user of their own, to which the authorities' keys are closed.
  for (const auto& [name, identity] : world().processes()) {
    struct stat status {};
    ASSERT_EQ(stat(fmt::format("/proc/{}", identity.pid).c_str(), &status), 0) << name;
    EXPECT_NE(status.st_uid, 0U) << name;
  }
  struct stat authorities {};
  ASSERT_EQ(stat((world().cluster_folder() / "authorities.json").c_str(), &authorities), 0);
  EXPECT_EQ(authorities.st_uid, 0U);
}

TEST_F(HostedKubernetesTest, EtcdRefusesWhoHasNoCertificateOfItsOwnAuthority) {
  const std::string url = fmt::format("https://127.0.0.1:{}/health", world().record().ports.etcd);
  http::ClientOptions options;
  options.ca_pem = read_file(world().run_folder() / "pki/etcd-ca.pem");
  EXPECT_FALSE(http::Client(options).send({"GET", url, {}, ""}).has_value());
  // One of the same cluster, but of another purpose.
  options.client_certificate_pem = read_file(world().run_folder() / "pki/apiserver-kubelet.pem");
  options.client_key_pem = read_file(world().run_folder() / "pki/apiserver-kubelet.key");
  EXPECT_FALSE(http::Client(options).send({"GET", url, {}, ""}).has_value());
  options.client_certificate_pem = read_file(world().run_folder() / "pki/apiserver-etcd.pem");
  options.client_key_pem = read_file(world().run_folder() / "pki/apiserver-etcd.key");
  const auto answered = http::Client(options).send({"GET", url, {}, ""});
  ASSERT_TRUE(answered.has_value()) << answered.error().message;
  EXPECT_EQ(answered->status, 200);
}

// The other tests here are the proof that the apiserver reaches it: it fails closed.
TEST_F(HostedKubernetesTest, TheLabelWebhookAnswersNobodyButTheApiserver) {
  const std::string url = fmt::format("https://127.0.0.1:{}/review", world().record().ports.webhook);
  http::ClientOptions options;
  options.ca_pem = read_file(world().run_folder() / "pki/serving-ca.pem");
  EXPECT_FALSE(http::Client(options).send({"POST", url, {}, "{}"}).has_value());
  // A user of the cluster.
  options.client_certificate_pem = read_file(world().run_folder() / "pki/apiserver-kubelet.pem");
  options.client_key_pem = read_file(world().run_folder() / "pki/apiserver-kubelet.key");
  EXPECT_FALSE(http::Client(options).send({"POST", url, {}, "{}"}).has_value());
  options.client_certificate_pem = read_file(world().run_folder() / "pki/front-proxy.pem");
  options.client_key_pem = read_file(world().run_folder() / "pki/front-proxy.key");
  const auto answered = http::Client(options).send({"POST", url, {}, "{}"});
  ASSERT_TRUE(answered.has_value()) << answered.error().message;
  EXPECT_EQ(answered->status, 400);
}

TEST_F(HostedKubernetesTest, TwoHundredLabelPatchesAndPodsLeaveNoPanicInAnyLog) {
  const NodeRegistration node = enrolled("patched");
  ASSERT_TRUE(world().registrar->register_node(node).has_value());
  for (int i = 0; i < 200; ++i) {
    const Status set = world().kubernetes->set_labels(
        "it", node.node,
        {{kTrustLabel, i % 2 == 0 ? std::optional<std::string>("true") : std::nullopt}, {"round", std::to_string(i)}});
    ASSERT_TRUE(set.has_value()) << i << ": " << set.error().message;
  }
  ASSERT_TRUE(world().kubernetes->set_labels("it", node.node, {{kTrustLabel, "true"}}).has_value());
  const ClusterApi admin = world().api_of(Credential::kClusterUser);
  for (int i = 0; i < 10; ++i) {
    const std::string pod = fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p{}"}},"spec":{{"nodeSelector":{{"kubernetes.azure.com/trusted-launch":"true","round":"199"}},"containers":[{{"name":"c","image":"pause"}}]}}}})",
        i);
    const auto made = admin.call("POST", "/api/v1/namespaces/default/pods", pod);
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }
  // The scheduler and the controllers work: each pod is bound to the one node that carries the labels.
  EXPECT_TRUE(within(seconds(60), [&] {
    static_cast<void>(world().registrar->heartbeat(node));
    const auto pods = admin.call("GET", "/api/v1/namespaces/default/pods?fieldSelector=spec.nodeName=patched");
    return pods && json::parse(*pods).at("items").as_array().size() == 10;
  }));
  for (const auto& entry : fs::directory_iterator(world().run_folder() / "logs")) {
    const std::string log = read_file(entry.path());
    EXPECT_EQ(log.find("panic"), std::string::npos) << entry.path();
    EXPECT_EQ(log.find("SIGSEGV"), std::string::npos) << entry.path();
  }
}

TEST_F(HostedKubernetesTest, ASecondInstanceAdoptsAndStartsNothing) {
  const auto before = world().processes();
  const ProcessIdentity supervisor = world().supervisor();
  const auto second = make_hosted_kubernetes(world().options, world().clock, world().random);
  const auto endpoints = second->ensure_cluster(world().spec);
  ASSERT_TRUE(endpoints.has_value()) << endpoints.error().message;
  EXPECT_EQ(endpoints->port, world().endpoints.port);
  EXPECT_EQ(world().processes(), before);
  EXPECT_EQ(world().supervisor(), supervisor);
}

// The parent that starts a control plane and dies: nothing here is the test's child then.
TEST_F(HostedKubernetesTest, AKilledApiserverComesBackWhileSlipwayIsDead) {
  World& other = world();
  ClusterSpec spec = other.spec;
  spec.id = "orphan";
  const pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    const auto kubernetes = make_hosted_kubernetes(other.options, other.clock, other.random);
    _exit(kubernetes->ensure_cluster(spec).has_value() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  ASSERT_EQ(status, 0) << "the control plane of the dead parent did not start";

  const fs::path run = other.options.state_folder / "orphan/run";
  const auto processes = [&] {
    std::map<std::string, ProcessIdentity> result;
    const auto recorded = processes_from_json(read_file(run / kProcessesFile));
    if (recorded)
      for (const RecordedProcess& process : *recorded) result[process.name] = process.identity;
    return result;
  };
  const auto before = processes();
  ASSERT_EQ(before.size(), 5U);
  struct stat owner {};
  ASSERT_EQ(stat(run.c_str(), &owner), 0);
  ASSERT_TRUE(send_signal(before.at("kube-apiserver"), owner.st_uid, SIGKILL).has_value());
  const auto kubernetes = make_hosted_kubernetes(other.options, other.clock, other.random);
  EXPECT_TRUE(within(seconds(120), [&] {
    const auto now = processes();
    return now.contains("kube-apiserver") && now.at("kube-apiserver") != before.at("kube-apiserver") &&
           kubernetes->list_nodes("orphan").has_value();
  }));
  EXPECT_EQ(processes().at("etcd"), before.at("etcd"));

  // A killed supervisor leaves its programs running; the next one adopts them.
  const ProcessIdentity supervisor =
      processes_from_json(read_file(other.options.state_folder / "orphan/supervisor.json"))->front().identity;
  const auto running = processes();
  ASSERT_TRUE(send_signal(supervisor, owner.st_uid, SIGKILL).has_value());
  ASSERT_TRUE(within(seconds(10), [&] { return !is_running(supervisor, owner.st_uid); }));
  for (const auto& [name, identity] : running) EXPECT_TRUE(is_running(identity, owner.st_uid)) << name;
  ASSERT_TRUE(kubernetes->ensure_cluster(spec).has_value());
  EXPECT_EQ(processes(), running);

  ASSERT_TRUE(kubernetes->remove_cluster("orphan").has_value());
  for (const auto& [name, identity] : running) EXPECT_FALSE(is_running(identity, owner.st_uid)) << name;
  EXPECT_FALSE(fs::exists(other.options.state_folder / "orphan"));
  EXPECT_TRUE(world().kubernetes->list_nodes("it").has_value()) << "the neighbour must not notice";
}

}  // namespace
}  // namespace slipway::kube
