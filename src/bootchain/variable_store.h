#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "bootchain/efi_guid.h"

namespace slipway::bootchain {

// A UEFI variable as the flash keeps it.
struct StoredVariable {
  EfiGuid vendor;
  std::string name;  // ASCII; any other code unit stands as \uXXXX
  std::uint32_t attributes = 0;
  Bytes data;
};

// EDK II's vendor GUID of SecureBootEnable, the switch beside PK. PK, KEK, db and dbx: efi_variable.h.
inline constexpr std::string_view kSecureBootEnableVendor = "f0a30bc7-af08-4556-99c4-001009c93a44";

inline constexpr std::size_t kMaximumVariableStore = 16U << 20;

// Reads the variables that are in force from a flash file (OVMF's *_VARS.fd): a firmware volume whose first bytes after
// its header are an authenticated variable store of EDK II (MdeModulePkg, VariableFormat.h). Deleted and half-written
// variables are left out; one that was being replaced counts until its successor is whole. kMalformed where the volume
// header's checksum, the store's header or any variable's sizes do not hold.
Result<std::vector<StoredVariable>> read_variable_store(ByteView flash);

// The variable, or null. The vector owns it. `vendor` is a GUID's text in lower case.
const StoredVariable* find_variable(const std::vector<StoredVariable>& variables, std::string_view vendor,
                                    std::string_view name);

}  // namespace slipway::bootchain
