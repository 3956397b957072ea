#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "crypto/certificate.h"

namespace slipway::kube {

// The authorities of one cluster, one for each purpose, so that a key that leaks opens one door
// (docs/threat-model.md, "The hosted control plane"). Their keys never reach a hosted program.
struct Authorities {
  crypto::Identity etcd;             // etcd's server and its clients
  crypto::Identity client;           // who the apiserver and kubelets take for a Kubernetes user
  crypto::Identity front_proxy;      // the apiserver, for aggregated APIs and the label webhook
  crypto::Identity serving;          // the apiserver's and the label webhook's serving certificates
  crypto::Identity kubelet_serving;  // the kubelets' serving certificates
};

// Five fresh authorities, good for 10 years from `now`.
Result<Authorities> make_authorities(std::string_view cluster, Time now, Random& random);

// The kubelet's client certificate: CN system:node:<node>, O system:nodes, client use, from a minute before `now` to
// `now` + `lifetime`. kInvalidArgument for a name that Kubernetes would not take or a lifetime that is not positive.
Result<crypto::Certificate> issue_kubelet_client_certificate(const Authorities& authorities, const std::string& node,
                                                             const crypto::PublicKey& key, Time now, seconds lifetime,
                                                             Random& random);
// The kubelet's serving certificate: the same names, server use, valid for the node's name and its addresses.
Result<crypto::Certificate> issue_kubelet_serving_certificate(const Authorities& authorities, const std::string& node,
                                                              const std::vector<std::string>& ip_addresses,
                                                              const crypto::PublicKey& key, Time now, seconds lifetime,
                                                              Random& random);
// A Kubernetes user with a fresh key: CN is the user's name, each O a group.
Result<crypto::Identity> issue_user(const Authorities& authorities, const std::string& user,
                                    const std::vector<std::string>& groups, Time now, seconds lifetime, Random& random);

// A name that a Node object may have: RFC 1123 subdomain in lower case, at most 253 characters.
bool is_node_name(std::string_view name);
// An id that a cluster's folder may have: 1 to 40 of [a-z0-9-].
bool is_cluster_id(std::string_view id);

}  // namespace slipway::kube
