#pragma once

#include <map>
#include <string>

// Pods and disruption budgets as tests want them, in memory and before a real apiserver.
namespace slipway::kube {

struct PodFixture {
  std::string name, node;
  std::map<std::string, std::string> labels;
  std::string controller;  // kind of what owns it: "ReplicaSet", "DaemonSet"; "" for a bare pod
  bool is_mirror = false;
  std::string space = "default";
};

struct BudgetFixture {
  std::string name;
  std::map<std::string, std::string> selector;
  int minimum_available = 1;
  std::string space = "default";
};

}  // namespace slipway::kube
