#include "fleet/operation_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "fleet/drain.h"
#include "fleet/node_choice.h"

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

// Long enough for a person who looks on.
std::string describe_phase(const Node& node, const ObservedNode& observed, Time now) {
  const auto seconds_since = [now](Time since) {
    // In steps of ten seconds, so that an operation's document does not change with every look at it.
    return std::chrono::duration_cast<seconds>(now - since).count() / 10 * 10;
  };
  if (node.phase == NodePhase::kDeleting) return "is being removed";
  if (node.draining) {
    return fmt::format("is drained, {} ({} s)", drain_report(observed), seconds_since(*node.draining));
  }
  if (node.phase == NodePhase::kBooting) return fmt::format("boots ({} s)", seconds_since(node.booted.value_or(now)));
  if (node.phase == NodePhase::kAdmitted) return "proved its boot and joins";
  return node.phase == NodePhase::kReady ? "gets its labels" : "is being made";
}

// While nodes leave or are made again: how many are done, and what happens to those that are on their way.
std::string describe_update(const Operation& operation, const Snapshot& snapshot, const Observed& observed, Time now) {
  std::string text;
  int wanted = 0, done = 0;
  for (const Pool& pool : snapshot.pools) {
    if (!concerns(operation, pool)) continue;
    wanted += pool.count;
    for (const Node& node : snapshot.nodes) {
      if (node.pool != pool.name) continue;
      const bool is_good = node.phase == NodePhase::kReady && node.labels_applied && !node.draining;
      if (is_good && fits(node, pool)) ++done;
      if (is_good) continue;
      const auto seen = observed.nodes.find(node.instance);
      text += fmt::format("; {} {}", node.name,
                          describe_phase(node, seen == observed.nodes.end() ? ObservedNode{} : seen->second, now));
    }
  }
  return fmt::format("{} of {} nodes up to date{}", done, wanted, text);
}

// When the operation last began something with a node of the pool.
Time last_step(const Operation& operation, const Pool& pool, const Snapshot& snapshot) {
  Time last = operation.started;
  for (const Node& node : snapshot.nodes) {
    if (node.pool == pool.name) last = std::max({last, node.created, node.draining.value_or(last)});
  }
  return last;
}

OperationState drain_failed(const Node& node, const Pool& pool, const ObservedNode& observed) {
  return failed(
      "PodDrainFailure",
      fmt::format("Node {} could not be drained in {} minutes: {}. The node is schedulable again and the rest "
                  "of the pool is as it was. Let the pods go (a disruption budget that allows it, or more "
                  "replicas elsewhere) or give upgradeSettings.drainTimeoutInMinutes more time, and try "
                  "again.",
                  node.name, pool.drain_timeout_minutes, drain_report(observed)));
}

OperationState state_of_create(const Operation& operation, const Snapshot& snapshot, const Observed& observed,
                               const Limits& limits, Time now) {
  if (const Failure* failure = hopeless({"EnsureNetwork", "EnsureControlPlane"}, observed, limits)) {
    return failed_by(*failure);
  }
  Tally tally;
  bool all_fit = true, all_there = true;
  int leaving = 0;
  for (const Pool& pool : snapshot.pools) {
    if (!concerns(operation, pool)) continue;
    if (const Failure* failure = hopeless({"CreateNode/" + pool.name}, observed, limits)) return failed_by(*failure);
    int live = 0;
    const Time step_began = last_step(operation, pool, snapshot);
    for (const Node& node : snapshot.nodes) {
      if (node.pool != pool.name) continue;
      if (node.phase == NodePhase::kDeleting) {
        if (const Failure* failure = hopeless({"RemoveNode/" + node.instance}, observed, limits)) {
          return failed_by(*failure);
        }
        ++leaving;
        continue;
      }
      ++live;
      if (is_bad(node.phase)) {
        return failed(error_code_of(node.phase), fmt::format("Node {}: {}", node.name, node.explanation));
      }
      if (const Failure* failure = hopeless({"RecordEndorsementKey/" + node.instance, "StartMachine/" + node.instance,
                                             "DiscardMachine/" + node.instance, "SetLabels/" + node.instance},
                                            observed, limits)) {
        return failed_by(*failure);
      }
      const auto found = observed.nodes.find(node.instance);
      const ObservedNode seen = found == observed.nodes.end() ? ObservedNode{} : found->second;
      if (node.draining) {
        if (drain_step(node, pool, seen, observed.listening_since, now) == DrainStep::kTimedOut) {
          return drain_failed(node, pool, seen);
        }
        ++leaving;
      }
      const bool labelled =
          seen.kubernetes &&
          carries_labels(wanted_labels(snapshot.cluster, pool, node, node.phase, seen), node, *seen.kubernetes);
      all_fit = all_fit && fits(node, pool);
      if (node.phase == NodePhase::kReady && labelled) {
        ++tally.ready;
        continue;
      }
      const Time since = std::max(node.booted.value_or(now), observed.listening_since);
      // One that ran before is late when nothing of the operation moved for that long.
      if (now - std::max(since, step_began) > limits.boot + limits.ready) {
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
    all_there = all_there && live == pool.count;
  }
  const bool infrastructure = observed.network && observed.control_plane;
  if (infrastructure && all_fit && all_there && leaving == 0 && tally.ready == tally.wanted) {
    return {"Succeeded", {}, {}, {}};
  }
  if (infrastructure && (leaving > 0 || !all_fit)) {
    return {"InProgress", {}, {}, describe_update(operation, snapshot, observed, now)};
  }
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
