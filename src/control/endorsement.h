#pragma once

#include <optional>

#include "attestation/evidence_bundle.h"
#include "host/host.h"

namespace slipway::control {

// The certificates that the host recorded for the endorsement key of a node; none where it recorded another key, or not
// both certificates. That is no reason to refuse a node: the key itself is the one that counts.
std::optional<attestation::EndorsementCertificates> endorsement_of(const host::RecordedEndorsementKey& recorded,
                                                                   const Bytes& endorsement_key);

}  // namespace slipway::control
