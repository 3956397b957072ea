#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apps/slipway/yaml_scalar.h"
#include "base/result.h"

// What a Kubernetes manifest (YAML or JSON, one document or many) asks of nodes, and which of its label values the API
// server would refuse. Unverified: it is somebody's file.
namespace slipway::cli {

// A value that YAML reads as no text, where Kubernetes takes texts alone: labels, annotations and selectors.
struct UnquotedValue {
  std::size_t line = 0, column = 0;  // from 1
  std::string object;                // "Deployment web"
  std::string place;                 // "nodeSelector", "labels", ...
  std::string key, value;
  YamlScalar type = YamlScalar::kText;
  std::string written, corrected;  // the whole line, as it is and as it should be; empty for one of more than 500 bytes
};

// One expression of a node affinity, or one pair of a node selector (an In of one value).
struct LabelRequirement {
  std::string key;
  std::string operation;  // In, NotIn, Exists, DoesNotExist, Gt, Lt
  std::vector<std::string> values;
};

struct Toleration {
  std::string key, operation, value, effect;
};

// What one pod template asks of its node.
struct PodNeeds {
  std::string object;  // "Deployment web"
  std::size_t line = 0;
  std::string node_name;                             // empty: any
  std::vector<LabelRequirement> selector;            // all must hold
  std::vector<std::vector<LabelRequirement>> terms;  // of the required node affinity: one of them; empty: none asked
  std::vector<Toleration> tolerations;
};

struct Manifest {
  std::size_t objects = 0;  // documents that say what kind of object they are
  std::vector<UnquotedValue> unquoted;
  std::vector<PodNeeds> pods;
};

// At most 1 MiB, and what read_yaml() takes: kMalformed with line and column for what is no YAML, kResourceExhausted
// beyond a limit. Names and keys in findings end after 320 bytes.
Result<Manifest> read_kubernetes_manifest(std::string_view text);

}  // namespace slipway::cli
