#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::cli {

struct MergedKubeconfig {
  std::string text;     // the whole file, YAML
  std::string context;  // the one that is current now
};

// Puts one cluster's kubeconfig (YAML or JSON) into another, as az does: its cluster, context and user by name, its
// context becomes the current one, under the name `context` if that is not empty; an administrator's context gets
// "-admin" behind its name. `existing` may be empty.
// kInvalidArgument for a context that is no UTF-8; kConflict if a thing of that name is there, differs, and `overwrite`
// is false; kMalformed for other forms, kResourceExhausted for more than read_yaml() takes, before or after.
Result<MergedKubeconfig> merge_kubeconfig(std::string_view existing, std::string_view addition, bool overwrite,
                                          std::string_view context = {});

}  // namespace slipway::cli
