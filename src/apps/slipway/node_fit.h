#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/slipway/kubernetes_manifest.h"

// Which pods no node could take, by what nodes are: labels, taints, cordons. Room on them is the scheduler's matter.
namespace slipway::cli {

struct Taint {
  std::string key, value, effect;
};

struct NodeFacts {
  std::string name;
  std::map<std::string, std::string> labels;
  std::vector<Taint> taints;
  bool unschedulable = false;
};

struct Misfit {
  std::string object;
  std::size_t line = 0;
  std::string why;
};

// The Node objects of a List, as the API server and "kubectl get nodes --output json" give it. At most 16 MiB and
// 5000 nodes; kMalformed for another form.
Result<std::vector<NodeFacts>> nodes_from_json(std::string_view text);

// The pods that none of these nodes can take. DaemonSets follow their nodes: they are judged the same.
std::vector<Misfit> pods_without_node(std::span<const PodNeeds> pods, std::span<const NodeFacts> nodes);

// Without knowing the nodes: the pods that ask for a value of a trust label that Slipway never sets.
std::vector<Misfit> pods_without_any_node(std::span<const PodNeeds> pods);

}  // namespace slipway::cli
