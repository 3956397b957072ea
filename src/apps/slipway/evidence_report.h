#pragma once

#include <boost/json.hpp>
#include <string>

#include "attestation/evidence_bundle.h"

namespace slipway::cli {

// What `slipway evidence show` prints: whose evidence it is, what was asked and answered, what it is held against, and
// the verdict that was given. Text that came from the node is made printable. Nothing is appraised here.
std::string evidence_table(const attestation::EvidenceBundle& bundle);
// The same for programs, docs/formats/evidence-bundle.md, "slipway evidence show -o json".
boost::json::value evidence_document(const attestation::EvidenceBundle& bundle);

}  // namespace slipway::cli
