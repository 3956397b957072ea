#pragma once

#include "attestation/prepared_prediction.h"

namespace slipway::attestation {

// Holds what a boot ran against revocations: each image's Authenticode digest in PCR 4 (revoked.image), each
// certificate that vouched for one, which PCR 7 holds whole, and each that signed one (both revoked.certificate). PCR 7
// names db's and shim's authorities alone; who signed below them is taken from `prediction`, for the images that ran as
// it says: the certificates that it has, and where it has none, the signer's name. `revocations.image_sha256` must be
// sorted. `components` give names to what is found; those that are revoked no longer match.
void judge_revocations(const EventsByPcr& events, const PreparedPrediction& prediction, const Revocations& revocations,
                       std::vector<Component>& components, std::vector<Finding>& findings);

}  // namespace slipway::attestation
