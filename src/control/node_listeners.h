#pragma once

#include <string>

#include "base/bytes.h"

namespace slipway::control {

// Where the nodes of a cluster reach enrolment: what their bootstrap says.
struct NodeEndpoint {
  std::string url;  // "https://10.77.0.1:15443"
  int port = 0;
  Bytes ca_key_sha256;  // SHA-256 of the SubjectPublicKeyInfo of the authority that its server's chain ends in
};

// The node listeners, one for each cluster, on its gateway's address and nowhere else. apps/slipwayd implements it on
// http::Server: this room speaks no HTTP. Thread-safe.
class NodeListeners {
 public:
  virtual ~NodeListeners() = default;
  // Listens, on the port of the last time where there was one: nodes that run know no other. Idempotent.
  virtual Result<NodeEndpoint> ensure(const std::string& cluster, const std::string& gateway) = 0;
  // Stops, and forgets the port. Absent is fine.
  virtual void remove(const std::string& cluster) = 0;
};

}  // namespace slipway::control
