#pragma once

#include <optional>
#include <string>

#include "attestation/evidence_bundle.h"
#include "tpm/endorsement_certificate.h"

namespace slipway::cli {

// Whom the caller of `slipway evidence verify` believes beside the bundle itself.
struct EvidencePins {
  std::string attestation_key;  // the key's TPM name in hexadecimal; empty: whichever the bundle names
  // A folder of certificates (apps/slipway/tpm_roots.h); empty: the issuer that the bundle brings.
  std::string tpm_roots;
};

struct CheckedEvidence {
  // None where the bundle has no certificate of its endorsement key.
  std::optional<tpm::VerifiedEndorsementCertificate> endorsement;
};

// What must hold of a bundle before its evidence is appraised: its evidence is bound to what it names (reason
// BindingDiffers), its attestation key is the pinned one (AttestationKeyDiffers), and its endorsement key's certificate
// holds, if it has one, and in any case under the roots that are given (attestation/endorsement.h).
Result<CheckedEvidence> check_evidence(const attestation::EvidenceBundle& bundle, const EvidencePins& pins);

}  // namespace slipway::cli
