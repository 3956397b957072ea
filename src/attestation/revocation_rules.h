#pragma once

#include "attestation/prepared_prediction.h"

namespace slipway::attestation {

// Holds what a boot ran against revocations: each image's Authenticode digest in PCR 4 (revoked.image), and each
// certificate that vouched for one, which PCR 7 holds whole (revoked.certificate). `revocations.image_sha256` must be
// sorted. `components` give names to what is found; those that are revoked no longer match.
void judge_revocations(const EventsByPcr& events, const Revocations& revocations, std::vector<Component>& components,
                       std::vector<Finding>& findings);

}  // namespace slipway::attestation
