#pragma once

#include <vector>

#include "kube/hosted/hosted_plan.h"

namespace slipway::kube {

// Waiting times of a supervisor; tests shorten them.
struct SupervisorTimes {
  std::chrono::milliseconds first_backoff{500};
  std::chrono::milliseconds longest_backoff{30000};
  std::chrono::milliseconds steady_after{60000};  // a program that ran so long starts again with the first backoff
  std::chrono::milliseconds stop_grace{8000};
  std::chrono::milliseconds lock_wait{5000};  // for a predecessor that is just ending
  std::size_t maximum_log = 16U << 20;        // a longer log becomes <name>.log.1
};

// Runs the programs of the run folder's plan until it is told to end: starts what is missing, adopts what an earlier
// supervisor started (full match of pid, start time, boot, user and digest), stops what the plan no longer holds, and
// starts again what dies, after a wait that doubles. `programs` are open descriptors of the executables in the plan's
// order.
//   SIGTERM, SIGINT  stops all programs in reverse order, and returns
//   SIGUSR1          returns and leaves the programs running, for a successor
// It also stops all and returns when the run folder has been removed. kConflict where another supervisor holds the
// folder. Logs to standard error. Blocks those signals in the calling thread: for a process of its own.
Status run_supervisor(const PrivateFolder& folder, const std::vector<int>& programs, const SupervisorTimes& times);

// Stops whatever the folder has on record, in reverse order: what a supervisor that was killed left running.
Status stop_recorded_processes(const PrivateFolder& folder, std::chrono::milliseconds grace);

}  // namespace slipway::kube
