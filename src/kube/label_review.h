#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// The decision of the label webhook (docs/threat-model.md, "Certificates and labels"). Pure.
namespace slipway::kube {

// Labels that only Slipway may set, change or take off.
inline constexpr std::string_view kGuardedLabelPrefix = "kubernetes.azure.com/";
// The user name in the client certificate that Slipway itself works with.
inline constexpr std::string_view kControlPlaneUser = "slipway:control-plane";
// Larger than any review of a change of Slipway's own, whatever a kubelet wrote into its Node: etcd takes requests
// of 1.5 MiB, the apiserver's JSON makes six bytes of one ('<' is \u003c), an update's review holds the Node twice, and
// the rest is for structure: 2 x 6 x 1.5 MiB = 18 MiB.
inline constexpr std::size_t kMaximumReviewSize = 24U << 20;
// How large a Node may become by anybody but Slipway, as the apiserver's JSON; a usual one has some tens of KiB. A
// kubelet stops earlier, so that it cannot leave the cluster's controllers without room for their own changes.
inline constexpr std::size_t kMaximumNode = 2U << 20;
inline constexpr std::size_t kMaximumNodeOfKubelet = 1U << 20;
inline constexpr std::string_view kKubeletUserPrefix = "system:node:";

// Answers an AdmissionReview (admission.k8s.io/v1) about a Node with an AdmissionReview, both JSON. Refused, with 403
// and a message that names the labels: a change (set, other value, taken off) under kGuardedLabelPrefix by anybody but
// kControlPlaneUser; and a Node that is to be larger than the bounds above, whoever but kControlPlaneUser wants it: a
// smaller one is always taken. Everything else is allowed. kMalformed for what is no such review; the webhook answers
// that with an HTTP error, which the apiserver takes for a refusal (failurePolicy Fail).
Result<std::string> decide_label_review(std::string_view review);

}  // namespace slipway::kube
