#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"

namespace slipway::kube {

// A simulated node as it presents itself to its cluster: with the certificate that it was issued, and nothing more.
struct NodeRegistration {
  std::string node;
  std::string api_server;              // Endpoints::node_api_server
  std::string cluster_ca;              // Endpoints::ca, PEM
  std::string client_certificate_pem;  // of issue_kubelet_client
  std::string client_key_pem;
  std::map<std::string, std::string> labels;  // what a kubelet would set by --node-labels
  std::string internal_ip;
  std::string kubelet_version = "v1.20.2";
};

// The part of a kubelet that a simulated node plays. Calls block; thread-safe.
class NodeRegistrar {
 public:
  virtual ~NodeRegistrar() = default;

  // Creates the Node, or keeps the one that is there, then reports it Ready and renews its lease. kPermissionDenied
  // where the cluster refuses it (a label under kubernetes.azure.com/, another node's name), kUnauthenticated where
  // the certificate is not the cluster's or is past its end.
  virtual Status register_node(const NodeRegistration& node) = 0;
  // Reports Ready and renews the lease; Kubernetes takes a node for lost after 40 s without one, so call it every
  // 10 s. kNotFound where the Node object is gone.
  virtual Status heartbeat(const NodeRegistration& node) = 0;
  // What a kubelet does for the pods bound to its node, with no containers behind it: those that are new run and are
  // Ready from now on, those that are being deleted are gone. Call it every second or so.
  virtual Status tend_pods(const NodeRegistration& node) = 0;
};

// Through the real apiserver, over mutual TLS with the node's own certificate.
std::unique_ptr<NodeRegistrar> make_https_node_registrar();

}  // namespace slipway::kube
