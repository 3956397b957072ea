#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bootchain/boot_policy.h"

// What "slipway inspect pe" prints, as documented in docs/formats/inspect.md.
namespace slipway::cli {

// A revocation list that was given beside the variable store.
struct MoreRevocations {
  std::size_t entries = 0;
  bool update = false;  // the file is an update of dbx, and not bare lists
  std::string signer;   // who signed the update, if a key of the store vouches for it
  std::string problem;  // why firmware would not take the update
};

struct InspectedPe {
  bootchain::UnverifiedPeImage image;
  // Who would load it, and whether: "firmware", "shim", "shimLock", "shimStart".
  std::vector<std::pair<std::string, bootchain::BootDecision>> decisions;
  std::optional<MoreRevocations> more_revocations;
};

// kMalformed where the image's own parts do not parse: its digest, .sbat, or shim's sections.
Result<boost::json::object> pe_document(const InspectedPe& inspected);
Result<std::string> pe_table(const InspectedPe& inspected);

}  // namespace slipway::cli
