#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "apps/slipway/arm_client.h"

namespace slipway::cli {

// What `aks wait` and `aks nodepool wait` wait for.
struct WaitOptions {
  bool created = false, updated = false, deleted = false, exists = false;
  std::string custom;  // a query of the resource as it is printed
  int interval = 5, timeout = 3600;
};

void add_wait_options(CLI::App& verb, WaitOptions& options);

// Looks at the resource until it is as asked for. kInvalidArgument if nothing is asked for; kNotFound where it is gone
// and was not to be; kPreconditionFailed, with the server's cause, where it failed; kUnavailable when the time is over.
Status wait_until(ArmClient& client, const std::string& path, const WaitOptions& options, const std::string& what);

}  // namespace slipway::cli
