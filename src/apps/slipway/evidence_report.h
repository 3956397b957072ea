#pragma once

#include <boost/json.hpp>
#include <string>

#include "apps/slipway/evidence_checks.h"
#include "attestation/evidence_bundle.h"

namespace slipway::cli {

// What `slipway evidence show` prints: whose evidence it is, what was asked and answered, what it is held against, and
// the verdict that was given. Text that came from the node is made printable. Nothing is appraised here.
std::string evidence_table(const attestation::EvidenceBundle& bundle);
// What a verdict of `slipway evidence verify` rests on, and whose word each part is: a bundle brings its own key and
// reference values, and whoever made it chose them. `policy_given`: the policy is the caller's, not the bundle's.
std::string evidence_basis(const attestation::EvidenceBundle& bundle, const CheckedEvidence& checked,
                           const EvidencePins& pins, bool policy_given);
// What evidence_table says, for programs: docs/formats/evidence-bundle.md, "slipway evidence show -o json".
boost::json::value evidence_document(const attestation::EvidenceBundle& bundle);

}  // namespace slipway::cli
