#include "control/endorsement.h"

#include "crypto/certificate.h"

namespace slipway::control {

std::optional<attestation::EndorsementCertificates> endorsement_of(const host::RecordedEndorsementKey& recorded,
                                                                   const Bytes& endorsement_key) {
  if (recorded.public_area != endorsement_key) return std::nullopt;
  const auto certificate = crypto::Certificate::from_pem(recorded.certificate);
  const auto authority = crypto::Certificate::from_pem(recorded.authority);
  if (!certificate || !authority) return std::nullopt;
  return attestation::EndorsementCertificates{certificate->der(), authority->der()};
}

}  // namespace slipway::control
