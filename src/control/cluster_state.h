#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "control/image_store.h"
#include "control/node_listeners.h"
#include "fleet/reconcile.h"
#include "host/host.h"
#include "kube/kubernetes.h"
#include "store/store.h"

namespace slipway::control {

// The rest of the house, as the loops need it. Everything outlives the loops.
struct Surroundings {
  store::Store& store;
  host::Host& host;
  kube::Kubernetes& kubernetes;
  NodeListeners& listeners;
  ImageStore& images;
  const Clock& clock;
  Random& random;
};

// The last time that a node's pods were asked to leave.
struct EvictionRound {
  Time at{};
  std::vector<std::string> blocked;  // pods that could not be evicted, each with why
};

// What one worker knows of its cluster beyond the store: all of it is found again after a restart.
struct ClusterState {
  std::string cluster;
  std::optional<host::Network> network;
  std::optional<NodeEndpoint> endpoint;
  bool control_plane = false;
  int silent_control_plane = 0;  // looks in a row that it did not answer
  Time guard_checked{};          // when the label guard was last asked whether it refuses
  Time listening_since{};
  std::map<std::string, Time> restarted;           // by instance
  std::map<std::string, EvictionRound> evictions;  // by instance
  std::map<std::string, fleet::Failure> failures;  // by fleet::key_of
  std::map<std::string, Time> not_before;          // when a failed action may be tried again
};

// Asks the host and Kubernetes about everything in the snapshot. What does not answer leaves its part empty.
fleet::Observed observe(const Surroundings& around, ClusterState& state, const fleet::Snapshot& snapshot);

// Carries out one action. Idempotent: an action cut short by the end of the process is simply asked for again.
Status carry_out(const Surroundings& around, ClusterState& state, const fleet::Action& action);

}  // namespace slipway::control
