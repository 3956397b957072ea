#pragma once

#include <memory>

#include "base/random.h"
#include "base/time.h"
#include "kube/kubernetes.h"
#include "kube/node_registration.h"
#include "kube/pod_fixtures.h"

namespace slipway::kube {

// Kubernetes in memory: no process, no socket, real certificates. Same semantics as the hosted one under
// kube/kubernetes_contract_test.cc; all of it is gone with the object.
class MemoryKubernetes : public Kubernetes {
 public:
  // What the label webhook and NodeRestriction decide, on the certificate that the registration carries.
  virtual Status register_node(const NodeRegistration& node) = 0;
  virtual Status heartbeat(const NodeRegistration& node) = 0;
  // A pod that runs and is ready from now on, and a budget that holds from now on. kNotFound without the cluster.
  virtual Status add_pod(const std::string& cluster, const PodFixture& pod) = 0;
  // As an administrator who deletes the webhook's configurations.
  virtual Status remove_label_guard(const std::string& cluster) = 0;
  virtual Status add_budget(const std::string& cluster, const BudgetFixture& budget) = 0;
};

// `clock` and `random` must outlive the result.
std::unique_ptr<MemoryKubernetes> make_memory_kubernetes(const Clock& clock, Random& random);

// A registrar whose nodes appear in `kubernetes`, which must outlive it.
std::unique_ptr<NodeRegistrar> make_memory_node_registrar(MemoryKubernetes& kubernetes);

}  // namespace slipway::kube
