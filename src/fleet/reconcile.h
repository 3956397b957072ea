#pragma once

#include <string>
#include <variant>
#include <vector>

#include "fleet/node_state.h"
#include "fleet/observed.h"
#include "fleet/types.h"

// (wanted, observed, now) -> what to do next. Pure: the same arguments give the same list. Each action is idempotent
// and writes its intent before its effect, so that a process killed anywhere resumes by asking again.
namespace slipway::fleet {

// All documents of one cluster, as of one moment.
struct Snapshot {
  Cluster cluster;
  std::vector<Pool> pools;
  std::vector<Node> nodes;
  std::vector<Operation> operations;  // those InProgress
};

// Bridge, firewall and node listener.
struct EnsureNetwork {};
struct EnsureControlPlane {};
// Writes a node document with the pool's next number, in one transaction with the counter.
struct CreateNode {
  std::string pool;
};
// Calibrates the firmware for the node's shape, makes its vTPM, and records the EK.
struct RecordEndorsementKey {
  std::string instance;
};
// Writes the one-time secret's hash where the pool has no vTPM, starts the VM, records when.
struct StartMachine {
  std::string instance;
};
// A VM that was started but never recorded so: its secret is unknown by now if it never ran. Takes it away.
struct DiscardMachine {
  std::string instance;
};
// A VM of an admitted node that is off: its host was restarted.
struct RestartMachine {
  std::string instance;
};
// Reads the disk of a node that does not prove its boot, so that its phase can say what differs from its image.
struct InspectDisk {
  std::string instance;
};
struct SetPhase {
  std::string instance;
  NodePhase phase = NodePhase::kProvisioning;
  std::string explanation;
  bool tells_disk = false;
};
struct SetLabels {
  std::string instance, node;
  std::map<std::string, std::optional<std::string>> labels;
};
// Records that Kubernetes shows the labels, or no longer does.
struct RecordLabels {
  std::string instance;
  bool applied = false;
};
struct Cordon {
  std::string instance, node;
};
// Records that the node is to be drained; nothing happens to it before that is written.
struct BeginDrain {
  std::string instance, reason;
};
// Asks Kubernetes to evict the node's pods, once each. What a disruption budget forbids is asked again later.
struct EvictPods {
  std::string instance, node;
};
// Makes a node schedulable again whose drain was called off.
struct StopDrain {
  std::string instance, node;
};
// Takes a node that is kDeleting away for good: from Kubernetes, its VM with its vTPM, then its document.
struct RemoveNode {
  std::string instance, node;
};
// Control plane, listener and network of a cluster that has no nodes left.
struct RemoveInfrastructure {};
struct SetProgress {
  std::string operation, progress;
};
// Ends the operation, and in the same transaction sets the states of what it worked on, or deletes them where that was
// its work. An empty operation id: the thing is ended without one.
struct Finish {
  std::string operation, kind, pool;
  std::string status;  // Succeeded, Failed, Canceled
  std::string error_code, error_message;
};

using Action = std::variant<EnsureNetwork, EnsureControlPlane, CreateNode, RecordEndorsementKey, StartMachine,
                            DiscardMachine, RestartMachine, InspectDisk, SetPhase, SetLabels, RecordLabels, Cordon,
                            BeginDrain, EvictPods, StopDrain, RemoveNode, RemoveInfrastructure, SetProgress, Finish>;

// Names the action and what it works on, for counting failures: "StartMachine/0e9d6a2c-...".
std::string key_of(const Action& action);

std::vector<Action> reconcile(const Snapshot& snapshot, const Observed& observed, const Limits& limits, Time now);

}  // namespace slipway::fleet
