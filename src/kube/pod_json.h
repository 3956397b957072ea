#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/kubernetes.h"

namespace slipway::kube {

struct PodPage {
  std::vector<Pod> pods;
  std::string next;  // metadata.continue; empty on the last page
};
Result<PodPage> pod_page_from_json(std::string_view text);

// Of the resource "pods/eviction" in the answer to /api/v1.
Result<std::string> eviction_version_from_json(std::string_view text);

// Why an eviction was answered with 429, from its Status: the causes, which name the budget; else its message.
std::string disruption_from_json(std::string_view text);

}  // namespace slipway::kube
