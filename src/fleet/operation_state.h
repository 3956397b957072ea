#pragma once

#include <string>

#include "fleet/reconcile.h"

// Where an operation stands, from the phases of the nodes that it waits for. Pure.
namespace slipway::fleet {

struct OperationState {
  std::string status = "InProgress";  // InProgress, Succeeded, Failed
  std::string error_code, error_message;
  std::string progress;  // while InProgress, for people
};

// `snapshot` carries the phases as of `now`. A create succeeds when every node that its pools want is Ready and carries
// its labels, each made for the pool's settings, and none is leaving; it fails, with the cause, when one of them is
// BootRefused, Untrusted or Silent, when an action that it waits for failed `limits.attempts` times, when a node is not
// drained within its pool's drain timeout, or when an admitted node is not Ready in `limits.boot + limits.ready`.
OperationState state_of(const Operation& operation, const Snapshot& snapshot, const Observed& observed,
                        const Limits& limits, Time now);

}  // namespace slipway::fleet
