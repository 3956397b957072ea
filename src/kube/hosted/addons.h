#pragma once

#include <string>
#include <vector>

#include "kube/hosted/cluster_record.h"

namespace slipway::kube {

// An object that every hosted cluster holds: where it is applied, and the object as JSON.
struct Addon {
  std::string path;
  std::string object;
};

// The guard of the trust labels, and the role bindings that the hosted programs and the nodes need.
std::vector<Addon> addons_of(const ClusterRecord& record, const Authorities& authorities);

}  // namespace slipway::kube
