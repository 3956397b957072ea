#pragma once

#include "base/bytes.h"

namespace slipway::image {

// The closed table of docs/formats/prediction.md: which events of a boot may measure what no prediction gives.
// Everything else is predicted exactly.

// True for the types of event of the table: boot entries (EV_EFI_VARIABLE_BOOT and EV_EFI_VARIABLE_BOOT2) in PCR 1.
bool is_in_closed_table(int pcr, std::uint32_t type);

// True if this very event may stand there: the type is in the table, and its data are
//   the variable BootOrder: 1 to 64 numbers, none twice; or
//   a variable Boot####, whose value is a load option of an automatic entry: printable ASCII of at most 128 characters
//   as description, a device path that begins at the PCI root bridge or in a firmware volume, and no optional data but
//   the GUID by which EDK II marks entries of its own.
// So nothing stands there that would start a file of a disk by its name, hand words to a loader, or come from elsewhere
// than this machine's own firmware. The digest must be that of the data (bootchain::check_determined_digests).
bool may_vary(int pcr, std::uint32_t type, ByteView data);

}  // namespace slipway::image
