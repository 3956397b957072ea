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
inline constexpr std::size_t kMaximumReviewSize = 8U << 20;

// Answers an AdmissionReview (admission.k8s.io/v1) about a Node with an AdmissionReview, both JSON. Refused, with 403
// and a message that names the labels: a change (set, other value, taken off) under kGuardedLabelPrefix by anybody but
// kControlPlaneUser. Everything else is allowed. kMalformed for what is no such review; the webhook answers that with
// an HTTP error, which the apiserver takes for a refusal (failurePolicy Fail).
Result<std::string> decide_label_review(std::string_view review);

}  // namespace slipway::kube
