#pragma once

#include <string>

#include "base/bytes.h"

namespace slipway::bootchain {

// What shim 16 measures of its own state on a machine whose owner has enrolled no keys: a function of its image alone.
// All are SHA-256 digests of events.
struct ShimState {
  Bytes mok_list, mok_list_x, mok_list_trusted;  // PCR 14, in this order
  Bytes sbat_level;                              // PCR 7: EV_EFI_VARIABLE_AUTHORITY "SbatLevel"
  Bytes sbat_level_unenforced;  // the same where Secure Boot is off: shim then sets its very first level
  Bytes vendor_authority;       // PCR 7: EV_EFI_VARIABLE_AUTHORITY "MokListRT", once shim let something run that the
                                // vendor's certificate signed
};

// Reads the sections .vendor_cert (one X.509 certificate and a list of revocations) and .sbatlevel. kMalformed if they
// are not there or hold a signature list instead of one certificate. `shim` is at most a few megabytes.
Result<ShimState> read_shim_state(ByteView shim);

}  // namespace slipway::bootchain
