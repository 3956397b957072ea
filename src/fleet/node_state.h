#pragma once

#include <map>
#include <optional>
#include <string>

#include "fleet/observed.h"
#include "fleet/types.h"

// What one node's facts mean: its phase, and the labels that it may carry. Pure.
namespace slipway::fleet {

struct Limits {
  // From the start of a VM to its first good verdict. Generous: under software emulation a boot takes a minute and
  // more, and several boot at once.
  seconds boot{600};
  // From then on to Ready in Kubernetes.
  seconds ready{600};
  // How often a node sends evidence.
  seconds evidence_interval{300};
  // A node is late after twice the interval and this.
  seconds evidence_margin{60};
  // How often an action is tried before the operation that waits for it fails.
  int attempts = 5;
};

struct PhaseAndReason {
  NodePhase phase = NodePhase::kProvisioning;
  std::string explanation;
  bool tells_disk = false;  // the explanation says what was found on the node's disk
};

// The phase that the facts give. kDeleting stays kDeleting.
PhaseAndReason phase_of(const Node& node, const ObservedNode& observed, Time listening_since, const Limits& limits,
                        Time now);

// True for the phases that only a person or a new instance gets a node out of: BootRefused, Untrusted, Silent.
bool is_bad(NodePhase phase);
// The stable name of a bad phase as an operation's error code: "NodeBootRefused".
std::string error_code_of(NodePhase phase);

// The labels under Slipway's care, each with its value or, where the node must not carry it, without. A trust label has
// a value only while a good verdict is fresh: `phase` is kAdmitted or kReady. For a pool without a vTPM the secure-boot
// label rests on what the host sees, and trusted-launch is never given (docs/threat-model.md, "Certificates and
// labels").
std::map<std::string, std::optional<std::string>> wanted_labels(const Cluster& cluster, const Pool& pool,
                                                                const Node& node, NodePhase phase,
                                                                const ObservedNode& observed);
// True if the node as Kubernetes has it carries each label just so, and every trust label that its pool promises.
bool carries_labels(const std::map<std::string, std::optional<std::string>>& wanted, const Node& node,
                    const ObservedKubernetesNode& observed);

// The change that takes the trust labels among these off: for a node of which Slipway knows nothing.
std::map<std::string, std::optional<std::string>> without_trust(const std::map<std::string, std::string>& labels);

// The name of the pool's node with this number: "aks-nodepool1-3f9a2b1-vmss00000a" (base 36, as a scale set's).
std::string node_name(const Cluster& cluster, const Pool& pool, int number);

// Text that is a legal Kubernetes label value: at most 63 characters of [A-Za-z0-9._-], the ends alphanumeric.
std::string label_value(std::string_view text);

}  // namespace slipway::fleet
