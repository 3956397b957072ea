#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

// What the edges saw of a cluster just now, as values: the reconciler's second argument beside what is wanted.
namespace slipway::fleet {

struct ObservedMachine {
  enum class Power { kAbsent, kRunning, kOff };
  Power power = Power::kAbsent;
  std::string boot_refusal;  // why no OS ran, as far as the host can tell; or empty
  std::string console_tail;  // bounded and escaped
};

struct ObservedKubernetesNode {
  bool ready = false;
  bool unschedulable = false;
  std::map<std::string, std::string> labels;
  std::string internal_ip;
};

// The pods of a node that is drained. Those of DaemonSets, mirror pods and finished ones are none of them.
struct ObservedPods {
  std::vector<std::string> left;     // that have to leave and are still there: "default/web-0"
  std::vector<std::string> blocked;  // those that the last round could not evict, each with why
};

struct ObservedNode {
  // Empty where the host did not answer: then nothing is concluded from it.
  std::optional<ObservedMachine> machine;
  // The host sees Secure Boot switched on in the node's own variable store and firmware. Asked only for nodes with
  // Secure Boot and no vTPM.
  bool host_sees_secure_boot = false;
  // When Slipway last switched the VM on again.
  std::optional<Time> restarted;
  // Kubernetes was asked and answered. Where it did not, nothing is concluded from the next field.
  bool kubernetes_answers = false;
  // Empty where Kubernetes has no such node.
  std::optional<ObservedKubernetesNode> kubernetes;
  // Asked only for a node that is drained; empty where Kubernetes did not answer.
  std::optional<ObservedPods> pods;
  std::optional<Time> evicted;  // when its pods were last asked to leave
};

// An action that did not work, counted since the last time that it did.
struct Failure {
  int count = 0;
  Error last;
};

struct Observed {
  bool network = false;        // made, and the node listener answers on it
  bool control_plane = false;  // runs, and its endpoints stand in the Cluster
  // Since when nodes could reach the node listener: nobody is late for a time in which nobody listened. Of no meaning
  // without `network`.
  Time listening_since{};
  std::map<std::string, ObservedNode> nodes;  // by instance
  // The labels of each node that Kubernetes has and no document stands for, by its name.
  std::map<std::string, std::map<std::string, std::string>> strangers;
  std::map<std::string, Failure> failures;  // by key_of(Action)
};

}  // namespace slipway::fleet
