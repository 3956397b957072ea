#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/node_configuration.h"
#include "base/random.h"
#include "base/time.h"
#include "enrolment/client.h"

namespace slipway::agent {

// Waits; false means: end. Handed in, so that tests need not wait.
using Wait = std::function<bool(milliseconds)>;
// One short line for the journal.
using Log = std::function<void(const std::string& line)>;

struct AgentParts {
  enrolment::Bootstrap bootstrap;
  enrolment::Transport transport;
  tpm::Attester* attester = nullptr;  // null exactly if the bootstrap carries a one-time secret
  NodePaths paths;
  const Clock& clock;
  Random& random;
  Wait wait;
  Log log;
};

// Enrols, writes the node's files, attests again and renews, until `wait` says end. A failure is logged and tried again
// with back-off: nothing that a server or a TPM says ends the agent.
void run_agent(const AgentParts& parts);

// HTTPS to the bootstrap's endpoint, and to no server whose chain does not end in the pinned CA key.
enrolment::Transport https_transport(const enrolment::Bootstrap& bootstrap);

// What an earlier run kept in the state folder: keys and certificates in use, or nothing.
std::optional<enrolment::HeldCertificates> read_held(const NodePaths& paths, Time now);
// Keys that were presented with a one-time secret, and whose answer did not arrive.
std::optional<enrolment::NodeKeys> read_pending(const NodePaths& paths);

}  // namespace slipway::agent
