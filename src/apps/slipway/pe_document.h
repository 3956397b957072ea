#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/slipway/boot_machine.h"

// What "slipway inspect pe" prints, as documented in docs/formats/inspect.md.
namespace slipway::cli {

struct InspectedPe {
  bootchain::UnverifiedPeImage image;
  BootDecisions decisions;
  std::optional<MoreRevocations> more_revocations;
};

// Their part of the document, which that of an image has too.
boost::json::array decisions_document(const BootDecisions& decisions);
boost::json::value revocations_document(const std::optional<MoreRevocations>& more);
// The same as rows of a table: who loads it, whether, why, signed by whom.
std::vector<std::vector<std::string>> decision_rows(const BootDecisions& decisions);
// One line of them, with an empty one behind; empty where there are none.
std::string revocations_text(const std::optional<MoreRevocations>& more);

// kMalformed where the image's own parts do not parse: its digest, .sbat, or shim's sections.
Result<boost::json::object> pe_document(const InspectedPe& inspected);
Result<std::string> pe_table(const InspectedPe& inspected);

}  // namespace slipway::cli
