#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "kube/kubernetes.h"

namespace slipway::kube {

// What the hosted control planes of this machine need; all paths absolute.
struct HostedOptions {
  std::filesystem::path state_folder;       // made with mode 0700; holds one folder for each cluster
  std::filesystem::path kubernetes_folder;  // kube-apiserver, kube-controller-manager, kube-scheduler of one version
  std::filesystem::path programs_folder;    // slipway-supervisor, slipway-label-webhook
  std::filesystem::path etcd = "/usr/bin/etcd";
  // The system user that the hosted programs run as when this process is root; made if it does not exist. A process
  // that is not root runs them as itself.
  std::string user = "slipway";
  seconds ready_timeout{180};  // how long ensure_cluster waits for /readyz
};

// Control planes as processes beside this one (docs/threat-model.md, "The hosted control plane"). They outlive this
// process: nothing is stopped by the destructor, and the next one over the same state folder adopts them. `clock` and
// `random` must outlive the result.
std::unique_ptr<Kubernetes> make_hosted_kubernetes(HostedOptions options, const Clock& clock, Random& random);

}  // namespace slipway::kube
