#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::fleet {

// One row of data/vm-sizes.json.
struct VmSize {
  std::string name;  // "Standard_D2s_v3"; compares without case
  int vcpus = 2, memory_mib = 2048;
  std::string architecture = "x86_64";  // or "arm64"
  bool generation_1 = false, generation_2 = true;
  bool gpu = false;
  int ephemeral_disk_gib = 0;  // the largest ephemeral OS disk; 0: none
  bool trusted_launch = true;
};

struct VmSizes {
  std::string default_name;  // what "" means for a pool
  std::vector<VmSize> sizes;

  // Null where there is none of that name; "" finds the default. The table owns it.
  const VmSize* find(std::string_view name) const;
};

// At most 256 KiB; unknown keys, a size named twice and a default that is not in the list are kMalformed.
Result<VmSizes> vm_sizes_from_json(std::string_view json);
// data/vm-sizes.json as it was when this program was built.
const VmSizes& built_in_vm_sizes();

}  // namespace slipway::fleet
