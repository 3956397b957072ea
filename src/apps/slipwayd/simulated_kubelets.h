#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/time.h"
#include "enrolment/client.h"
#include "kube/node_registration.h"

namespace slipway::slipwayd {

// The kubelets of the in-memory host: registers each node with the certificate that it was issued, keeps it
// Ready, and plays the kubelet's part for pods.
// One that cannot register (no control plane yet) tries again; one whose Node object is deleted is forgotten.
class SimulatedKubelets {
 public:
  explicit SimulatedKubelets(std::unique_ptr<kube::NodeRegistrar> registrar);

  // What a node got. Thread-safe, returns at once.
  void admitted(const std::string& instance, const enrolment::Admission& admission, const enrolment::NodeKeys& keys);

 private:
  struct Kubelet {
    kube::NodeRegistration registration;
    bool registered = false;
  };

  void run(const std::stop_token& stop);
  void step(const std::string& instance, bool heartbeat);
  void tend_pods();

  std::unique_ptr<kube::NodeRegistrar> registrar_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool news_ = false;
  std::map<std::string, Kubelet> kubelets_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace slipway::slipwayd
