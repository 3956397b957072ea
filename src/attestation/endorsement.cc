#include "attestation/endorsement.h"

#include "crypto/digest.h"
#include "tpm/public_area.h"

namespace slipway::attestation {
namespace {

tl::unexpected<Error> refuse(ErrorCode code, std::string_view reason, const std::string& why) {
  return fail(code, why, "EndorsementCertificate" + std::string(reason));
}

// The digest under which a key's TPMT_PUBLIC is recorded: of the default template, as the host records it.
Result<Bytes> recorded_digest_of(const crypto::PublicKey& key) {
  SLIPWAY_ASSIGN(const crypto::RsaNumbers numbers, key.rsa_numbers());
  return crypto::sha256(tpm::marshal_public_area(tpm::endorsement_key_area(numbers)));
}

}  // namespace

Result<tpm::VerifiedEndorsementCertificate> check_endorsement(const EvidenceBundle& bundle,
                                                              const tpm::EndorsementTrust* roots) {
  if (!bundle.endorsement)
    return refuse(ErrorCode::kPreconditionFailed, "Missing",
                  "the bundle holds no certificate of the endorsement key: nothing was recorded of one");
  const auto certificate = crypto::Certificate::from_der(bundle.endorsement->certificate);
  if (!certificate)
    return refuse(ErrorCode::kMalformed, "Malformed",
                  "the endorsement key's certificate cannot be read: " + certificate.error().message);
  const auto authority = crypto::Certificate::from_der(bundle.endorsement->authority);
  if (!authority)
    return refuse(ErrorCode::kMalformed, "Malformed",
                  "the certificate of the endorsement key's authority cannot be read: " + authority.error().message);
  const auto key = certificate->public_key();
  const auto digest = key ? recorded_digest_of(*key) : Result<Bytes>(fail(key.error()));
  if (!digest || *digest != bundle.circumstances.endorsement_key)
    return refuse(ErrorCode::kPermissionDenied, "Key",
                  "the endorsement key's certificate is refused: its key is not the endorsement key of this evidence");
  tpm::EndorsementTrust trust;
  if (roots != nullptr) {
    trust = *roots;
    trust.intermediates.push_back(*authority);
  } else {
    trust.roots.push_back(*authority);
  }
  return tpm::check_endorsement_certificate(bundle.endorsement->certificate, *key, trust, bundle.circumstances.now);
}

}  // namespace slipway::attestation
