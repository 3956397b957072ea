// Random walks: a world in which every action may be cut short, hosts refuse, clients change their minds. Whatever
// happens, certain things never do; and once the world calms down, what is wanted comes to be.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "attestation/verdict.h"
#include "fleet/reconcile.h"

namespace slipway::fleet {
namespace {

const Time kStart = from_rfc3339("2026-11-23T14:00:00Z").value();

std::string good_verdict(bool secure_boot) {
  attestation::Verdict verdict;
  verdict.verdict_class = attestation::VerdictClass::kTrusted;
  verdict.appraised = kStart;
  verdict.secure_boot = secure_boot;
  return attestation::to_json(verdict);
}

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {
    snapshot_.cluster.id = "c3f9a2b1";
    Pool pool;
    pool.cluster = snapshot_.cluster.id;
    pool.name = "pool";
    pool.count = draw(4);
    pool.vtpm = draw(2) == 0;
    pool.secure_boot = draw(2) == 0;
    pool.node_image_version = "image";
    snapshot_.pools = {pool};
    begin("CreateCluster", "");
  }

  // One look at the world and what follows from it. `calm`: nothing fails and nothing is cut short.
  void round(bool calm) {
    if (gone_) return;
    now_ += seconds(1 + draw(20));
    calm_ = calm;
    live(calm);
    const auto actions = reconcile(snapshot_, observe(), limits_, now_);
    for (const Action& action : actions) {
      std::visit([this](const auto& kind) { apply(kind); }, action);
      check();
      if (testing::Test::HasFatalFailure() || (!calm && draw(8) == 0)) return;  // the process was killed here
    }
  }

  void change_mind() {
    if (!snapshot_.operations.empty()) return;
    snapshot_.pools[0].count = draw(5);
    if (draw(3) == 0) snapshot_.pools[0].vtpm = !snapshot_.pools[0].vtpm;
    if (draw(3) == 0) snapshot_.pools[0].secure_boot = !snapshot_.pools[0].secure_boot;
    begin("PutPool", "pool");
  }
  void request_deletion() {
    snapshot_.cluster.deletion_requested = true;
    begin("DeleteCluster", "");
  }

  bool settled() const { return snapshot_.operations.empty(); }
  const Snapshot& snapshot() const { return snapshot_; }
  const std::string& last_status() const { return last_status_; }
  bool empty() const { return machines_.empty() && in_kubernetes_.empty() && snapshot_.nodes.empty(); }
  bool infrastructure() const { return infrastructure_; }

 private:
  struct Machine {
    bool running = false;
    bool refused = false;
  };

  int draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  void begin(std::string kind, std::string pool) {
    Operation operation;
    operation.id = "o" + std::to_string(++operations_);
    operation.kind = std::move(kind);
    operation.pool = std::move(pool);
    operation.started = now_;
    snapshot_.operations.push_back(operation);
  }

  Node* find(const std::string& instance) {
    for (Node& node : snapshot_.nodes) {
      if (node.instance == instance) return &node;
    }
    return nullptr;
  }

  // What guests do by themselves.
  void live(bool calm) {
    for (Node& node : snapshot_.nodes) {
      const auto machine = machines_.find(node.instance);
      if (machine == machines_.end() || !machine->second.running || !node.booted) continue;
      if (!node.certificate_expires && !calm && draw(12) == 0) machine->second.refused = true;
      if (machine->second.refused || draw(2) == 0) continue;
      if (node.vtpm) {
        node.verdict = good_verdict(node.secure_boot);
        node.last_good_verdict = node.last_evidence = now_;
      }
      node.certificate_expires = now_ + seconds(3600);
      if (node.phase != NodePhase::kDeleting) in_kubernetes_.try_emplace(node.name).first->second.ready = true;
    }
  }

  Observed observe() {
    Observed observed;
    observed.network = observed.control_plane = infrastructure_;
    observed.listening_since = kStart;
    for (const Node& node : snapshot_.nodes) {
      ObservedNode& seen = observed.nodes[node.instance];
      if (!calm_ && draw(6) == 0) continue;  // nobody answered
      const auto machine = machines_.find(node.instance);
      seen.machine.emplace();
      if (machine != machines_.end()) {
        seen.machine->power = machine->second.running ? ObservedMachine::Power::kRunning : ObservedMachine::Power::kOff;
        if (machine->second.refused) seen.machine->boot_refusal = "Access Denied";
      }
      seen.host_sees_secure_boot = node.secure_boot;
      seen.kubernetes_answers = true;
      const auto found = in_kubernetes_.find(node.name);
      if (found == in_kubernetes_.end()) continue;
      seen.kubernetes = found->second;
      if (node.draining) seen.pods.emplace();
    }
    return observed;
  }

  void apply(const EnsureNetwork&) {}
  void apply(const EnsureControlPlane&) { infrastructure_ = true; }
  void apply(const CreateNode& action) {
    const Pool& pool = snapshot_.pools[0];
    ASSERT_EQ(action.pool, pool.name);
    Node node;
    node.instance = "i" + std::to_string(number_);
    node.pool = pool.name;
    node.name = node_name(snapshot_.cluster, pool, number_++);
    node.vtpm = pool.vtpm;
    node.secure_boot = pool.secure_boot;
    node.image_version = pool.node_image_version;
    node.created = now_;
    snapshot_.nodes.push_back(node);
    int live = 0;
    for (const Node& other : snapshot_.nodes) live += other.phase != NodePhase::kDeleting ? 1 : 0;
    ASSERT_LE(live, pool.count) << "two nodes for one slot";
  }
  void apply(const RecordEndorsementKey& action) {
    Node* node = find(action.instance);
    ASSERT_NE(node, nullptr);
    ASSERT_TRUE(node->vtpm);
    ASSERT_FALSE(machines_.contains(action.instance)) << "a machine ran before its EK was recorded";
    node->endorsement_key = {1};
  }
  void apply(const StartMachine& action) {
    Node* node = find(action.instance);
    ASSERT_NE(node, nullptr) << "intent is written before its effect";
    ASSERT_TRUE(!node->vtpm || !node->endorsement_key.empty());
    ASSERT_NE(node->phase, NodePhase::kDeleting);
    machines_[action.instance].running = true;
    if (calm_ || draw(4) != 0) node->booted = now_;  // else killed between the two
  }
  void apply(const DiscardMachine& action) { machines_.erase(action.instance); }
  void apply(const RestartMachine& action) { machines_.at(action.instance).running = true; }
  void apply(const InspectDisk& action) {
    if (Node* node = find(action.instance); node != nullptr) node->disk_inspected = now_;
  }
  void apply(const SetPhase& action) {
    Node* node = find(action.instance);
    ASSERT_NE(node, nullptr);
    ASSERT_NE(node->phase, NodePhase::kDeleting) << "a node on its way out came back";
    node->phase = action.phase;
    node->explanation = action.explanation;
    node->disk_told = action.tells_disk;
  }
  void apply(const SetLabels& action) {
    const Node* node = find(action.instance);
    const auto seen = in_kubernetes_.find(action.node);
    ASSERT_NE(node, nullptr);
    if (seen == in_kubernetes_.end()) return;
    for (const auto& [name, value] : action.labels) {
      if (value) {
        seen->second.labels[name] = *value;
      } else {
        seen->second.labels.erase(name);
      }
    }
    if (seen->second.labels.contains("kubernetes.azure.com/trusted-launch")) {
      ASSERT_TRUE(node->vtpm && node->last_good_verdict);
    }
  }
  void apply(const RecordLabels& action) { find(action.instance)->labels_applied = action.applied; }
  void apply(const Cordon& action) {
    if (in_kubernetes_.contains(action.node)) in_kubernetes_[action.node].unschedulable = true;
  }
  void apply(const BeginDrain& action) {
    Node* node = find(action.instance);
    ASSERT_NE(node, nullptr);
    if (!node->draining) node->draining = now_;
    node->drain_reason = action.reason;
  }
  void apply(const EvictPods&) { FAIL() << "there are no pods"; }
  void apply(const StopDrain& action) {
    if (in_kubernetes_.contains(action.node)) in_kubernetes_[action.node].unschedulable = false;
    find(action.instance)->draining.reset();
  }
  void apply(const RemoveNode& action) {
    const Node* node = find(action.instance);
    ASSERT_NE(node, nullptr);
    ASSERT_EQ(node->phase, NodePhase::kDeleting) << "intent is written before its effect";
    machines_.erase(action.instance);
    in_kubernetes_.erase(action.node);
    if (!calm_ && draw(4) == 0) return;  // killed before the document went
    std::erase_if(snapshot_.nodes, [&](const Node& other) { return other.instance == action.instance; });
  }
  void apply(const RemoveInfrastructure&) {
    ASSERT_TRUE(machines_.empty() && snapshot_.nodes.empty());
    infrastructure_ = false;
  }
  void apply(const SetProgress& action) {
    for (Operation& operation : snapshot_.operations) {
      if (operation.id == action.operation) operation.progress = action.progress;
    }
  }
  void apply(const Finish& action) {
    if (action.kind != "DeleteCluster" && action.status == "Succeeded") {
      for (const Node& node : snapshot_.nodes) {
        if (node.phase != NodePhase::kDeleting) {
          ASSERT_EQ(node.phase, NodePhase::kReady);
        }
      }
    }
    last_status_ = action.status;
    gone_ = action.kind == "DeleteCluster";
    const auto before = snapshot_.operations.size();
    std::erase_if(snapshot_.operations, [&](const Operation& operation) { return operation.id == action.operation; });
    ASSERT_EQ(snapshot_.operations.size() + 1, before) << "an operation was ended twice";
  }

  void check() {
    std::set<std::string> names;
    for (const Node& node : snapshot_.nodes) ASSERT_TRUE(names.insert(node.name).second);
    for (const auto& [instance, machine] : machines_) ASSERT_NE(find(instance), nullptr) << "a machine nobody knows of";
  }

  std::mt19937 random_;
  Snapshot snapshot_;
  Limits limits_;
  Time now_ = kStart;
  std::map<std::string, Machine> machines_;
  std::map<std::string, ObservedKubernetesNode> in_kubernetes_;
  bool infrastructure_ = false, calm_ = false, gone_ = false;
  int number_ = 0, operations_ = 0;
  std::string last_status_;
};

TEST(ReconcileProperty, NothingIsMadeTwiceAndWhatIsWantedComesToBe) {
  int succeeded = 0, failed = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    for (int round = 0; round < 60; ++round) {
      world.round(false);
      if (testing::Test::HasFatalFailure()) return;
      if (round % 7 == 6) world.change_mind();
    }
    for (int round = 0; round < 300 && !world.settled(); ++round) world.round(true);
    ASSERT_FALSE(testing::Test::HasFatalFailure());
    ASSERT_TRUE(world.settled());
    (world.last_status() == "Succeeded" ? succeeded : failed) += 1;
    // Where the last try failed, the next one replaces what went wrong.
    world.change_mind();
    for (int round = 0; round < 300 && !world.settled(); ++round) world.round(true);
    ASSERT_TRUE(world.settled());
    EXPECT_EQ(world.last_status(), "Succeeded");

    world.request_deletion();
    for (int round = 0; round < 20; ++round) world.round(false);
    for (int round = 0; round < 20 && !world.settled(); ++round) world.round(true);
    EXPECT_TRUE(world.settled() && world.empty());
    EXPECT_FALSE(world.infrastructure());
  }
  EXPECT_GT(succeeded, 50);
  EXPECT_GT(failed, 20);
}

}  // namespace
}  // namespace slipway::fleet
