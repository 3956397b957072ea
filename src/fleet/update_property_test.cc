// Random walks of updates: a pool whose settings change, pods that budgets hold back, hosts that refuse, processes that
// are killed. Whatever happens, an update takes one node at a time, and it ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "attestation/verdict.h"
#include "fleet/reconcile.h"

namespace slipway::fleet {
namespace {

const Time kStart = from_rfc3339("2026-11-23T14:00:00Z").value();
constexpr int kSeeds = 120;
constexpr const char* kTrusted = "kubernetes.azure.com/trusted-launch";
constexpr const char* kSecureBoot = "kubernetes.azure.com/secure-boot";

std::string good_verdict(bool secure_boot) {
  attestation::Verdict verdict;
  verdict.verdict_class = attestation::VerdictClass::kTrusted;
  verdict.appraised = kStart;
  verdict.secure_boot = secure_boot;
  return attestation::to_json(verdict);
}

struct Troubles {
  bool kills = false, bad_boots = false, stubborn_pods = false;
};

class World {
 public:
  World(unsigned seed, Troubles troubles) : random_(seed), troubles_(troubles) {
    snapshot_.cluster.id = "c3f9a2b1";
    Pool pool;
    pool.cluster = snapshot_.cluster.id;
    pool.name = "pool";
    pool.count = 1 + draw(5);
    pool.vtpm = draw(2) == 0;
    pool.secure_boot = draw(2) == 0;
    pool.node_image_version = "image-1";
    pool.drain_timeout_minutes = 10;
    snapshot_.pools = {pool};
    for (int i = 0; i < pool.count; ++i) {
      apply(CreateNode{"pool"});
      Node& node = snapshot_.nodes.back();
      node.created = node.created - seconds(3600);
      node.booted = node.created;
      if (node.vtpm) node.endorsement_key = {1};
      machines_.insert(node.instance);
      admit(node);
      node.phase = NodePhase::kReady;
      old_.insert(node.instance);
    }
    settle();
  }

  // What a client asks for, and for how many nodes of it there are no pods that may leave.
  void begin_update() {
    Pool& pool = snapshot_.pools[0];
    const int what = draw(3);
    if (what == 0) pool.vtpm = !pool.vtpm;
    if (what == 1) pool.secure_boot = !pool.secure_boot;
    if (what == 2) pool.node_image_version = "image-2";
    for (auto& [name, node] : in_kubernetes_) {
      pods_[name] = draw(4);
      if (troubles_.stubborn_pods && draw(4) == 0) stubborn_.insert(name);
    }
    Operation operation;
    operation.id = "update";
    operation.kind = "PutPool";
    operation.pool = "pool";
    operation.started = now_;
    snapshot_.operations.push_back(operation);
  }

  void round() {
    now_ += seconds(1 + draw(15));
    live();
    for (const Action& action : reconcile(snapshot_, observe(), limits_, now_)) {
      if (std::holds_alternative<EnsureNetwork>(action)) FAIL();
      std::visit([this](const auto& kind) { apply(kind); }, action);
      check();
      if (testing::Test::HasFatalFailure()) return;
      if (troubles_.kills && draw(8) == 0) return;
    }
  }

  bool ended() const { return snapshot_.operations.empty(); }
  bool has_failed_node() const { return !failed_.empty(); }
  const Finish& end() const { return end_; }

  void check_end() {
    const Pool& pool = snapshot_.pools[0];
    if (end_.status == "Succeeded") {
      ASSERT_EQ(snapshot_.nodes.size(), static_cast<std::size_t>(pool.count));
      for (const Node& node : snapshot_.nodes) {
        EXPECT_EQ(node.phase, NodePhase::kReady);
        EXPECT_TRUE(node.vtpm == pool.vtpm && node.secure_boot == pool.secure_boot);
        EXPECT_EQ(node.image_version, pool.node_image_version);
        EXPECT_FALSE(old_.contains(node.instance)) << "a node that should have been made again";
      }
      return;
    }
    EXPECT_EQ(end_.status, "Failed");
    EXPECT_FALSE(end_.error_code.empty() || end_.error_message.empty());
    if (end_.error_code == "PodDrainFailure") {
      EXPECT_NE(end_.error_message.find("budget"), std::string::npos) << end_.error_message;
    }
    // The rest of the pool is as it was, and serves.
    for (const Node& node : snapshot_.nodes) EXPECT_FALSE(node.draining) << node.name;
    for (const auto& [name, node] : in_kubernetes_) EXPECT_FALSE(node.unschedulable) << name;
  }

 private:
  int draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  Node* find(const std::string& instance) {
    for (Node& node : snapshot_.nodes) {
      if (node.instance == instance) return &node;
    }
    return nullptr;
  }

  void admit(Node& node) {
    if (node.vtpm) {
      node.verdict = good_verdict(node.secure_boot);
      node.last_good_verdict = node.last_evidence = now_;
    }
    node.certificate_expires = now_ + std::chrono::hours(100);
    if (node.phase != NodePhase::kDeleting) in_kubernetes_.try_emplace(node.name).first->second.ready = true;
  }

  void settle() {
    for (int i = 0; i < 3; ++i) {
      for (const Action& action : reconcile(snapshot_, observe(), limits_, now_)) {
        std::visit([this](const auto& kind) { apply(kind); }, action);
      }
    }
  }

  // What guests and kubelets do by themselves.
  void live() {
    for (Node& node : snapshot_.nodes) {
      if (!machines_.contains(node.instance) || !node.booted || failed_.contains(node.instance)) continue;
      const bool is_new = !node.certificate_expires;
      if (is_new && troubles_.bad_boots && draw(10) == 0) {
        failed_.insert(node.instance);
        continue;
      }
      if (is_new && draw(3) != 0) continue;
      admit(node);
    }
    for (auto& [name, count] : terminating_) count = draw(3) == 0 ? 0 : count;
  }

  Observed observe() {
    Observed observed;
    observed.network = observed.control_plane = true;
    observed.listening_since = kStart - seconds(7200);
    for (const Node& node : snapshot_.nodes) {
      ObservedNode& seen = observed.nodes[node.instance];
      if (troubles_.kills && draw(8) == 0) continue;  // nobody answered
      seen.machine.emplace();
      if (machines_.contains(node.instance)) seen.machine->power = ObservedMachine::Power::kRunning;
      if (failed_.contains(node.instance)) seen.machine->boot_refusal = "Access Denied";
      seen.host_sees_secure_boot = node.secure_boot;
      seen.kubernetes_answers = true;
      const auto found = in_kubernetes_.find(node.name);
      if (found == in_kubernetes_.end()) continue;
      seen.kubernetes = found->second;
      if (!node.draining) continue;
      seen.pods.emplace();
      for (int i = 0; i < pods_[node.name] + terminating_[node.name]; ++i) seen.pods->left.push_back("default/pod");
      if (asked_.contains(node.name)) {
        seen.evicted = asked_[node.name];
        if (stubborn_.contains(node.name))
          seen.pods->blocked.push_back("default/pod (The disruption budget b forbids)");
      }
    }
    return observed;
  }

  void apply(const EnsureNetwork&) {}
  void apply(const EnsureControlPlane&) {}
  void apply(const RemoveInfrastructure&) { FAIL(); }
  void apply(const RestartMachine&) { FAIL(); }
  void apply(const InspectDisk& action) { find(action.instance)->disk_inspected = now_; }
  void apply(const CreateNode&) {
    const Pool& pool = snapshot_.pools[0];
    Node node;
    node.instance = "i" + std::to_string(number_);
    node.pool = pool.name;
    node.name = node_name(snapshot_.cluster, pool, number_++);
    node.vtpm = pool.vtpm;
    node.secure_boot = pool.secure_boot;
    node.image_version = pool.node_image_version;
    node.created = now_;
    ASSERT_TRUE(names_.insert(node.name).second) << "a name used twice";
    snapshot_.nodes.push_back(node);
    // With those that are going: nothing is made before its forerunner is gone.
    ASSERT_LE(snapshot_.nodes.size(), static_cast<std::size_t>(pool.count));
  }
  void apply(const RecordEndorsementKey& action) { find(action.instance)->endorsement_key = {1}; }
  void apply(const StartMachine& action) {
    machines_.insert(action.instance);
    if (!troubles_.kills || draw(4) != 0) find(action.instance)->booted = now_;
  }
  void apply(const DiscardMachine& action) { machines_.erase(action.instance); }
  void apply(const SetPhase& action) {
    Node* node = find(action.instance);
    ASSERT_NE(node, nullptr);
    ASSERT_NE(node->phase, NodePhase::kDeleting) << "a node on its way out came back";
    if (action.phase == NodePhase::kDeleting && !failed_.contains(action.instance)) {
      ASSERT_TRUE(node->draining) << "a node in service went without a drain";
      ASSERT_TRUE(in_kubernetes_[node->name].unschedulable) << "drained, and not cordoned";
      ASSERT_EQ(pods_[node->name] + terminating_[node->name], 0) << "pods were left";
    }
    node->phase = action.phase;
    node->explanation = action.explanation;
    node->disk_told = action.tells_disk;
  }
  void apply(const SetLabels& action) {
    const Node* node = find(action.instance);
    const auto seen = in_kubernetes_.find(action.node);
    if (seen == in_kubernetes_.end()) return;
    for (const auto& [name, value] : action.labels) {
      value ? static_cast<void>(seen->second.labels[name] = *value)
            : static_cast<void>(seen->second.labels.erase(name));
    }
    ASSERT_TRUE(!seen->second.labels.contains(kTrusted) || (node->vtpm && node->last_good_verdict));
    ASSERT_TRUE(!seen->second.labels.contains(kSecureBoot) || node->secure_boot);
  }
  void apply(const RecordLabels& action) { find(action.instance)->labels_applied = action.applied; }
  void apply(const Cordon& action) {
    if (in_kubernetes_.contains(action.node)) in_kubernetes_[action.node].unschedulable = true;
  }
  void apply(const BeginDrain& action) {
    Node* node = find(action.instance);
    if (!node->draining) node->draining = now_;
    node->drain_reason = action.reason;
  }
  void apply(const EvictPods& action) {
    ASSERT_TRUE(find(action.instance)->draining) << "intent is written before its effect";
    ASSERT_TRUE(in_kubernetes_[action.node].unschedulable) << "evicted before the cordon";
    asked_[action.node] = now_;
    int& pods = pods_[action.node];
    const int leave = stubborn_.contains(action.node) ? std::max(0, pods - 1) : pods;
    if (pods == 0 || leave == 0) return;
    terminating_[action.node] += leave;
    pods -= leave;
  }
  void apply(const StopDrain& action) {
    ASSERT_TRUE(ended()) << "an update that goes on calls no drain off";
    if (in_kubernetes_.contains(action.node)) in_kubernetes_[action.node].unschedulable = false;
    if (!troubles_.kills || draw(4) != 0) find(action.instance)->draining.reset();
  }
  void apply(const RemoveNode& action) {
    machines_.erase(action.instance);
    in_kubernetes_.erase(action.node);
    if (troubles_.kills && draw(4) == 0) return;
    std::erase_if(snapshot_.nodes, [&](const Node& other) { return other.instance == action.instance; });
  }
  void apply(const SetProgress& action) { snapshot_.operations[0].progress = action.progress; }
  void apply(const Finish& action) {
    ASSERT_FALSE(ended()) << "an operation was ended twice";
    end_ = action;
    snapshot_.operations.clear();
  }

  void check() {
    const int count = snapshot_.pools[0].count;
    int out = 0, serving = 0;
    for (const Node& node : snapshot_.nodes) {
      if (node.phase == NodePhase::kDeleting || node.draining) ++out;
      const auto seen = in_kubernetes_.find(node.name);
      if (seen != in_kubernetes_.end() && seen->second.ready && !seen->second.unschedulable &&
          node.phase == NodePhase::kReady) {
        ++serving;
      }
    }
    ASSERT_LE(out, 1) << "more than one node out at once";
    ASSERT_GE(serving + static_cast<int>(failed_.size()), count - 1) << "too few nodes in service";
  }

  std::mt19937 random_;
  Troubles troubles_;
  Snapshot snapshot_;
  Limits limits_;
  Time now_ = kStart;
  std::set<std::string> machines_, failed_, old_, names_, stubborn_;
  std::map<std::string, ObservedKubernetesNode> in_kubernetes_;
  std::map<std::string, int> pods_, terminating_;
  std::map<std::string, Time> asked_;
  int number_ = 0;
  Finish end_;
};

struct Tally {
  int succeeded = 0, blocked = 0, bad = 0;
};

Tally walk(Troubles troubles) {
  Tally tally;
  for (unsigned seed = 0; seed < static_cast<unsigned>(kSeeds); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed, troubles);
    world.begin_update();
    for (int round = 0; round < 600 && !world.ended(); ++round) {
      world.round();
      if (testing::Test::HasFatalFailure()) return tally;
    }
    EXPECT_TRUE(world.ended()) << "the update neither finished nor stopped";
    if (!world.ended()) return tally;
    for (int round = 0; round < 30; ++round) world.round();
    world.check_end();
    if (testing::Test::HasFailure()) return tally;
    tally.succeeded += world.end().status == "Succeeded" ? 1 : 0;
    tally.blocked += world.end().error_code == "PodDrainFailure" ? 1 : 0;
    tally.bad += world.end().error_code == "NodeBootRefused" ? 1 : 0;
  }
  return tally;
}

TEST(UpdateProperty, InGoodWeatherEveryUpdateSucceeds) { EXPECT_EQ(walk({}).succeeded, kSeeds); }

TEST(UpdateProperty, KilledAnywhereItFinishesAllTheSame) {
  Troubles troubles;
  troubles.kills = true;
  EXPECT_EQ(walk(troubles).succeeded, kSeeds);
}

TEST(UpdateProperty, WhateverHappensItTakesOneNodeAtATimeAndEnds) {
  const Tally tally = walk({true, true, true});
  EXPECT_GT(tally.succeeded, kSeeds / 10);
  EXPECT_GT(tally.blocked, kSeeds / 10);
  EXPECT_GT(tally.bad, kSeeds / 10);
}

}  // namespace
}  // namespace slipway::fleet
