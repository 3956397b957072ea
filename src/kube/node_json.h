#pragma once

#include <string_view>

#include "kube/kubernetes.h"

namespace slipway::kube {

// A page of a NodeList (v1), as the apiserver writes it.
struct NodePage {
  std::vector<Node> nodes;
  std::string next;  // the `continue` token; empty on the last page
};

// kMalformed where the text is not what the apiserver would write.
Result<Node> node_from_json(std::string_view text);
Result<NodePage> node_page_from_json(std::string_view text);

}  // namespace slipway::kube
