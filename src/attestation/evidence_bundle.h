#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "attestation/appraiser.h"

namespace slipway::attestation {

// Who says that an endorsement key is a TPM's: the key's certificate and that of who issued it, DER.
struct EndorsementCertificates {
  Bytes certificate, authority;
};

// All that one appraisal was a function of, and its verdict: enough to appraise it again on another machine, years
// later, under the same policy or another. Public values alone. docs/formats/evidence-bundle.md.
struct EvidenceBundle {
  std::string node, instance;
  UnverifiedEvidence evidence;
  Expectation expectation;
  // What the qualifying data was made of, beside the instance: for whoever wants to follow it
  // (docs/formats/enrolment.md, "Binding"). The verdict rests on Expectation::qualifying_data.
  std::string purpose;                    // "enrol" or "attest"
  Bytes nonce;                            // 32 bytes
  Bytes client_request, serving_request;  // PKCS#10, DER
  Circumstances circumstances;
  // Of the key whose digest the circumstances have; none where nothing was recorded. The verdict does not rest on it:
  // attestation/endorsement.h.
  std::optional<EndorsementCertificates> endorsement;
  References references;
  std::string verdict;  // to_json(Verdict), byte for byte
};

inline constexpr std::size_t kMaximumBundle = 64U << 20;
// Version 1 has no endorsement; it is read, and no more written.
inline constexpr int kFirstBundleVersion = 1, kBundleVersion = 2;

// JSON in one fixed order.
std::string to_json(const EvidenceBundle& bundle);
// Strict: the same order of keys, no more and no fewer, every part of its own form. kMalformed with the byte offset.
Result<EvidenceBundle> bundle_from_json(std::string_view json);

// Appraises the bundle's evidence again. Under the bundle's own references and its own time the verdict has the bytes
// of EvidenceBundle::verdict: appraisal is a pure function of what a bundle holds.
Result<Verdict> appraise_again(const EvidenceBundle& bundle);

std::string to_json(const TpmSighting& sighting);
Result<TpmSighting> sighting_from_json(std::string_view json);

}  // namespace slipway::attestation
