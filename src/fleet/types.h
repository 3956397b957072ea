#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

// What Slipway keeps of clusters, pools, nodes and operations, as values. Each has a key in the store and a JSON form
// (to_json, <noun>_from_json); the JSON is Slipway's own, not ARM's.
namespace slipway::fleet {

// ARM's words for Resource.properties.provisioningState.
enum class ProvisioningState {
  kCreating,
  kUpdating,
  kScaling,                    // an update that changes the count alone
  kUpgradingNodeImageVersion,  // its nodes are made again from the newest image
  kDeleting,
  kSucceeded,
  kFailed,
  kCanceled,
};
std::string_view to_string(ProvisioningState state);  // "Creating", ...

struct ResourceGroup {
  std::string subscription, name, location;
  std::string tags = "{}";  // JSON object, as given
};

// Microsoft.Features registration (S41-S45).
struct Feature {
  std::string subscription, provider, name;  // "Microsoft.ContainerService", "TrustedLaunchPreview"
  std::string state = "NotRegistered";       // NotRegistered, Registering, Registered
  std::optional<Time> requested;             // when Registering began
  bool effective = false;                    // the provider was registered again after Registered
};
struct Provider {
  std::string subscription, name;
  std::string state = "NotRegistered";  // NotRegistered, Registered
};

struct Cluster {
  std::string id;  // short, unique, never used twice: "c3f9a2b1"
  std::string subscription, resource_group, name, location;
  std::string kubernetes_version;
  std::string body =
      "{}";  // the ARM resource as the client put it, without the pools: what we do not interpret is kept
  ProvisioningState state = ProvisioningState::kCreating;
  std::string error;  // why Failed, for people
  bool deletion_requested = false;
  // Known once the control plane runs:
  std::string api_server, certificate_authority;
  int api_server_port = 0;
  std::string gateway;  // of its network: where nodes reach the apiserver and the node listener
  Time created{};
  std::string operation;  // id of the running operation, or empty
};

struct Pool {
  std::string cluster;  // Cluster::id
  std::string name;
  int count = 3;
  std::string vm_size;
  int vcpus = 2, memory_mib = 2048;
  std::string mode = "User";  // System or User
  bool secure_boot = false, vtpm = false;
  std::string node_image_version;
  // TrustedLaunchPreview was in effect when the pool was made, or was not needed then (S87).
  bool feature_at_creation = false;
  int drain_timeout_minutes = 30;  // how long the drain of one node may take
  std::string body = "{}";         // ARM properties as the client put them
  ProvisioningState state = ProvisioningState::kCreating;
  std::string error;
  bool deletion_requested = false;
  int next_node_number = 0;  // part of node names; only ever grows, so that no name is used twice
  Time created{};
  std::string operation;
};

// Where a node instance is on its way. Words for people and JSON: "Provisioning", ...
enum class NodePhase {
  kProvisioning,  // wanted; its vTPM, disk and domain are being made
  kBooting,       // its VM runs; nothing heard yet
  kAdmitted,      // good verdict (or one-time secret), certificates issued; not yet Ready in Kubernetes
  kReady,         // Ready in Kubernetes
  kBootRefused,   // the firmware refused what it was to boot: no OS ran
  kUntrusted,     // it sent evidence, and the verdict is not good
  kSilent,        // nothing received in time
  kDeleting,
};
std::string_view to_string(NodePhase phase);

struct Node {
  std::string instance;                    // UUID; a re-imaged node is a new instance
  std::string cluster, pool;               // Cluster::id, Pool::name
  std::string name;                        // "aks-nodepool1-3f9a2b1-vmss000000"; never used twice
  bool secure_boot = false, vtpm = false;  // from the pool, at creation
  int vcpus = 2, memory_mib = 2048;
  std::string image_version;
  NodePhase phase = NodePhase::kProvisioning;
  std::string explanation;  // why it is in this phase, for people: what, why, what to do
  // Since when it is cordoned and drained, in order to be removed; and why, for people.
  std::optional<Time> draining;
  std::string drain_reason;
  int pod_subnet = 0;   // 10.244.<n>.0/24
  std::string address;  // that the host gave to its VM; empty where the host binds none
  std::string ip;
  Time created{};
  std::optional<Time> booted;  // when the domain was started first
  std::string refusal;         // why enrolment refused it last, for people; empty after an admission
  // Enrolment.
  Bytes endorsement_key;       // TPMT_PUBLIC, recorded when the vTPM was made
  Bytes attestation_key_name;  // TPM name of the one AK that it enrolled; empty before
  std::string secret_hash;     // of the one-time secret; empty for vTPM pools
  bool secret_used = false;
  Bytes secret_holder;  // SubjectPublicKeyInfo DER of the client key that used it; empty before
  Bytes client_key;     // SubjectPublicKeyInfo DER certified last
  std::optional<Time> certificate_expires;
  std::optional<Time> last_good_verdict, last_evidence;
  // When the host last read the node's disk because nothing good was heard of it, and what it found to differ from the
  // image, for people. Both are forgotten when the node is well again.
  std::optional<Time> disk_inspected;
  std::string disk_report;
  bool disk_told = false;  // the explanation says what was found on the disk
  std::string verdict;     // JSON of the last verdict (attestation/verdict.h); empty before
  bool labels_applied = false;
  // Its document cannot be read (salvaged_node). No field of the document.
  bool unreadable = false;
};

struct Operation {
  std::string id;  // UUID
  std::string subscription, location;
  std::string resource;               // ARM resource id that it works on
  std::string kind;                   // "CreateCluster", "DeleteCluster", "PutPool" (updates too), "DeletePool"
  std::string cluster, pool;          // Cluster::id, Pool::name (empty for operations on a cluster)
  std::string status = "InProgress";  // InProgress, Succeeded, Failed, Canceled
  Time started{};
  std::optional<Time> ended;
  std::string error_code, error_message;
  std::string progress;  // what it waits for right now, for people: "1 of 1 nodes booting (34 s)"
};

// Keys. Group, cluster and pool names compare without case, so their keys are lower case.
std::string resource_group_key(std::string_view subscription, std::string_view name);
std::string feature_key(std::string_view subscription, std::string_view provider, std::string_view name);
std::string provider_key(std::string_view subscription, std::string_view name);
std::string cluster_name_key(std::string_view subscription, std::string_view resource_group,
                             std::string_view name);  // its value is the id
std::string cluster_key(std::string_view id);
std::string pool_key(std::string_view cluster, std::string_view name);
std::string node_key(std::string_view instance);
std::string operation_key(std::string_view id);
// Its value is the number of the pool's next node, as decimal text. It outlives the pool: names are never used twice.
std::string node_number_key(std::string_view cluster, std::string_view pool);

std::string to_json(const ResourceGroup&);
std::string to_json(const Feature&);
std::string to_json(const Provider&);
std::string to_json(const Cluster&);
std::string to_json(const Pool&);
std::string to_json(const Node&);
std::string to_json(const Operation&);
Result<ResourceGroup> resource_group_from_json(std::string_view json);
Result<Feature> feature_from_json(std::string_view json);
Result<Provider> provider_from_json(std::string_view json);
Result<Cluster> cluster_from_json(std::string_view json);
Result<Pool> pool_from_json(std::string_view json);
Result<Node> node_from_json(std::string_view json);
Result<Operation> operation_from_json(std::string_view json);

// What stands for a node whose document node_from_json refuses with `why`: cluster, pool, name, image and subnet as far
// as they can be read; kUntrusted, owing every proof and having given none. A document that is no JSON object does not
// say whose node it is: then its cluster is empty.
Node salvaged_node(const std::string& instance, std::string_view json, const Error& why);

}  // namespace slipway::fleet
