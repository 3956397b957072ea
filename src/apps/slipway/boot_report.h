#pragma once

#include <boost/json.hpp>
#include <string>

#include "attestation/verdict.h"
#include "base/result.h"

namespace slipway::cli {

// What `slipway node boot` prints of a node, flattened as it came from the server: who it is, each component of its
// boot chain with its measurement and signer, the verdict, and each finding with its remedy. Without a report: the
// node's phase and why. Text that came from the node is made printable. kMalformed for a report of another form.
Result<std::string> boot_report_text(const boost::json::value& node);

// A verdict in words: a table of the components, what it is and under which policy, then each finding with its remedy.
std::string boot_verdict_text(const attestation::Verdict& verdict);

}  // namespace slipway::cli
