#include "apps/slipway/boot_machine.h"

#include "apps/slipway/inspect_verbs.h"
#include "bootchain/efi_variable.h"
#include "bootchain/variable_update.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaximumRevocations = 4U << 20;

Result<MoreRevocations> add_revocations(const std::string& path, bootchain::SecureBootState& firmware) {
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(path, kMaximumRevocations));
  SLIPWAY_ASSIGN(const auto file, in_file(path, bootchain::read_signature_list_file(bytes)));
  MoreRevocations more;
  more.entries = file.signatures.size();
  firmware.dbx.insert(firmware.dbx.end(), file.signatures.begin(), file.signatures.end());
  if (!file.update) return more;
  more.update = true;
  SLIPWAY_ASSIGN(const bootchain::EfiGuid vendor, bootchain::guid_from_text(bootchain::kImageSecurityDatabase));
  // Published ones are appended; one that replaces the list is signed for other attributes.
  for (const std::uint32_t append : {bootchain::kAppendWrite, 0U}) {
    const auto signer = bootchain::verify_variable_update(
        *file.update, vendor, "dbx", bootchain::kSecureBootVariableAttributes | append, firmware.key_exchange_keys);
    more.problem = signer ? std::string() : signer.error().message;
    if (!signer) continue;
    more.signer = signer->subject();
    break;
  }
  return more;
}

}  // namespace

Result<BootMachine> read_boot_machine(const std::string& variables, const std::string& dbx) {
  BootMachine machine;
  SLIPWAY_ASSIGN(const Bytes store, read_input(variables, bootchain::kMaximumVariableStore));
  SLIPWAY_ASSIGN(machine.variables, in_file(variables, bootchain::read_variable_store(store)));
  SLIPWAY_ASSIGN(machine.firmware, in_file(variables, bootchain::read_secure_boot_state(machine.variables)));
  if (dbx.empty()) return machine;
  SLIPWAY_ASSIGN(machine.more_revocations, add_revocations(dbx, machine.firmware));
  return machine;
}

Result<BootDecisions> decisions_of_firmware(const bootchain::UnverifiedPeImage& image, const BootMachine& machine) {
  BootDecisions decisions;
  decisions.emplace_back("firmware", bootchain::would_firmware_load(image, machine.firmware));
  if (bootchain::section_of(image, ".vendor_cert").empty()) return decisions;
  SLIPWAY_ASSIGN(const auto trust, bootchain::read_shim_trust(image, machine.variables));
  decisions.emplace_back("shimStart", bootchain::would_shim_start(image, machine.firmware, trust));
  return decisions;
}

BootDecisions decisions_of_shim(const bootchain::UnverifiedPeImage& image, const BootMachine& machine,
                                const bootchain::ShimTrust& shim, bootchain::ShimCaller caller) {
  const bool kernel = caller == bootchain::ShimCaller::kShimLock;
  BootDecisions decisions;
  decisions.emplace_back(kernel ? "shimLock" : "shim",
                         bootchain::would_shim_load(image, machine.firmware, shim, caller));
  return decisions;
}

}  // namespace slipway::cli
