#pragma once

#include <string>

#include "base/bytes.h"

namespace slipway::bootchain {

// Limits of what is put into words; the rest stands as "...".
inline constexpr std::size_t kMaximumDevicePathNodes = 128;

// An EFI device path in the text form of UEFI 2.10, 10.6.1: "PciRoot(0x0)/Pci(0x1F,0x2)/Sata(0x0,0xFFFF,0x0)"; several
// instances stand with commas between them, a file path in slashes of its own. Nodes without a text form of their own
// are Path(TYPE,SUBTYPE,HEX), as the specification has it; so is a node too short for its type. kMalformed, with the
// offset, where a node's length is less than its header or more than what is left, and where bytes follow the end.
Result<std::string> device_path_text(ByteView path);

}  // namespace slipway::bootchain
