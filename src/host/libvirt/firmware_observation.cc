#include "host/libvirt/firmware_observation.h"

#include <fmt/format.h>

#include "bootchain/boot_policy.h"
#include "bootchain/efi_variable.h"
#include "bootchain/signature_list.h"
#include "bootchain/variable_store.h"
#include "crypto/digest.h"

namespace slipway::host {
namespace {

constexpr int kFewRevocations = 2;

Bytes digest_of(const bootchain::StoredVariable* variable) {
  return variable == nullptr ? Bytes{} : crypto::sha256(variable->data);
}

std::string why_off(bool firmware_enforces, const bootchain::StoredVariable* platform_key, bool enforced) {
  if (!firmware_enforces) return "Secure Boot is off: this firmware is not the Secure Boot build";
  if (platform_key == nullptr) return "Secure Boot is off: no platform key is enrolled";
  if (!enforced) return "Secure Boot is off: SecureBootEnable is not 1";
  return {};
}

}  // namespace

Result<FirmwareObservation> judge_variable_store(ByteView variable_store, ByteView firmware_sha256,
                                                 bool firmware_enforces) {
  SLIPWAY_ASSIGN(const auto variables, bootchain::read_variable_store(variable_store));
  const auto find = [&](std::string_view vendor, std::string_view name) {
    return bootchain::find_variable(variables, vendor, name);
  };
  const auto* platform_key = find(bootchain::kEfiGlobalVariables, "PK");
  const auto* revoked = find(bootchain::kImageSecurityDatabase, "dbx");
  const bool enforced = bootchain::enforces_secure_boot(variables);

  FirmwareObservation observation;
  observation.firmware_sha256 = to_bytes(firmware_sha256);
  observation.platform_key_sha256 = digest_of(platform_key);
  observation.key_exchange_keys_sha256 = digest_of(find(bootchain::kEfiGlobalVariables, "KEK"));
  observation.db_sha256 = digest_of(find(bootchain::kImageSecurityDatabase, "db"));
  observation.dbx_sha256 = digest_of(revoked);
  if (revoked != nullptr) {
    SLIPWAY_ASSIGN(const auto signatures, bootchain::read_signature_lists(revoked->data));
    observation.revocations = static_cast<int>(signatures.size());
  }
  observation.detail = why_off(firmware_enforces, platform_key, enforced);
  observation.secure_boot_enabled = observation.detail.empty();
  if (observation.secure_boot_enabled) {
    observation.detail = fmt::format(
        "Secure Boot is on, {} revocation{}{}", observation.revocations, observation.revocations == 1 ? "" : "s",
        observation.revocations < kFewRevocations ? ": old, vulnerable loaders may boot" : "");
  }
  return observation;
}

Result<SecureBootVariables> secure_boot_variables(ByteView variable_store) {
  SLIPWAY_ASSIGN(const auto variables, bootchain::read_variable_store(variable_store));
  const auto measured = [&](std::string_view vendor, std::string_view name) {
    const auto* variable = bootchain::find_variable(variables, vendor, name);
    return crypto::sha256(variable == nullptr ? ByteView{} : ByteView(variable->data));
  };
  return SecureBootVariables{.platform_key_sha256 = measured(bootchain::kEfiGlobalVariables, "PK"),
                             .key_exchange_keys_sha256 = measured(bootchain::kEfiGlobalVariables, "KEK"),
                             .db_sha256 = measured(bootchain::kImageSecurityDatabase, "db"),
                             .dbx_sha256 = measured(bootchain::kImageSecurityDatabase, "dbx")};
}

}  // namespace slipway::host
