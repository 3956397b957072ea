#pragma once

#include <string>
#include <vector>

#include "kube/hosted/cluster_record.h"

namespace slipway::kube {

// The label guard's names in the apiserver's refusals: asked first with the true old node, and last with what is to be
// stored.
inline constexpr const char* kLabelGuard = "labels.slipway.local";
inline constexpr const char* kFinalLabelGuard = "final.labels.slipway.local";

// An object that every hosted cluster holds: where it is applied, and the object as JSON.
struct Addon {
  std::string path;
  std::string object;
};

// The guard of the trust labels, and the role bindings that the hosted programs and the nodes need.
std::vector<Addon> addons_of(const ClusterRecord& record, const Authorities& authorities);

}  // namespace slipway::kube
