#pragma once

#include <string>
#include <vector>

#include "fleet/observed.h"
#include "fleet/reconcile.h"

// Which nodes a pool keeps, which leave it and how many are missing. Pure: `snapshot` carries the phases as of now.
//
// A pool changes only while an operation works on it. Then, in this order: what was bad before the operation goes; what
// is too much is drained and goes; and of the nodes that were made for other settings one is drained and goes, whenever
// all others are Ready with their labels. What is missing is made once nothing is left of what it replaces. A node that
// turns bad after the first step of the operation stops it (operation_state.h), and without an operation nothing
// leaves: the drains that it had begun are called off.
namespace slipway::fleet {

struct NodeChoice {
  struct Leaving {
    std::string instance, reason;
  };
  std::vector<Leaving> remove;             // now: nothing runs there that could be asked to leave
  std::vector<Leaving> drain;              // from now on
  std::vector<std::string> stop_draining;  // instances
  int create = 0;
};

NodeChoice choose_nodes(const Snapshot& snapshot, const Pool& pool, const Observed& observed);

// The operation that works on the pool, or null. The snapshot owns it.
const Operation* operation_on(const Snapshot& snapshot, const Pool& pool);

// True if the node was made for the pool's settings.
bool fits(const Node& node, const Pool& pool);

}  // namespace slipway::fleet
