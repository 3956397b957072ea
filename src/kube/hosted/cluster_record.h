#pragma once

#include "kube/kubernetes.h"
#include "kube/pki/authorities.h"

// What slipwayd keeps of a hosted cluster, as text of its files.
namespace slipway::kube {

// Chosen once, when the cluster is made.
struct HostedPorts {
  int apiserver = 0;                         // on the advertised address
  int etcd = 0, etcd_peer = 0, webhook = 0;  // on loopback
};

struct ClusterRecord {
  ClusterSpec spec;
  HostedPorts ports;
};
std::string to_json(const ClusterRecord& record);
Result<ClusterRecord> cluster_record_from_json(std::string_view text);

// The authorities with their private keys.
std::string to_json(const Authorities& authorities);
Result<Authorities> authorities_from_json(std::string_view text);

// kInvalidArgument, naming the field, for an id, address or range that a cluster cannot have.
Status check_spec(const ClusterSpec& spec);
// The first address of a range such as "10.0.0.0/16" after its own: "10.0.0.1".
Result<std::string> first_address(const std::string& cidr);

Endpoints endpoints_of(const ClusterRecord& record, const Authorities& authorities);

}  // namespace slipway::kube
