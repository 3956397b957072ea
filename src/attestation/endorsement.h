#pragma once

#include "attestation/evidence_bundle.h"
#include "tpm/endorsement_certificate.h"

namespace slipway::attestation {

// That the endorsement key of a bundle is one of a TPM: the certificate in it is of the key that its circumstances name
// by digest, and holds under `roots`, with the bundle's authority between them, at the time of the appraisal. Without
// `roots` the bundle's authority is believed, which says no more than that it issued the certificate. Fails as
// tpm::check_endorsement_certificate says, and with the reason EndorsementCertificateMissing (kPreconditionFailed)
// where the bundle has none. No part of the verdict: what binds the attestation key to this endorsement key is the
// activation of a credential, which the server saw and a file cannot show.
Result<tpm::VerifiedEndorsementCertificate> check_endorsement(const EvidenceBundle& bundle,
                                                              const tpm::EndorsementTrust* roots);

}  // namespace slipway::attestation
