#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/random.h"
#include "base/time.h"
#include "enrolment/client.h"
#include "tpm/attester.h"

namespace slipway::host {

struct SimulatedNodeOptions {
  enrolment::Bootstrap bootstrap;
  std::shared_ptr<tpm::Attester> attester;  // null for a pool without a vTPM
  // What an earlier run of a node without a vTPM kept; its one-time secret is spent.
  std::optional<enrolment::HeldCertificates> held;
  // Called on the node's thread after each step that brought certificates. The keys are the ones certified.
  std::function<void(const enrolment::Admission&, const enrolment::NodeKeys&)> on_admitted;
  // Called on the node's thread after each failed step, with how often in a row. May be empty.
  std::function<void(const Error&, int failures)> on_refused;
  // Attest again this often instead of when the server says, for tests; zero: as the server says.
  milliseconds interval{0};
  // Waits this long at most after a failure; zero: the agent's own back-off.
  milliseconds retry{0};
  // How it reaches the server; empty: HTTPS to the bootstrap's endpoint, its CA key pinned.
  enrolment::Transport transport;
};

// A node without a VM: a thread that runs the agent's protocol against the real node listener until it is destroyed.
class SimulatedNode {
 public:
  SimulatedNode(SimulatedNodeOptions options, const Clock& clock);
  // Asks the thread to end and waits for it: at most for one exchange under way.
  ~SimulatedNode() = default;
  SimulatedNode(const SimulatedNode&) = delete;
  SimulatedNode& operator=(const SimulatedNode&) = delete;

 private:
  void run(const std::stop_token& stop);

  SimulatedNodeOptions options_;
  const Clock& clock_;
  std::jthread thread_;  // last: it uses the rest
};

// The transport of a real node: HTTPS to the bootstrap's endpoint and to no server whose chain does not end in the
// pinned CA key.
enrolment::Transport https_transport(const enrolment::Bootstrap& bootstrap);

}  // namespace slipway::host
