#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bootchain/boot_policy.h"

// The machine on which something would boot or not, as the options --variables and --dbx of "slipway inspect" name it.
namespace slipway::cli {

// A revocation list that was given beside the variable store.
struct MoreRevocations {
  std::size_t entries = 0;
  bool update = false;  // the file is an update of dbx, and not bare lists
  std::string signer;   // who signed the update, if a key of the store vouches for it
  std::string problem;  // why firmware would not take the update
};

struct BootMachine {
  std::vector<bootchain::StoredVariable> variables;
  bootchain::SecureBootState firmware;  // with the further revocations in its dbx
  std::optional<MoreRevocations> more_revocations;
};

// Reads a variable store and, unless `dbx` is empty, a file of further revocations: signature lists, or an update of
// dbx. A reason of kMalformedInput where one of them does not parse.
Result<BootMachine> read_boot_machine(const std::string& variables, const std::string& dbx);

// Who would load an image, and whether: "firmware", "shim", "shimLock", "shimStart".
using BootDecisions = std::vector<std::pair<std::string, bootchain::BootDecision>>;

// Firmware loading an image; of a shim also whether it would start: kMalformed where its own sections do not parse.
Result<BootDecisions> decisions_of_firmware(const bootchain::UnverifiedPeImage& image, const BootMachine& machine);
// shim loading GRUB, or, where GRUB asks it, a kernel.
BootDecisions decisions_of_shim(const bootchain::UnverifiedPeImage& image, const BootMachine& machine,
                                const bootchain::ShimTrust& shim, bootchain::ShimCaller caller);

}  // namespace slipway::cli
