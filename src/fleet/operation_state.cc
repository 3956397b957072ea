#include "fleet/operation_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::fleet {
namespace {

OperationState failed(std::string code, std::string message) {
  return {"Failed", std::move(code), std::move(message), {}};
}

bool concerns(const Operation& operation, const Pool& pool) {
  return !pool.deletion_requested && (operation.kind == "CreateCluster" || operation.pool == pool.name);
}

// An action of the nodes or the infrastructure in the operation's way that was tried often enough.
const Failure* hopeless(const std::vector<std::string>& keys, const Observed& observed, const Limits& limits) {
  for (const std::string& key : keys) {
    const auto found = observed.failures.find(key);
    if (found != observed.failures.end() && found->second.count >= limits.attempts) return &found->second;
  }
  return nullptr;
}

OperationState failed_by(const Failure& failure) {
  return failed(failure.last.reason.empty() ? std::string(to_string(failure.last.code)) : failure.last.reason,
                fmt::format("{} (tried {} times)", failure.last.message, failure.count));
}

struct Tally {
  int wanted = 0, ready = 0, admitted = 0, booting = 0, provisioning = 0, missing = 0;
  Time first_boot = Time::max();
};

std::string describe(const Tally& tally, bool infrastructure, Time now) {
  if (!infrastructure) return "the control plane is starting";
  std::string text = fmt::format("{} of {} nodes ready", tally.ready, tally.wanted);
  if (tally.provisioning + tally.missing > 0)
    text += fmt::format(", {} being made", tally.provisioning + tally.missing);
  if (tally.booting > 0) {
    // In steps of ten seconds, so that an operation's document does not change with every look at it.
    const auto elapsed = std::chrono::duration_cast<seconds>(now - tally.first_boot).count() / 10 * 10;
    text += fmt::format(", {} booting ({} s)", tally.booting, elapsed);
  }
  if (tally.admitted > 0) text += fmt::format(", {} proved and joining", tally.admitted);
  return text;
}

OperationState state_of_create(const Operation& operation, const Snapshot& snapshot, const Observed& observed,
                               const Limits& limits, Time now) {
  if (const Failure* failure = hopeless({"EnsureNetwork", "EnsureControlPlane"}, observed, limits)) {
    return failed_by(*failure);
  }
  Tally tally;
  bool all_fit = true;
  for (const Pool& pool : snapshot.pools) {
    if (!concerns(operation, pool)) continue;
    if (const Failure* failure = hopeless({"CreateNode/" + pool.name}, observed, limits)) return failed_by(*failure);
    int live = 0;
    for (const Node& node : snapshot.nodes) {
      if (node.pool != pool.name || node.phase == NodePhase::kDeleting) continue;
      ++live;
      if (is_bad(node.phase)) {
        return failed(error_code_of(node.phase), fmt::format("Node {}: {}", node.name, node.explanation));
      }
      if (const Failure* failure = hopeless({"RecordEndorsementKey/" + node.instance, "StartMachine/" + node.instance,
                                             "DiscardMachine/" + node.instance, "SetLabels/" + node.instance},
                                            observed, limits)) {
        return failed_by(*failure);
      }
      const auto seen = observed.nodes.find(node.instance);
      const bool labelled = seen != observed.nodes.end() && seen->second.kubernetes &&
                            carries_labels(wanted_labels(snapshot.cluster, pool, node, node.phase, seen->second), node,
                                           *seen->second.kubernetes);
      all_fit = all_fit && node.vtpm == pool.vtpm && node.secure_boot == pool.secure_boot && node.vcpus == pool.vcpus &&
                node.memory_mib == pool.memory_mib && node.image_version == pool.node_image_version;
      if (node.phase == NodePhase::kReady && labelled) {
        ++tally.ready;
        continue;
      }
      const Time since = std::max(node.booted.value_or(now), observed.listening_since);
      if (now - since > limits.boot + limits.ready) {
        return failed("NodeNotReady",
                      fmt::format("Node {} was admitted, but is not Ready in Kubernetes with its labels {} s after its "
                                  "VM started. See 'kubectl describe node {}'.",
                                  node.name, std::chrono::duration_cast<seconds>(now - since).count(), node.name));
      }
      if (node.phase == NodePhase::kProvisioning) ++tally.provisioning;
      if (node.phase == NodePhase::kBooting) {
        ++tally.booting;
        tally.first_boot = std::min(tally.first_boot, since);
      }
      if (node.phase == NodePhase::kAdmitted || node.phase == NodePhase::kReady) ++tally.admitted;
    }
    tally.wanted += pool.count;
    tally.missing += std::max(0, pool.count - live);
    all_fit = all_fit && live == pool.count;
  }
  const bool infrastructure = observed.network && observed.control_plane;
  if (infrastructure && all_fit && tally.ready == tally.wanted) return {"Succeeded", {}, {}, {}};
  return {"InProgress", {}, {}, describe(tally, infrastructure, now)};
}

OperationState state_of_delete_pool(const Operation& operation, const Snapshot& snapshot) {
  const auto left = std::count_if(snapshot.nodes.begin(), snapshot.nodes.end(),
                                  [&](const Node& node) { return node.pool == operation.pool; });
  if (left == 0) return {"Succeeded", {}, {}, {}};
  return {"InProgress", {}, {}, fmt::format("{} nodes to remove", left)};
}

}  // namespace

OperationState state_of(const Operation& operation, const Snapshot& snapshot, const Observed& observed,
                        const Limits& limits, Time now) {
  if (operation.kind == "DeletePool") return state_of_delete_pool(operation, snapshot);
  if (operation.kind == "CreateCluster" || operation.kind == "PutPool") {
    return state_of_create(operation, snapshot, observed, limits, now);
  }
  return failed("InternalServerError",
                fmt::format("The operation is of a kind \"{}\" that this version of Slipway does "
                            "not know.",
                            operation.kind));
}

}  // namespace slipway::fleet
