#pragma once

#include <string>

#include "attestation/evidence_bundle.h"

namespace slipway::cli {

// Whom the caller of `slipway evidence verify` believes beside the bundle itself.
struct EvidencePins {
  std::string attestation_key;  // the key's TPM name in hexadecimal; empty: whichever the bundle names
};

// What must hold of a bundle before its evidence is appraised: its evidence is bound to what it names (reason
// BindingDiffers), and its attestation key is the pinned one (AttestationKeyDiffers).
Status check_evidence(const attestation::EvidenceBundle& bundle, const EvidencePins& pins);

}  // namespace slipway::cli
