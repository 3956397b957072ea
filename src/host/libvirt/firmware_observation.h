#pragma once

#include "base/bytes.h"
#include "host/host.h"

namespace slipway::host {

// What a variable store and a firmware file say of Secure Boot. Pure. `firmware_enforces` tells whether that firmware
// is the build with Secure Boot and SMM; a store that cannot be read is an error, not "off".
Result<FirmwareObservation> judge_variable_store(ByteView variable_store, ByteView firmware_sha256,
                                                 bool firmware_enforces);

// The digests of PK, KEK, db and dbx as firmware measures them: of nothing where a variable is not there. Pure.
Result<SecureBootVariables> secure_boot_variables(ByteView variable_store);

}  // namespace slipway::host
