#include "fleet/reconcile.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fleet/drain.h"
#include "fleet/node_choice.h"
#include "fleet/operation_state.h"

namespace slipway::fleet {
namespace {

// A VM that falls off again and again is switched on at most this often.
constexpr seconds kRestartPause{120};

// One pass over one cluster. The snapshot's phases are replaced by what the facts give now, so that every later rule
// sees one truth.
class Pass {
 public:
  Pass(Snapshot snapshot, Observed observed, const Limits& limits, Time now)
      : snapshot_(std::move(snapshot)), observed_(std::move(observed)), limits_(limits), now_(now) {
    if (!observed_.network) observed_.listening_since = now;
  }

  std::vector<Action> run() {
    if (snapshot_.cluster.deletion_requested) {
      delete_cluster();
      return std::move(actions_);
    }
    if (!observed_.network) add(EnsureNetwork{});
    if (!observed_.control_plane) add(EnsureControlPlane{});
    const bool ready = observed_.network && observed_.control_plane;
    for (Node& node : snapshot_.nodes) update_phase(node);
    for (const Pool& pool : snapshot_.pools) choose(pool, ready);
    for (Node& node : snapshot_.nodes) drain(node);
    for (const Node& node : snapshot_.nodes) advance(node, ready);
    distrust_strangers();
    for (const Pool& pool : snapshot_.pools) forget(pool);
    for (const Operation& operation : snapshot_.operations) conclude(operation);
    return std::move(actions_);
  }

 private:
  template <typename Kind>
  void add(Kind action) {
    actions_.push_back(Action{std::move(action)});
  }

  const ObservedNode& seen(const Node& node) const {
    static const ObservedNode kNothing;
    const auto found = observed_.nodes.find(node.instance);
    return found == observed_.nodes.end() ? kNothing : found->second;
  }

  const Pool* pool_of(const Node& node) const {
    for (const Pool& pool : snapshot_.pools) {
      if (pool.name == node.pool) return &pool;
    }
    return nullptr;
  }

  void set_phase(Node& node, const PhaseAndReason& now) {
    if (node.phase == now.phase && node.explanation == now.explanation) return;
    // The explanation of a bad phase counts seconds: a change of the text alone is no news, but what its disk shows is.
    if (node.phase == now.phase && is_bad(now.phase) && node.disk_told == now.tells_disk) return;
    node.phase = now.phase;
    node.explanation = now.explanation;
    node.disk_told = now.tells_disk;
    add(SetPhase{node.instance, now.phase, now.explanation, now.tells_disk});
  }

  void update_phase(Node& node) {
    const PhaseAndReason now = phase_of(node, seen(node), observed_.listening_since, limits_, now_);
    if (pool_of(node) == nullptr) {
      set_phase(node, {NodePhase::kDeleting, "Its pool no longer exists."});
    } else if (asks_for_disk(node, now.phase)) {
      add(InspectDisk{node.instance});
      // What a node was refused for is told together with what its disk shows. One that was admitted loses its labels
      // at once, whatever its disk shows.
      if (node.certificate_expires) set_phase(node, now);
    } else {
      set_phase(node, now);
    }
  }

  // A node of which nothing good is heard, whose disk can be read and was not read since it was well.
  bool asks_for_disk(const Node& node, NodePhase phase) const {
    if (phase != NodePhase::kBootRefused && phase != NodePhase::kSilent) return false;
    if (node.disk_inspected) return false;
    const ObservedNode& observed = seen(node);
    if (!observed.machine || observed.machine->power == ObservedMachine::Power::kAbsent) return false;
    const auto failure = observed_.failures.find(key_of(Action{InspectDisk{node.instance}}));
    return failure == observed_.failures.end() || failure->second.count < limits_.attempts;
  }

  Node& node_of(const std::string& instance) {
    return *std::find_if(snapshot_.nodes.begin(), snapshot_.nodes.end(),
                         [&instance](const Node& node) { return node.instance == instance; });
  }

  void choose(const Pool& pool, bool ready) {
    const NodeChoice choice = choose_nodes(snapshot_, pool, observed_);
    for (const auto& [instance, reason] : choice.remove) set_phase(node_of(instance), {NodePhase::kDeleting, reason});
    for (const auto& [instance, reason] : choice.drain) {
      Node& node = node_of(instance);
      node.draining = now_;
      node.drain_reason = reason;
      add(BeginDrain{instance, reason});
    }
    for (const std::string& instance : choice.stop_draining) {
      Node& node = node_of(instance);
      node.draining.reset();
      add(StopDrain{instance, node.name});
    }
    if (!ready) return;
    for (int i = 0; i < choice.create; ++i) add(CreateNode{pool.name});
  }

  void drain(Node& node) {
    const Pool* pool = pool_of(node);
    if (!node.draining || node.phase == NodePhase::kDeleting || pool == nullptr) return;
    switch (drain_step(node, *pool, seen(node), observed_.listening_since, now_)) {
      case DrainStep::kCordon:
        add(Cordon{node.instance, node.name});
        break;
      case DrainStep::kEvict:
        add(EvictPods{node.instance, node.name});
        break;
      case DrainStep::kDone:
        set_phase(node, {NodePhase::kDeleting, node.drain_reason});
        break;
      case DrainStep::kWait:
      case DrainStep::kTimedOut:  // its operation ends by it
        break;
    }
  }

  void advance(const Node& node, bool ready) {
    const ObservedNode& observed = seen(node);
    switch (node.phase) {
      case NodePhase::kDeleting:
        if (observed.kubernetes && !observed.kubernetes->unschedulable) add(Cordon{node.instance, node.name});
        add(RemoveNode{node.instance, node.name});
        return;
      case NodePhase::kProvisioning:
        if (ready) provision(node, observed);
        return;
      case NodePhase::kAdmitted:
      case NodePhase::kReady:
        restart_if_off(node, observed);
        break;
      default:
        break;
    }
    keep_labels(node, observed);
  }

  void provision(const Node& node, const ObservedNode& observed) {
    if (!observed.machine) return;
    if (node.vtpm && node.endorsement_key.empty()) {
      add(RecordEndorsementKey{node.instance});
    } else if (!node.vtpm && observed.machine->power == ObservedMachine::Power::kOff) {
      add(DiscardMachine{node.instance});
    } else {
      add(StartMachine{node.instance});
    }
  }

  void restart_if_off(const Node& node, const ObservedNode& observed) {
    if (!observed.machine || observed.machine->power != ObservedMachine::Power::kOff) return;
    if (observed.restarted && now_ - *observed.restarted < kRestartPause) return;
    add(RestartMachine{node.instance});
  }

  void keep_labels(const Node& node, const ObservedNode& observed) {
    const Pool* pool = pool_of(node);
    if (pool == nullptr || !observed.kubernetes) return;
    const auto wanted = wanted_labels(snapshot_.cluster, *pool, node, node.phase, observed);
    std::map<std::string, std::optional<std::string>> changes;
    for (const auto& [name, value] : wanted) {
      const auto found = observed.kubernetes->labels.find(name);
      const bool there = found != observed.kubernetes->labels.end();
      if (value ? !there || found->second != *value : there) changes.emplace(name, value);
    }
    if (!changes.empty()) add(SetLabels{node.instance, node.name, std::move(changes)});
    const bool applied = carries_labels(wanted, node, *observed.kubernetes);
    if (applied != node.labels_applied) add(RecordLabels{node.instance, applied});
  }

  // Nobody vouches for a node without a document, however it lost it.
  void distrust_strangers() {
    for (const auto& [name, labels] : observed_.strangers) {
      auto changes = without_trust(labels);
      if (!changes.empty()) add(SetLabels{name, name, std::move(changes)});
    }
  }

  void forget(const Pool& pool) {
    if (!pool.deletion_requested) return;
    const bool empty = std::none_of(snapshot_.nodes.begin(), snapshot_.nodes.end(),
                                    [&](const Node& node) { return node.pool == pool.name; });
    if (!empty) return;
    for (const Operation& operation : snapshot_.operations) {
      if (operation.kind == "DeletePool" && operation.pool == pool.name) return;
    }
    add(Finish{"", "DeletePool", pool.name, "Succeeded", "", ""});
  }

  void conclude(const Operation& operation) {
    const OperationState state = state_of(operation, snapshot_, observed_, limits_, now_);
    if (state.status == "InProgress") {
      if (state.progress != operation.progress) add(SetProgress{operation.id, state.progress});
      return;
    }
    add(Finish{operation.id, operation.kind, operation.pool, state.status, state.error_code, state.error_message});
  }

  void delete_cluster() {
    for (const Operation& operation : snapshot_.operations) {
      if (operation.kind == "DeleteCluster") continue;
      add(Finish{operation.id, operation.kind, operation.pool, "Canceled", "OperationPreempted",
                 "The cluster was deleted meanwhile."});
    }
    for (Node& node : snapshot_.nodes) {
      set_phase(node, {NodePhase::kDeleting, "Its cluster is being deleted."});
      add(RemoveNode{node.instance, node.name});
    }
    const Operation* deletion = nullptr;
    for (const Operation& operation : snapshot_.operations) {
      if (operation.kind == "DeleteCluster") deletion = &operation;
    }
    if (snapshot_.nodes.empty()) {
      add(RemoveInfrastructure{});
      add(Finish{deletion == nullptr ? "" : deletion->id, "DeleteCluster", "", "Succeeded", "", ""});
    } else if (deletion != nullptr) {
      const std::string progress = fmt::format("{} nodes to remove", snapshot_.nodes.size());
      if (progress != deletion->progress) add(SetProgress{deletion->id, progress});
    }
  }

  Snapshot snapshot_;
  Observed observed_;
  const Limits& limits_;
  Time now_;
  std::vector<Action> actions_;
};

struct KeyOf {
  std::string operator()(const EnsureNetwork&) const { return "EnsureNetwork"; }
  std::string operator()(const EnsureControlPlane&) const { return "EnsureControlPlane"; }
  std::string operator()(const CreateNode& action) const { return "CreateNode/" + action.pool; }
  std::string operator()(const RecordEndorsementKey& action) const { return "RecordEndorsementKey/" + action.instance; }
  std::string operator()(const StartMachine& action) const { return "StartMachine/" + action.instance; }
  std::string operator()(const DiscardMachine& action) const { return "DiscardMachine/" + action.instance; }
  std::string operator()(const RestartMachine& action) const { return "RestartMachine/" + action.instance; }
  std::string operator()(const InspectDisk& action) const { return "InspectDisk/" + action.instance; }
  std::string operator()(const SetPhase& action) const { return "SetPhase/" + action.instance; }
  std::string operator()(const SetLabels& action) const { return "SetLabels/" + action.instance; }
  std::string operator()(const RecordLabels& action) const { return "RecordLabels/" + action.instance; }
  std::string operator()(const Cordon& action) const { return "Cordon/" + action.instance; }
  std::string operator()(const BeginDrain& action) const { return "BeginDrain/" + action.instance; }
  std::string operator()(const EvictPods& action) const { return "EvictPods/" + action.instance; }
  std::string operator()(const StopDrain& action) const { return "StopDrain/" + action.instance; }
  std::string operator()(const RemoveNode& action) const { return "RemoveNode/" + action.instance; }
  std::string operator()(const RemoveInfrastructure&) const { return "RemoveInfrastructure"; }
  std::string operator()(const SetProgress& action) const { return "SetProgress/" + action.operation; }
  std::string operator()(const Finish& action) const {
    return fmt::format("Finish/{}/{}/{}", action.operation, action.kind, action.pool);
  }
};

}  // namespace

std::string key_of(const Action& action) { return std::visit(KeyOf{}, action); }

std::vector<Action> reconcile(const Snapshot& snapshot, const Observed& observed, const Limits& limits, Time now) {
  return Pass(snapshot, observed, limits, now).run();
}

}  // namespace slipway::fleet
