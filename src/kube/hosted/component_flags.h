#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The command lines of the hosted programs: one table of flags by Kubernetes minor version. Pure.
namespace slipway::kube {

enum class Component { kEtcd, kApiserver, kControllerManager, kScheduler };

// The "20" of "v1.20.2-906ce6a1a7d5c54e", the name of a folder that packaging/kubernetes/fetch makes. kInvalidArgument
// for a name of another form, and for versions that the table was not written for.
Result<int> minor_version(std::string_view folder_name);

// A component's arguments for that minor version, in the table's order, with {names} replaced by `values`. kInternal
// where the table uses a name that `values` lacks.
Result<std::vector<std::string>> component_arguments(Component component, int minor,
                                                     const std::map<std::string, std::string>& values);

}  // namespace slipway::kube
