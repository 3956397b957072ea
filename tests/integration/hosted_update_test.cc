// Updates of a pool before a real control plane: slipwayd with VMs in memory, whose kubelets are simulated, and with
// the scheduler, the disruption controller and the eviction API of a real Kubernetes. Skipped, saying so, where there
// are no Kubernetes programs.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "kube/cluster_api.h"
#include "slipwayd_process.h"

namespace slipway {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

const std::string kCluster = "/resourceGroups/group/providers/Microsoft.ContainerService/managedClusters/cluster";
const std::string kPool = kCluster + "/agentPools/web";
const std::string kBudgets = "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets";

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

std::string text_at(const json::value& value, const std::string& pointer) {
  json::error_code error;
  const json::value* const found = value.find_pointer(pointer, error);
  if (found == nullptr) return {};
  return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

class HostedUpdate : public PreparedSlipwayd {
 protected:
  void SetUp() override {
    if (kubernetes_folder().empty()) GTEST_SKIP() << "there are no Kubernetes programs; run packaging/kubernetes/fetch";
    PreparedSlipwayd::SetUp();
    if (HasFatalFailure()) return;
    state_ = root_ / "prepared";
    std::ofstream(root_ / "config.json") << R"({"rules":{"trustedLaunch":{"minimumKubernetesVersion":"1.20.2"}}})";
    process_ = std::make_unique<Process>(
        state_, listen_,
        std::vector<std::string>{"--kubernetes", "hosted", "--kubernetes-binaries", kubernetes_folder().string(),
                                 "--config", (root_ / "config.json").string()});
    ASSERT_TRUE(wait_for([&] { return answers(state_); })) << process_->log();
    client_ = std::make_unique<Client>(state_);
    ASSERT_EQ(client_
                  ->call("PUT", kCluster,
                         R"({"location":"local","properties":{"agentPoolProfiles":[
                             {"name":"system","mode":"System","count":1},
                             {"name":"web","mode":"User","count":2,"securityProfile":{"enableVTPM":true}}]}})")
                  .first,
              201);
    ASSERT_TRUE(ended()) << process_->log();
    ASSERT_EQ(operation_status(*client_, client_->operation()), "Succeeded") << process_->log();
    connect();
  }
  void TearDown() override {
    if (client_) {
      client_->call("DELETE", kCluster);
      EXPECT_TRUE(wait_for([&] { return client_->call("GET", kCluster).first == 404; })) << "the cluster stays";
    }
    process_.reset();
    if (!root_.empty()) PreparedSlipwayd::TearDown();
  }

  void connect() {
    const auto [status, body] = client_->call("POST", kCluster + "/listClusterAdminCredential");
    ASSERT_EQ(status, 200);
    const auto decoded = [](const json::value& value) {
      return std::string(as_text(from_base64(std::string_view(value.as_string())).value()));
    };
    const json::value config = json::parse(decoded(body.at("kubeconfigs").at(0).at("value")));
    http::ClientOptions options;
    const json::value& cluster = config.at("clusters").at(0).at("cluster");
    options.ca_pem = decoded(cluster.at("certificate-authority-data"));
    const json::value& user = config.at("users").at(0).at("user");
    options.client_certificate_pem = decoded(user.at("client-certificate-data"));
    options.client_key_pem = decoded(user.at("client-key-data"));
    admin_ = std::make_unique<kube::ClusterApi>(std::string(cluster.at("server").as_string()), std::move(options));
  }

  json::value kubernetes(const std::string& path) {
    const auto answer = admin_->call("GET", path);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? json::parse(*answer) : json::value();
  }
  void make(const std::string& path, const std::string& object) {
    const auto answer = admin_->call("POST", path, object);
    ASSERT_TRUE(answer) << answer.error().message;
  }
  // Pods of the deployment that are Ready and stay.
  int ready_pods() {
    int count = 0;
    const json::value pods = kubernetes("/api/v1/namespaces/default/pods?labelSelector=app%3Dweb");
    if (!pods.is_object()) return 0;
    for (const json::value& pod : pods.at("items").as_array()) {
      if (pod.at("metadata").as_object().contains("deletionTimestamp")) continue;
      const json::value* const conditions = pod.at("status").as_object().if_contains("conditions");
      if (conditions == nullptr) continue;
      for (const json::value& condition : conditions->as_array()) {
        count += text_at(condition, "/type") == "Ready" && text_at(condition, "/status") == "True" ? 1 : 0;
      }
    }
    return count;
  }
  std::set<std::string> nodes() {
    std::set<std::string> names;
    const json::value list = kubernetes("/api/v1/nodes?labelSelector=agentpool%3Dweb");
    for (const json::value& node : list.at("items").as_array()) names.insert(text_at(node, "/metadata/name"));
    return names;
  }
  int cordoned() {
    int count = 0;
    const json::value list = kubernetes("/api/v1/nodes");
    for (const json::value& node : list.at("items").as_array()) {
      count += text_at(node, "/spec/unschedulable") == "true" ? 1 : 0;
    }
    return count;
  }

  // A deployment on the pool's nodes, and a budget that keeps `minimum` of its pods.
  void deploy(int replicas, int minimum) {
    make("/apis/apps/v1/namespaces/default/deployments",
         fmt::format(R"({{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"web"}},"spec":{{
           "replicas":{},"selector":{{"matchLabels":{{"app":"web"}}}},"template":{{"metadata":{{"labels":{{"app":"web"}}}},
           "spec":{{"nodeSelector":{{"agentpool":"web"}},"terminationGracePeriodSeconds":1,
           "containers":[{{"name":"c","image":"pause"}}]}}}}}}}})",
                     replicas));
    make(kBudgets, fmt::format(R"({{"apiVersion":"policy/v1beta1","kind":"PodDisruptionBudget",
           "metadata":{{"name":"web-budget"}},"spec":{{"minAvailable":{},"selector":{{"matchLabels":{{"app":"web"}}}}}}}})",
                               minimum));
    ASSERT_TRUE(wait_for([&] { return ready_pods() == replicas; }));
  }

  // Until the last operation has ended; `look` at each poll.
  template <typename Look>
  bool ended(const Look& look) {
    return wait_for([&] {
      const json::value body = client_->poll(client_->operation()).second;
      look(body);
      return body.is_object() && text_at(body, "/status") != "InProgress";
    });
  }
  bool ended() {
    return ended([](const json::value&) {});
  }
  json::value operation() { return client_->poll(client_->operation()).second; }

  fs::path state_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<kube::ClusterApi> admin_;
};

TEST_F(HostedUpdate, HonoursRealDisruptionBudgets) {
  deploy(3, 2);
  const std::set<std::string> before = nodes();
  ASSERT_EQ(before.size(), 2U);

  // S84, S92: every node is made again, and the budget holds at every moment.
  ASSERT_EQ(client_->call("PUT", kPool, R"({"properties":{"securityProfile":{"enableSecureBoot":true}}})").first, 200);
  int least = 3, most_cordoned = 0;
  std::string progress;
  ASSERT_TRUE(ended([&](const json::value& body) {
    least = std::min(least, ready_pods());
    most_cordoned = std::max(most_cordoned, cordoned());
    if (text_at(body, "/properties/progress").find("is drained") != std::string::npos) {
      progress = text_at(body, "/properties/progress");
    }
  })) << process_->log();
  EXPECT_EQ(text_at(operation(), "/status"), "Succeeded") << json::serialize(operation());
  EXPECT_GE(least, 2) << "the budget was broken";
  EXPECT_EQ(most_cordoned, 1) << "one at a time";
  EXPECT_NE(progress.find("nodes up to date; aks-web-"), std::string::npos) << progress;
  for (const std::string& name : nodes()) EXPECT_FALSE(before.contains(name)) << name;
  EXPECT_EQ(nodes().size(), 2U);
  const json::value labelled =
      kubernetes("/api/v1/nodes?labelSelector=kubernetes.azure.com%2Fsecure-boot%3Dtrue,agentpool%3Dweb");
  EXPECT_EQ(labelled.at("items").as_array().size(), 2U);

  // A budget that lets nothing go: the update stops, names it, and gives the node back.
  const auto patched =
      admin_->call("PATCH", kBudgets + "/web-budget", R"({"spec":{"minAvailable":3}})", "application/merge-patch+json");
  ASSERT_TRUE(patched) << patched.error().message;
  const std::set<std::string> middle = nodes();
  const std::string off = R"({"properties":{"securityProfile":{"enableSecureBoot":false},
                             "upgradeSettings":{"drainTimeoutInMinutes":1}}})";
  ASSERT_EQ(client_->call("PUT", kPool, off).first, 200);
  bool named = false;
  ASSERT_TRUE(ended([&](const json::value& body) {
    named = named || text_at(body, "/properties/progress").find("web-budget needs 3 healthy pods") != std::string::npos;
  })) << process_->log();
  EXPECT_TRUE(named) << "the progress names the budget";
  EXPECT_EQ(text_at(operation(), "/error/code"), "PodDrainFailure") << json::serialize(operation());
  EXPECT_NE(text_at(operation(), "/error/message").find("web-budget needs 3 healthy pods"), std::string::npos)
      << json::serialize(operation());
  EXPECT_TRUE(wait_for([&] { return cordoned() == 0; })) << "the node is not given back";
  EXPECT_EQ(ready_pods(), 3);
  EXPECT_EQ(text_at(client_->call("GET", kPool).second, "/properties/provisioningState"), "Failed");

  // The same request again goes on, once the budget is gone.
  ASSERT_TRUE(admin_->call("DELETE", kBudgets + "/web-budget"));
  ASSERT_EQ(client_->call("PUT", kPool, off).first, 200);
  ASSERT_TRUE(ended()) << process_->log();
  EXPECT_EQ(text_at(operation(), "/status"), "Succeeded") << json::serialize(operation());
  const std::set<std::string> after = nodes();
  for (const std::string& name : after) EXPECT_FALSE(middle.contains(name) || before.contains(name)) << name;

  // A scale-down drains too: the pods move to the node that stays.
  ASSERT_EQ(client_->call("PUT", kPool, R"({"properties":{"count":1}})").first, 200);
  ASSERT_TRUE(ended()) << process_->log();
  EXPECT_EQ(text_at(operation(), "/status"), "Succeeded") << json::serialize(operation());
  EXPECT_EQ(nodes().size(), 1U);
  EXPECT_TRUE(wait_for([&] { return ready_pods() == 3; }));
}

}  // namespace
}  // namespace slipway
