#pragma once

// What every Kubernetes keeps, hosted or in memory. One test program instantiates it for each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "kube/kubernetes.h"
#include "kube/node_registration.h"
#include "kube/pod_fixtures.h"

namespace slipway::kube {

// What a contract test works with. The cluster exists when the factory returns; without a `kubernetes` the tests are
// skipped.
struct ContractSubject {
  Kubernetes* kubernetes = nullptr;
  NodeRegistrar* registrar = nullptr;
  ClusterSpec spec;
  Endpoints endpoints;
  Time now;
  std::function<Status(const PodFixture&)> add_pod;
  std::function<Status(const BudgetFixture&)> add_budget;
  std::function<Status()> remove_label_guard;
};

class KubernetesContract : public testing::TestWithParam<std::function<ContractSubject()>> {
 protected:
  void SetUp() override {
    subject_ = GetParam()();
    if (subject_.kubernetes == nullptr) GTEST_SKIP() << "there is nothing to test here";
    ASSERT_FALSE(subject_.endpoints.ca.empty()) << "the cluster was not made";
  }

  Kubernetes& kubernetes() { return *subject_.kubernetes; }
  const std::string& cluster() const { return subject_.spec.id; }

  // A node with a certificate as enrolment would issue it.
  NodeRegistration enrolled(const std::string& name, seconds lifetime = seconds(3600)) {
    const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
    const auto certificate =
        kubernetes().issue_kubelet_client(cluster(), name, key.public_key(), subject_.now, lifetime);
    EXPECT_TRUE(certificate.has_value()) << certificate.error().message;
    NodeRegistration node;
    node.node = name;
    node.api_server = subject_.endpoints.node_api_server;
    node.cluster_ca = subject_.endpoints.ca;
    node.client_certificate_pem = certificate ? certificate->pem() : "";
    node.client_key_pem = key.pem();
    node.internal_ip = "10.77.0.9";
    node.labels = {{"kubernetes.io/os", "linux"}};
    return node;
  }

  void register_ok(const NodeRegistration& node) {
    const Status registered = subject_.registrar->register_node(node);
    ASSERT_TRUE(registered.has_value()) << registered.error().message;
  }

  std::optional<Node> get(const std::string& name) {
    const auto node = kubernetes().get_node(cluster(), name);
    EXPECT_TRUE(node.has_value()) << node.error().message;
    return node ? *node : std::nullopt;
  }

  void add_pod(const PodFixture& pod) {
    const Status added = subject_.add_pod(pod);
    ASSERT_TRUE(added.has_value()) << pod.name << ": " << added.error().message;
  }

  // The node's pod of that name; null where there is none.
  std::optional<Pod> pod(const std::string& node, const std::string& name) {
    const auto pods = kubernetes().list_pods(cluster(), node);
    EXPECT_TRUE(pods.has_value()) << pods.error().message;
    for (const Pod& found : pods.value_or(std::vector<Pod>{})) {
      if (found.name == name) return found;
    }
    return {};
  }

  // A budget takes effect when the disruption controller has counted; so does a new pod.
  template <typename Condition>
  static bool soon(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return true;
  }

  ContractSubject subject_;
};

inline constexpr const char* kTrustLabel = "kubernetes.azure.com/trusted-launch";

TEST_P(KubernetesContract, EnsuringAgainGivesTheSameEndpoints) {
  const auto again = kubernetes().ensure_cluster(subject_.spec);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->node_api_server, subject_.endpoints.node_api_server);
  EXPECT_EQ(again->ca, subject_.endpoints.ca);
  EXPECT_EQ(again->client_ca, subject_.endpoints.client_ca);
  EXPECT_EQ(again->port, subject_.endpoints.port);
}

TEST_P(KubernetesContract, AnIdThatIsNoFolderNameIsRefused) {
  for (const char* id : {"", "../x", "UPPER", "a b"}) {
    ClusterSpec spec = subject_.spec;
    spec.id = id;
    const auto made = kubernetes().ensure_cluster(spec);
    ASSERT_FALSE(made.has_value()) << id;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_P(KubernetesContract, ARegisteredNodeIsSeenReady) {
  register_ok(enrolled("contract-ready"));
  const std::optional<Node> node = get("contract-ready");
  ASSERT_TRUE(node.has_value());
  EXPECT_TRUE(node->ready);
  EXPECT_FALSE(node->unschedulable);
  EXPECT_EQ(node->internal_ip, "10.77.0.9");
  EXPECT_EQ(node->kubelet_version, "v1.20.2");
  EXPECT_THAT(node->labels, testing::Contains(testing::Pair("kubernetes.io/os", "linux")));
  const auto all = kubernetes().list_nodes(cluster());
  ASSERT_TRUE(all.has_value());
  EXPECT_THAT(*all, testing::Contains(testing::Field(&Node::name, "contract-ready")));
}

TEST_P(KubernetesContract, ALabelGuardThatWasTakenAwayIsMissedAndPutBack) {
  EXPECT_TRUE(kubernetes().check_label_guard(cluster()).has_value());
  EXPECT_EQ(kubernetes().check_label_guard("nowhere").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(subject_.remove_label_guard().has_value());
  // The apiserver goes on with the webhooks that it knows for a moment.
  Status missed = kubernetes().check_label_guard(cluster());
  for (int i = 0; i < 300 && missed; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    missed = kubernetes().check_label_guard(cluster());
  }
  ASSERT_FALSE(missed.has_value());
  EXPECT_EQ(missed.error().code, ErrorCode::kPreconditionFailed);
  ASSERT_TRUE(kubernetes().ensure_cluster(subject_.spec).has_value());
  EXPECT_TRUE(kubernetes().check_label_guard(cluster()).has_value());
}

TEST_P(KubernetesContract, ANodeMayNotRegisterWithATrustLabel) {
  NodeRegistration node = enrolled("contract-liar");
  node.labels[kTrustLabel] = "true";
  const Status registered = subject_.registrar->register_node(node);
  ASSERT_FALSE(registered.has_value());
  EXPECT_EQ(registered.error().code, ErrorCode::kPermissionDenied);
  EXPECT_FALSE(get("contract-liar").has_value());
}

TEST_P(KubernetesContract, ANodeMayNotRegisterAsAnother) {
  NodeRegistration node = enrolled("contract-one");
  node.node = "contract-other";
  const Status registered = subject_.registrar->register_node(node);
  ASSERT_FALSE(registered.has_value());
  EXPECT_EQ(registered.error().code, ErrorCode::kPermissionDenied);
  EXPECT_FALSE(get("contract-other").has_value());
}

TEST_P(KubernetesContract, ACertificateOfAnotherAuthorityIsNotKnown) {
  SystemRandom random;
  const auto foreign =
      crypto::make_authority("foreign", subject_.now - seconds(60), subject_.now + seconds(3600), random);
  ASSERT_TRUE(foreign.has_value());
  crypto::CertificateTemplate content;
  content.common_name = "system:node:contract-foreign";
  content.organizations = {"system:nodes"};
  content.not_before = subject_.now - seconds(60);
  content.not_after = subject_.now + seconds(3600);
  const auto identity = crypto::issue_identity(*foreign, content, random);
  ASSERT_TRUE(identity.has_value());
  NodeRegistration node = enrolled("contract-foreign");
  node.client_certificate_pem = identity->certificate.pem();
  node.client_key_pem = identity->key.pem();
  const Status registered = subject_.registrar->register_node(node);
  ASSERT_FALSE(registered.has_value());
  EXPECT_EQ(registered.error().code, ErrorCode::kUnauthenticated);
}

TEST_P(KubernetesContract, SlipwaySetsAndTakesOffLabels) {
  register_ok(enrolled("contract-labels"));
  ASSERT_TRUE(
      kubernetes().set_labels(cluster(), "contract-labels", {{kTrustLabel, "true"}, {"pool", "a"}}).has_value());
  EXPECT_THAT(get("contract-labels")->labels, testing::Contains(testing::Pair(kTrustLabel, "true")));
  ASSERT_TRUE(kubernetes().set_labels(cluster(), "contract-labels", {{kTrustLabel, std::nullopt}}).has_value());
  const std::map<std::string, std::string> labels = get("contract-labels")->labels;
  EXPECT_FALSE(labels.contains(kTrustLabel));
  EXPECT_THAT(labels, testing::Contains(testing::Pair("pool", "a")));
}

TEST_P(KubernetesContract, HeartbeatsKeepTheLabels) {
  const NodeRegistration node = enrolled("contract-heartbeat");
  register_ok(node);
  ASSERT_TRUE(kubernetes().set_labels(cluster(), node.node, {{kTrustLabel, "true"}}).has_value());
  const Status beat = subject_.registrar->heartbeat(node);
  ASSERT_TRUE(beat.has_value()) << beat.error().message;
  EXPECT_THAT(get(node.node)->labels, testing::Contains(testing::Pair(kTrustLabel, "true")));
}

TEST_P(KubernetesContract, CordonGoesOnAndOff) {
  register_ok(enrolled("contract-cordon"));
  ASSERT_TRUE(kubernetes().cordon(cluster(), "contract-cordon", true).has_value());
  EXPECT_TRUE(get("contract-cordon")->unschedulable);
  ASSERT_TRUE(kubernetes().cordon(cluster(), "contract-cordon", false).has_value());
  EXPECT_FALSE(get("contract-cordon")->unschedulable);
}

TEST_P(KubernetesContract, PodsOfANodeSayWhatADrainDoesWithThem) {
  register_ok(enrolled("contract-pods"));
  add_pod({"contract-bare", "contract-pods", {}, "", false});
  add_pod({"contract-kept", "contract-pods", {}, "", true});
  const std::optional<Pod> bare = pod("contract-pods", "contract-bare");
  ASSERT_TRUE(bare.has_value());
  EXPECT_TRUE(bare->is_bare && bare->leaves_on_drain());
  EXPECT_FALSE(bare->is_terminating);
  EXPECT_FALSE(bare->uid.empty());
  const std::optional<Pod> mirror = pod("contract-pods", "contract-kept");
  ASSERT_TRUE(mirror.has_value());
  EXPECT_TRUE(mirror->is_mirror && !mirror->leaves_on_drain());
  EXPECT_FALSE(pod("contract-other", "contract-bare").has_value());
}

TEST_P(KubernetesContract, AnEvictionEndsThisPodAndNoOtherOfItsName) {
  register_ok(enrolled("contract-evict"));
  add_pod({"contract-leaver", "contract-evict", {}, "", false});
  const std::optional<Pod> found = pod("contract-evict", "contract-leaver");
  ASSERT_TRUE(found.has_value());
  Pod former = *found;
  former.uid = "00000000-0000-4000-8000-000000000000";
  const auto missed = kubernetes().evict(cluster(), former);
  ASSERT_TRUE(missed.has_value()) << missed.error().message;
  EXPECT_TRUE(pod("contract-evict", "contract-leaver").has_value());
  EXPECT_FALSE(pod("contract-evict", "contract-leaver")->is_terminating);

  const auto evicted = kubernetes().evict(cluster(), *found);
  ASSERT_TRUE(evicted.has_value()) << evicted.error().message;
  EXPECT_EQ(evicted->forbidden_by, "");
  const std::optional<Pod> after = pod("contract-evict", "contract-leaver");
  EXPECT_TRUE(!after || after->is_terminating);
  Pod absent = *found;
  absent.name = "contract-nobody";
  EXPECT_TRUE(kubernetes().evict(cluster(), absent).has_value());
}

TEST_P(KubernetesContract, ADisruptionBudgetForbidsAnEvictionByName) {
  const NodeRegistration node = enrolled("contract-budget");
  register_ok(node);
  const std::map<std::string, std::string> labels{{"app", "contract-web"}};
  ASSERT_TRUE(subject_.add_budget({"contract-budget", labels, 2}).has_value());
  add_pod({"contract-web-0", node.node, labels, "", false});
  add_pod({"contract-web-1", node.node, labels, "", false});
  ASSERT_TRUE(subject_.registrar->tend_pods(node).has_value());
  const std::optional<Pod> first = pod(node.node, "contract-web-0");
  ASSERT_TRUE(first.has_value());
  std::string words;
  EXPECT_TRUE(soon([&] {
    const auto refused = kubernetes().evict(cluster(), *first);
    words = refused ? refused->forbidden_by : refused.error().message;
    return words.find("contract-budget needs 2 healthy pods and has 2") != std::string::npos;
  })) << words;
  EXPECT_FALSE(pod(node.node, "contract-web-0")->is_terminating);

  add_pod({"contract-web-2", node.node, labels, "", false});
  ASSERT_TRUE(subject_.registrar->tend_pods(node).has_value());
  EXPECT_TRUE(soon([&] {
    const auto allowed = kubernetes().evict(cluster(), *first);
    return allowed && allowed->forbidden_by.empty();
  }));
  // The kubelet's part: what is being deleted is gone.
  ASSERT_TRUE(subject_.registrar->tend_pods(node).has_value());
  EXPECT_FALSE(pod(node.node, "contract-web-0").has_value());
}

TEST_P(KubernetesContract, ADeletedNodeIsGoneAndItsHeartbeatSaysSo) {
  const NodeRegistration node = enrolled("contract-deleted");
  register_ok(node);
  ASSERT_TRUE(kubernetes().delete_node(cluster(), node.node).has_value());
  EXPECT_FALSE(get(node.node).has_value());
  EXPECT_TRUE(kubernetes().delete_node(cluster(), node.node).has_value());
  const Status beat = subject_.registrar->heartbeat(node);
  ASSERT_FALSE(beat.has_value());
  EXPECT_EQ(beat.error().code, ErrorCode::kNotFound);
}

TEST_P(KubernetesContract, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(kubernetes().set_labels(cluster(), "nobody", {{"a", "b"}}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(kubernetes().cordon(cluster(), "nobody", true).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(kubernetes().list_nodes("no-such-cluster").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(kubernetes().get_node("no-such-cluster", "n").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(kubernetes().list_pods("no-such-cluster", "n").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(kubernetes().remove_cluster("no-such-cluster").has_value());
}

TEST_P(KubernetesContract, KubeletCertificatesSayWhatSlipwayWrites) {
  const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  const auto client = kubernetes().issue_kubelet_client(cluster(), "n1", key.public_key(), subject_.now, seconds(3600));
  const auto serving =
      kubernetes().issue_kubelet_serving(cluster(), "n1", {"10.77.0.9"}, key.public_key(), subject_.now, seconds(3600));
  ASSERT_TRUE(client.has_value());
  ASSERT_TRUE(serving.has_value());
  for (const crypto::Certificate& certificate : {*client, *serving}) {
    EXPECT_EQ(certificate.common_name(), "system:node:n1");
    EXPECT_THAT(certificate.organizations(), testing::ElementsAre("system:nodes"));
    EXPECT_LE(certificate.not_after(), subject_.now + seconds(3600));
    EXPECT_GT(certificate.not_after(), subject_.now + seconds(3590));
  }
  const auto client_ca = crypto::Certificate::from_pem(subject_.endpoints.client_ca);
  ASSERT_TRUE(client_ca.has_value());
  EXPECT_TRUE(client->signed_by(*client_ca->public_key()));
  EXPECT_FALSE(serving->signed_by(*client_ca->public_key()));
  for (const char* name : {"", "Node", "a/b", "-a", "a..b"})
    EXPECT_EQ(
        kubernetes().issue_kubelet_client(cluster(), name, key.public_key(), subject_.now, seconds(3600)).error().code,
        ErrorCode::kInvalidArgument)
        << name;
}

TEST_P(KubernetesContract, TheTwoKubeconfigsDifferInUserAndCertificate) {
  namespace json = boost::json;
  std::vector<std::vector<std::string>> groups;
  for (const Credential credential : {Credential::kClusterUser, Credential::kClusterAdmin}) {
    const auto text = kubernetes().kubeconfig(cluster(), credential, "rg", "prod", subject_.now);
    ASSERT_TRUE(text.has_value()) << text.error().message;
    const json::value document = json::parse(*text);
    const json::value& user = document.at("users").at(0);
    EXPECT_EQ(user.at("name").as_string(),
              credential == Credential::kClusterUser ? "clusterUser_rg_prod" : "clusterAdmin_rg_prod");
    EXPECT_EQ(document.at("current-context").as_string(), "prod");
    EXPECT_EQ(document.at("clusters").at(0).at("cluster").at("server").as_string(),
              subject_.endpoints.local_api_server);
    const auto pem = from_base64(std::string_view(user.at("user").at("client-certificate-data").as_string()));
    ASSERT_TRUE(pem.has_value());
    const auto certificate = crypto::Certificate::from_pem(as_text(*pem));
    ASSERT_TRUE(certificate.has_value());
    EXPECT_LE(certificate->not_after() - subject_.now, seconds(12 * 3600));
    groups.push_back(certificate->organizations());
  }
  EXPECT_THAT(groups, testing::ElementsAre(testing::ElementsAre("slipway:cluster-users"),
                                           testing::ElementsAre("system:masters")));
}

}  // namespace slipway::kube
