#pragma once

#include <string>
#include <string_view>

#include "attestation/appraiser.h"

namespace slipway::attestation {

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
  References references;
  std::string verdict;  // to_json(Verdict), byte for byte
};

inline constexpr std::size_t kMaximumBundle = 64U << 20;
inline constexpr int kBundleVersion = 1;

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
