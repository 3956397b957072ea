#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/cluster_state.h"
#include "control/log_text.h"

namespace slipway::control {
namespace {

// So many looks without an answer, and the control plane is asked to be there again.
constexpr int kPatience = 10;
// The owner of a cluster may delete the label guard's configurations.
constexpr seconds kGuardInterval{10};

fleet::ObservedMachine::Power power(host::PowerState state) {
  switch (state) {
    case host::PowerState::kRunning:
      return fleet::ObservedMachine::Power::kRunning;
    case host::PowerState::kOff:
      return fleet::ObservedMachine::Power::kOff;
    case host::PowerState::kAbsent:
      break;
  }
  return fleet::ObservedMachine::Power::kAbsent;
}

void observe_kubernetes(const Surroundings& around, ClusterState& state, const fleet::Snapshot& snapshot,
                        fleet::Observed& observed) {
  if (!state.control_plane) return;
  const auto nodes = around.kubernetes.list_nodes(state.cluster);
  if (!nodes) {
    if (++state.silent_control_plane == kPatience) {
      spdlog::warn("control plane silent cluster={} why={}", state.cluster, log_quoted(nodes.error().message));
      state.control_plane = false;
      state.silent_control_plane = 0;
    }
    return;
  }
  state.silent_control_plane = 0;
  for (const fleet::Node& node : snapshot.nodes) {
    fleet::ObservedNode& seen = observed.nodes[node.instance];
    seen.kubernetes_answers = true;
    for (const kube::Node& found : *nodes) {
      if (found.name != node.name) continue;
      seen.kubernetes =
          fleet::ObservedKubernetesNode{found.ready, found.unschedulable, found.labels, found.internal_ip};
    }
  }
  for (const kube::Node& found : *nodes) {
    const bool known = std::any_of(snapshot.nodes.begin(), snapshot.nodes.end(),
                                   [&](const fleet::Node& node) { return node.name == found.name; });
    if (!known) observed.strangers.emplace(found.name, found.labels);
  }
}

void observe_label_guard(const Surroundings& around, ClusterState& state) {
  const Time now = around.clock.now();
  if (!state.control_plane || now - state.guard_checked < kGuardInterval) return;
  state.guard_checked = now;
  const Status refuses = around.kubernetes.check_label_guard(state.cluster);
  if (refuses || refuses.error().code != ErrorCode::kPreconditionFailed) return;
  spdlog::warn("label guard missing, put back cluster={} why={}", state.cluster, log_quoted(refuses.error().message));
  state.control_plane = false;
}

// The pods of nodes that are drained.
void observe_drains(const Surroundings& around, const ClusterState& state, const fleet::Snapshot& snapshot,
                    fleet::Observed& observed) {
  for (const fleet::Node& node : snapshot.nodes) {
    fleet::ObservedNode& seen = observed.nodes[node.instance];
    if (!node.draining || !seen.kubernetes) continue;
    const auto pods = around.kubernetes.list_pods(state.cluster, node.name);
    if (!pods) {
      spdlog::warn("pods cannot be listed node={} why={}", node.name, log_quoted(pods.error().message));
      continue;
    }
    seen.pods.emplace();
    for (const kube::Pod& pod : *pods) {
      // Where no kubelet works nobody ends a pod: it is enough that it was told to.
      const bool is_over = pod.is_terminating && !seen.kubernetes->ready;
      if (pod.leaves_on_drain() && !is_over) seen.pods->left.push_back(pod.full_name());
    }
    const auto round = state.evictions.find(node.instance);
    if (round == state.evictions.end()) continue;
    seen.evicted = round->second.at;
    seen.pods->blocked = round->second.blocked;
  }
}

}  // namespace

fleet::Observed observe(const Surroundings& around, ClusterState& state, const fleet::Snapshot& snapshot) {
  fleet::Observed observed;
  for (const fleet::Node& node : snapshot.nodes) {
    fleet::ObservedNode& seen = observed.nodes[node.instance];
    if (const auto restarted = state.restarted.find(node.instance); restarted != state.restarted.end()) {
      seen.restarted = restarted->second;
    }
    auto machine = around.host.observe(node.instance);
    if (!machine) {
      spdlog::warn("host does not answer node={} why={}", node.name, log_quoted(machine.error().message));
      continue;
    }
    seen.machine = fleet::ObservedMachine{power(machine->power), machine->boot_refusal, machine->console_tail};
    if (node.secure_boot && !node.vtpm && node.booted && machine->power != host::PowerState::kAbsent) {
      const auto firmware = around.host.observe_firmware(node.instance);
      seen.host_sees_secure_boot = firmware && firmware->secure_boot_enabled;
    }
  }
  observe_kubernetes(around, state, snapshot, observed);
  observe_label_guard(around, state);
  observe_drains(around, state, snapshot, observed);
  observed.network = state.network.has_value() && state.endpoint.has_value();
  observed.control_plane = state.control_plane;
  observed.listening_since = state.listening_since;
  observed.failures = state.failures;
  return observed;
}

}  // namespace slipway::control
