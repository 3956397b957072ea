// One update of a pool, step by step, and what stops it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fleet/drain.h"
#include "fleet/node_choice.h"

namespace slipway::fleet {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;
using testing::SizeIs;

const Time kStart = from_rfc3339("2026-11-23T14:00:00Z").value();

// A pool of three nodes that are Ready, and an update that turns Secure Boot on.
struct World {
  Snapshot snapshot;
  Observed observed;
  Limits limits;
  Time now = kStart;

  World() {
    snapshot.cluster.id = "c3f9a2b1";
    Pool pool;
    pool.name = "pool";
    pool.count = 3;
    pool.secure_boot = true;
    pool.drain_timeout_minutes = 30;
    snapshot.pools = {pool};
    for (int i = 0; i < 3; ++i) add_node(i, false, kStart - minutes(60));
    Operation operation;
    operation.id = "o1";
    operation.kind = "PutPool";
    operation.pool = "pool";
    operation.started = kStart;
    snapshot.operations = {operation};
    observed.network = observed.control_plane = true;
    observed.listening_since = kStart - minutes(120);
  }

  void add_node(int number, bool secure_boot, Time created) {
    Node node;
    node.instance = "i" + std::to_string(number);
    node.pool = "pool";
    node.name = node_name(snapshot.cluster, snapshot.pools[0], number);
    node.secure_boot = secure_boot;
    node.created = created;
    node.booted = created;
    node.certificate_expires = kStart + minutes(600);
    node.phase = NodePhase::kReady;
    node.labels_applied = true;
    ObservedNode& seen = observed.nodes[node.instance];
    seen.machine = ObservedMachine{ObservedMachine::Power::kRunning, "", ""};
    seen.host_sees_secure_boot = secure_boot;
    seen.kubernetes_answers = true;
    seen.kubernetes = ObservedKubernetesNode{true, false, {}, ""};
    for (const auto& [name, value] :
         wanted_labels(snapshot.cluster, snapshot.pools[0], node, NodePhase::kReady, seen)) {
      if (value) seen.kubernetes->labels[name] = *value;
    }
    snapshot.nodes.push_back(node);
  }
  Node& node(int i) { return snapshot.nodes[static_cast<std::size_t>(i)]; }
  ObservedNode& seen(int i) { return observed.nodes["i" + std::to_string(i)]; }
  void start_draining(int i) {
    node(i).draining = now;
    node(i).drain_reason = "The pool's settings changed.";
    seen(i).kubernetes->unschedulable = true;
    seen(i).pods = ObservedPods{{"default/web-0"}, {}};
  }
  std::vector<Action> run() const { return reconcile(snapshot, observed, limits, now); }
  NodeChoice choose() const { return choose_nodes(snapshot, snapshot.pools[0], observed); }
};

template <typename Kind>
std::vector<Kind> all(const std::vector<Action>& actions) {
  std::vector<Kind> found;
  for (const Action& action : actions) {
    if (const Kind* kind = std::get_if<Kind>(&action)) found.push_back(*kind);
  }
  return found;
}

TEST(Update, TakesTheStepsOfOneNodeInOrder) {
  World world;
  auto actions = world.run();
  ASSERT_THAT(all<BeginDrain>(actions), SizeIs(1));
  EXPECT_EQ(all<BeginDrain>(actions)[0].instance, "i0");
  ASSERT_THAT(all<Cordon>(actions), SizeIs(1));
  EXPECT_THAT(all<EvictPods>(actions), SizeIs(0));
  EXPECT_THAT(all<RemoveNode>(actions), SizeIs(0));

  world.start_draining(0);
  actions = world.run();
  EXPECT_THAT(all<BeginDrain>(actions), SizeIs(0)) << "one at a time";
  EXPECT_THAT(all<EvictPods>(actions), SizeIs(1));
  ASSERT_THAT(all<SetProgress>(actions), SizeIs(1));
  EXPECT_THAT(all<SetProgress>(actions)[0].progress,
              HasSubstr("0 of 3 nodes up to date; aks-pool-3f9a2b1-vmss000000 is drained, 1 pod left: default/web-0"));

  // What was asked is not asked again at once.
  world.seen(0).evicted = world.now;
  EXPECT_THAT(all<EvictPods>(world.run()), SizeIs(0));
  world.now += seconds(4);
  EXPECT_THAT(all<EvictPods>(world.run()), SizeIs(1));

  world.seen(0).pods->left.clear();
  actions = world.run();
  EXPECT_THAT(all<RemoveNode>(actions), SizeIs(1));
  EXPECT_THAT(all<CreateNode>(actions), SizeIs(0)) << "nothing is made before its forerunner is gone";

  world.snapshot.nodes.erase(world.snapshot.nodes.begin());
  actions = world.run();
  EXPECT_THAT(all<CreateNode>(actions), SizeIs(1));
  EXPECT_THAT(all<BeginDrain>(actions), SizeIs(0));
  world.add_node(3, true, world.now);
  world.snapshot.nodes.back().labels_applied = false;
  EXPECT_THAT(all<BeginDrain>(world.run()), SizeIs(0)) << "it has not its labels yet";
  world.snapshot.nodes.back().labels_applied = true;
  ASSERT_THAT(all<BeginDrain>(world.run()), SizeIs(1));
  EXPECT_EQ(all<BeginDrain>(world.run())[0].instance, "i1");
}

TEST(Update, ADrainThatABudgetHoldsBackFailsItByName) {
  World world;
  world.start_draining(0);
  world.seen(0).pods->blocked = {"default/web-0 (The disruption budget web needs 2 healthy pods and has 2 currently)"};
  world.now += minutes(30);
  EXPECT_THAT(all<Finish>(world.run()), SizeIs(0));
  EXPECT_THAT(all<SetProgress>(world.run())[0].progress, HasSubstr("The disruption budget web"));
  world.now += seconds(1);
  auto actions = world.run();
  ASSERT_THAT(all<Finish>(actions), SizeIs(1));
  EXPECT_EQ(all<Finish>(actions)[0].status, "Failed");
  EXPECT_EQ(all<Finish>(actions)[0].error_code, "PodDrainFailure");
  EXPECT_THAT(all<Finish>(actions)[0].error_message, HasSubstr("The disruption budget web needs 2 healthy pods"));
  EXPECT_THAT(all<EvictPods>(actions), SizeIs(0));
  EXPECT_THAT(all<RemoveNode>(actions), SizeIs(0));
  // Then the node is given back.
  world.snapshot.operations.clear();
  actions = world.run();
  ASSERT_THAT(all<StopDrain>(actions), SizeIs(1));
  EXPECT_EQ(all<StopDrain>(actions)[0].instance, "i0");
  EXPECT_THAT(all<EvictPods>(actions), SizeIs(0));
}

// While slipwayd did not run nobody evicted anything.
TEST(Update, AnOutageOfSlipwaydIsNoTimeout) {
  World world;
  world.start_draining(0);
  world.now += minutes(300);
  world.observed.listening_since = world.now;
  EXPECT_THAT(all<Finish>(world.run()), SizeIs(0));
}

TEST(Update, StopsWhenANodeFails) {
  World world;
  world.add_node(3, true, kStart + seconds(10));
  world.snapshot.nodes.erase(world.snapshot.nodes.begin());
  Node& young = world.snapshot.nodes.back();
  young.certificate_expires.reset();
  young.disk_inspected = kStart;
  world.seen(3).machine->boot_refusal = "Access Denied";
  auto actions = world.run();
  ASSERT_THAT(all<Finish>(actions), SizeIs(1));
  EXPECT_EQ(all<Finish>(actions)[0].error_code, "NodeBootRefused");
  EXPECT_THAT(all<BeginDrain>(actions), SizeIs(0));
  world.snapshot.operations.clear();
  actions = world.run();
  EXPECT_THAT(all<BeginDrain>(actions), SizeIs(0));
  EXPECT_THAT(all<RemoveNode>(actions), SizeIs(0)) << "the rest of the pool stays as it is";
}

TEST(Update, ANodeThatCannotBeRemovedFailsIt) {
  World world;
  world.node(0).phase = NodePhase::kDeleting;
  world.observed.failures["RemoveNode/i0"] = {5, {ErrorCode::kUnavailable, "libvirt is gone.", "HostSilent", ""}};
  const auto finished = all<Finish>(world.run());
  ASSERT_THAT(finished, SizeIs(1));
  EXPECT_EQ(finished[0].error_code, "HostSilent");
}

TEST(Scale, DrainsWhatIsTooMuchAndStartsWithTheWorst) {
  World world;
  world.snapshot.pools[0].secure_boot = false;
  world.snapshot.pools[0].count = 2;
  NodeChoice choice = world.choose();
  ASSERT_THAT(choice.drain, SizeIs(1));
  EXPECT_EQ(choice.drain[0].instance, "i2") << "the youngest";
  EXPECT_THAT(choice.remove, SizeIs(0));

  // One that never joined has no pods; a drained one is enough.
  world.seen(1).kubernetes.reset();
  world.node(1).phase = NodePhase::kAdmitted;
  world.node(1).created = kStart + seconds(1);
  choice = world.choose();
  ASSERT_THAT(choice.remove, SizeIs(1));
  EXPECT_EQ(choice.remove[0].instance, "i1");
  EXPECT_THAT(choice.drain, SizeIs(0));
  world.start_draining(0);
  EXPECT_THAT(world.choose().remove, SizeIs(0));
  EXPECT_THAT(world.choose().drain, SizeIs(0));
  // Of other settings before those that fit.
  World mixed;
  mixed.snapshot.pools[0].count = 2;
  mixed.node(0).secure_boot = mixed.node(2).secure_boot = true;
  ASSERT_THAT(mixed.choose().drain, SizeIs(1));
  EXPECT_EQ(mixed.choose().drain[0].instance, "i1");
}

TEST(Scale, NothingLeavesWithoutAnOperation) {
  World world;
  world.snapshot.pools[0].count = 1;
  world.snapshot.operations.clear();
  const NodeChoice choice = world.choose();
  EXPECT_THAT(choice.remove, SizeIs(0));
  EXPECT_THAT(choice.drain, SizeIs(0));
  world.snapshot.pools[0].deletion_requested = true;
  EXPECT_THAT(world.choose().remove, SizeIs(3));
}

TEST(Scale, UpMakesWhatIsMissingFirst) {
  World world;
  world.snapshot.pools[0].count = 5;
  EXPECT_EQ(world.choose().create, 2);
  EXPECT_THAT(world.choose().drain, SizeIs(0));
}

TEST(Drain, GoesStepByStep) {
  World world;
  Node node = world.node(0);
  node.draining = kStart;
  ObservedNode seen = world.seen(0);
  const auto step = [&](Time now = kStart) {
    return drain_step(node, world.snapshot.pools[0], seen, world.observed.listening_since, now);
  };
  EXPECT_EQ(step(), DrainStep::kCordon);
  seen.kubernetes->unschedulable = true;
  EXPECT_EQ(step(), DrainStep::kWait) << "nobody said which pods are left";
  seen.pods = ObservedPods{{"default/a"}, {}};
  EXPECT_EQ(step(), DrainStep::kEvict);
  EXPECT_EQ(step(kStart + minutes(31)), DrainStep::kTimedOut);
  seen.pods->left.clear();
  EXPECT_EQ(step(kStart + minutes(31)), DrainStep::kDone);
  seen.kubernetes.reset();
  EXPECT_EQ(step(), DrainStep::kDone);
  seen.kubernetes_answers = false;
  EXPECT_EQ(step(), DrainStep::kWait);
  EXPECT_EQ(step(kStart + minutes(31)), DrainStep::kTimedOut);
}

}  // namespace
}  // namespace slipway::fleet
