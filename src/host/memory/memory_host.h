#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "enrolment/client.h"
#include "host/host.h"
#include "image/manifest.h"

namespace slipway::host {

struct MemoryOptions {
  // Networks, TPM keys and VMs are files here, so that they outlive slipwayd as real ones do.
  std::filesystem::path state_folder;
  // What a VM boots: VirtualMachine::image is given to it and the manifest comes back. The simulated firmware log is
  // the one that booting this image would give.
  std::function<Result<image::Manifest>(const std::filesystem::path& image)> manifest;
  // Called on a node's thread whenever it got certificates, for a simulated kubelet that registers with them. May be
  // empty.
  std::function<void(const std::string& instance, const enrolment::Admission&, const enrolment::NodeKeys&)> on_admitted;
  Random& random;      // outlives the host
  const Clock& clock;  // outlives the host
};

// No VMs: each is a thread with a software TPM that runs the agent's protocol against the real node listener. Networks
// are 127.0.0.0/8 by name alone: the gateway of each is 127.0.0.1. VMs that ran when the process ended run again from
// here on.
std::unique_ptr<Host> make_memory_host(MemoryOptions options);

}  // namespace slipway::host
