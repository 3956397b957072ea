#pragma once

#include "kube/hosted/cluster_record.h"
#include "kube/hosted/hosted_plan.h"
#include "kube/hosted/private_folder.h"

namespace slipway::kube {

// The group of the certificate that the apiserver shows to kubelets.
inline constexpr const char* kKubeletClientsGroup = "slipway:kubelet-clients";

// Makes what the hosted programs read in the run folder: authorities' certificates, certificates and keys of their own
// (a year, made again when a third of it is left or when their names change), kubeconfigs, encryption key, audit
// policy. What was issued is kept in `cluster_folder`, which the programs cannot read. Returns, for each program, a
// text that changes when one of its files has.
Result<std::map<std::string, std::string>> ensure_cluster_files(const PrivateFolder& cluster_folder,
                                                                const PrivateFolder& run_folder,
                                                                const ClusterRecord& record,
                                                                const Authorities& authorities, Time now,
                                                                Random& random);

}  // namespace slipway::kube
