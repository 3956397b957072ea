#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"

namespace slipway::kube {

// TCP ports that nothing listens on now, one for each address in the same place ("127.0.0.1" or the bridge's gateway),
// from 20000 to 29999: below the range that the kernel takes ports of outgoing connections from, so that they are still
// free after a restart. Ports in `taken` are left out. kResourceExhausted where too few are free; kUnavailable where an
// address is not this host's.
Result<std::vector<int>> choose_free_ports(const std::vector<std::string>& addresses, const std::set<int>& taken,
                                           Random& random);

}  // namespace slipway::kube
