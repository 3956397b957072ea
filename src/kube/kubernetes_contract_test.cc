#include "kube/kubernetes_contract.h"

#include "kube/memory/memory_kubernetes.h"

namespace slipway::kube {
namespace {

class HandClock final : public Clock {
 public:
  Time now() const override { return now_; }
  void advance(seconds by) { now_ += by; }

 private:
  Time now_ = *from_rfc3339("2026-11-23T12:00:00Z");
};

struct MemoryWorld {
  HandClock clock;
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

}  // namespace
}  // namespace slipway::kube
