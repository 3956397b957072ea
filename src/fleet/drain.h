#pragma once

#include <string>

#include "fleet/node_state.h"
#include "fleet/reconcile.h"

// The drain of one node, from its cordon until no pod is left there that has to go. Pure.
namespace slipway::fleet {

enum class DrainStep {
  kWait,      // for Kubernetes to answer, or for pods to end
  kCordon,    // first, so that nothing new comes
  kEvict,     // ask the pods to leave, within their disruption budgets
  kDone,      // nothing is left that has to leave
  kTimedOut,  // the pool's drain timeout is over
};

// For a node with `draining` set.
DrainStep drain_step(const Node& node, const Pool& pool, const ObservedNode& observed, Time listening_since, Time now);

// What keeps the node, for people: "2 pods left: default/web-0 (The disruption budget web needs 2 healthy pods ...)".
std::string drain_report(const ObservedNode& observed);

}  // namespace slipway::fleet
