#include <gtest/gtest.h>

#include "base/manual_clock_for_tests.h"
#include "base/random.h"
#include "base/temporary_folder_for_tests.h"
#include "control/cluster_state.h"
#include "host/memory/memory_host.h"
#include "kube/memory/memory_kubernetes.h"
#include "store/memory.h"

namespace slipway::control {
namespace {

class NoListeners final : public NodeListeners {
 public:
  Result<NodeEndpoint> ensure(const std::string&, const std::string&) override {
    return fail(ErrorCode::kInternal, "nothing listens in this test");
  }
  void remove(const std::string&) override {}
};

TEST(Observe, ALabelGuardThatWasTakenAwayAsksForTheControlPlaneAgain) {
  const TemporaryFolder temporary;
  ManualClock clock;
  SystemRandom random;
  const auto store = store::make_memory_store();
  const auto images = make_simulated_image_store();
  const auto kubernetes = kube::make_memory_kubernetes(clock, random);
  const auto host = host::make_memory_host({.state_folder = temporary.path(),
                                            .manifest = [](const auto&) -> Result<image::Manifest> {
                                              return fail(ErrorCode::kNotFound, "no VM runs in this test");
                                            },
                                            .on_admitted = {},
                                            .random = random,
                                            .clock = clock});
  NoListeners listeners;
  kube::ClusterSpec spec;
  spec.id = "c1";
  spec.advertise_address = "127.0.0.1";
  ASSERT_TRUE(kubernetes->ensure_cluster(spec));
  const Surroundings around{*store, *host, *kubernetes, listeners, *images, clock, random};
  ClusterState state;
  state.cluster = "c1";
  state.control_plane = true;

  EXPECT_TRUE(observe(around, state, {}).control_plane);
  ASSERT_TRUE(kubernetes->remove_label_guard("c1"));
  EXPECT_TRUE(observe(around, state, {}).control_plane) << "asked at every look";
  clock.advance(seconds(10));
  EXPECT_FALSE(observe(around, state, {}).control_plane);

  ASSERT_TRUE(kubernetes->ensure_cluster(spec));
  state.control_plane = true;
  clock.advance(seconds(10));
  EXPECT_TRUE(observe(around, state, {}).control_plane);
}

}  // namespace
}  // namespace slipway::control
