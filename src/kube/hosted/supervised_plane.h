#pragma once

#include "kube/hosted/cluster_record.h"
#include "kube/hosted/hosted_kubernetes.h"
#include "kube/hosted/hosted_plan.h"

namespace slipway::kube {

// The programs of one cluster's control plane and their command lines, in starting order; `revisions` as
// ensure_cluster_files gives them. kUnavailable, naming it, where an executable is missing.
Result<HostedPlan> make_plan(const HostedOptions& options, const ClusterRecord& record,
                             const std::map<std::string, std::string>& revisions);

// Sees to it that a supervisor with exactly this plan runs in the run folder: keeps the one that does, lets one with
// another plan or of another build hand over, starts one where none runs. Programs that run as the plan says are not
// touched. The supervisor's identity is kept in `cluster_folder`.
Status ensure_supervisor(const HostedOptions& options, const PrivateFolder& cluster_folder,
                         const PrivateFolder& run_folder, const HostedPlan& plan);

// Ends the supervisor and every program that it or a predecessor started. Returns when they are gone.
Status stop_plane(const PrivateFolder& cluster_folder, const PrivateFolder& run_folder);

}  // namespace slipway::kube
