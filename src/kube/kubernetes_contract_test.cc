#include "kube/kubernetes_contract.h"

#include "base/manual_clock_for_tests.h"
#include "kube/memory/memory_kubernetes.h"
#include "kube/pod_json.h"

namespace slipway::kube {
namespace {

struct MemoryWorld {
  ManualClock clock;
  SystemRandom random;
  std::unique_ptr<MemoryKubernetes> kubernetes = make_memory_kubernetes(clock, random);
  std::unique_ptr<NodeRegistrar> registrar = make_memory_node_registrar(*kubernetes);
};

ContractSubject subject_of(MemoryWorld& world) {
  ContractSubject subject;
  subject.kubernetes = world.kubernetes.get();
  subject.registrar = world.registrar.get();
  subject.spec.id = "contract";
  subject.spec.advertise_address = "10.77.0.1";
  subject.endpoints = *world.kubernetes->ensure_cluster(subject.spec);
  subject.now = world.clock.now();
  subject.add_pod = [&world](const PodFixture& pod) { return world.kubernetes->add_pod("contract", pod); };
  subject.add_budget = [&world](const BudgetFixture& budget) {
    return world.kubernetes->add_budget("contract", budget);
  };
  subject.remove_label_guard = [&world] { return world.kubernetes->remove_label_guard("contract"); };
  return subject;
}

ContractSubject memory_subject() {
  static std::unique_ptr<MemoryWorld> world;
  world = std::make_unique<MemoryWorld>();
  return subject_of(*world);
}

INSTANTIATE_TEST_SUITE_P(Memory, KubernetesContract, testing::Values(std::function<ContractSubject()>(memory_subject)));

NodeRegistration enrol(MemoryWorld& world, const ContractSubject& subject, const std::string& name, seconds lifetime) {
  const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  NodeRegistration node;
  node.node = name;
  node.api_server = subject.endpoints.node_api_server;
  node.client_key_pem = key.pem();
  node.client_certificate_pem =
      world.kubernetes->issue_kubelet_client("contract", name, key.public_key(), world.clock.now(), lifetime)->pem();
  return node;
}

TEST(MemoryKubernetesTest, ANodeWithoutHeartbeatsIsNotReady) {
  MemoryWorld world;
  const ContractSubject subject = subject_of(world);
  const NodeRegistration node = enrol(world, subject, "n1", seconds(3600));
  ASSERT_TRUE(world.registrar->register_node(node).has_value());
  world.clock.advance(seconds(41));
  EXPECT_FALSE((*world.kubernetes->get_node("contract", "n1"))->ready);
  ASSERT_TRUE(world.registrar->heartbeat(node).has_value());
  EXPECT_TRUE((*world.kubernetes->get_node("contract", "n1"))->ready);
}

TEST(MemoryKubernetesTest, ACertificatePastItsEndIsNotKnown) {
  MemoryWorld world;
  const ContractSubject subject = subject_of(world);
  const NodeRegistration node = enrol(world, subject, "n1", seconds(60));
  ASSERT_TRUE(world.registrar->register_node(node).has_value());
  world.clock.advance(seconds(61));
  EXPECT_EQ(world.registrar->heartbeat(node).error().code, ErrorCode::kUnauthenticated);
}

TEST(MemoryKubernetesTest, ACertificateOfOneClusterIsNothingToAnother) {
  MemoryWorld world;
  const ContractSubject subject = subject_of(world);
  ClusterSpec other = subject.spec;
  other.id = "other";
  const auto endpoints = world.kubernetes->ensure_cluster(other);
  ASSERT_TRUE(endpoints.has_value());
  NodeRegistration node = enrol(world, subject, "n1", seconds(3600));
  node.api_server = endpoints->node_api_server;
  EXPECT_EQ(world.registrar->register_node(node).error().code, ErrorCode::kUnauthenticated);
}

TEST(MemoryKubernetesTest, ARemovedClusterIsGone) {
  MemoryWorld world;
  subject_of(world);
  ASSERT_TRUE(world.kubernetes->remove_cluster("contract").has_value());
  EXPECT_EQ(world.kubernetes->list_nodes("contract").error().code, ErrorCode::kNotFound);
}

TEST(PodJson, TellsWhatOwnsAPodAndWhatItsNodeSays) {
  const auto page = pod_page_from_json(R"({"metadata":{"continue":"abc"},"items":[
    {"metadata":{"namespace":"kube-system","name":"proxy-x","uid":"1","ownerReferences":[
      {"kind":"Other"},{"kind":"DaemonSet","controller":true}]},"status":{"phase":"Running"}},
    {"metadata":{"namespace":"default","name":"web","uid":"2","deletionTimestamp":"2026-11-23T12:00:00Z",
      "ownerReferences":[{"kind":"ReplicaSet","controller":true}]},
      "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}},
    {"metadata":{"namespace":"default","name":"job","uid":"3"},"status":{"phase":"Succeeded"}}]})");
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_EQ(page->next, "abc");
  ASSERT_EQ(page->pods.size(), 3U);
  EXPECT_TRUE(page->pods[0].of_daemon_set && !page->pods[0].leaves_on_drain());
  EXPECT_TRUE(page->pods[1].is_terminating && page->pods[1].is_ready && page->pods[1].leaves_on_drain());
  EXPECT_FALSE(page->pods[1].is_bare);
  EXPECT_TRUE(page->pods[2].is_finished && page->pods[2].is_bare && !page->pods[2].leaves_on_drain());
  for (const char* bad : {"", "[]", "{}", R"({"items":[{}]})", R"({"items":[{"metadata":{"name":"x"}}]})"})
    EXPECT_FALSE(pod_page_from_json(bad).has_value()) << bad;
}

TEST(PodJson, TheEvictionsVersionIsTheApiservers) {
  EXPECT_EQ(*eviction_version_from_json(
                R"({"resources":[{"name":"pods"},{"name":"pods/eviction","group":"policy","version":"v1beta1"}]})"),
            "v1beta1");
  EXPECT_FALSE(eviction_version_from_json(R"({"resources":[{"name":"pods"}]})").has_value());
}

TEST(PodJson, ADisruptionNamesItsBudget) {
  EXPECT_EQ(disruption_from_json(R"({"message":"Cannot evict pod.","details":{"causes":[
              {"reason":"DisruptionBudget","message":"The disruption budget web needs 2 healthy pods"}]}})"),
            "The disruption budget web needs 2 healthy pods");
  EXPECT_EQ(disruption_from_json(R"({"message":"Too many requests."})"), "Too many requests.");
  EXPECT_EQ(disruption_from_json("busy"), "busy");
}

}  // namespace
}  // namespace slipway::kube
