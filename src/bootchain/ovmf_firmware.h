#pragma once

#include "base/bytes.h"

namespace slipway::bootchain {

// What a firmware's code file (OVMF_CODE_4M*.fd) holds, and so what that firmware measures of itself into PCR 0.
struct OvmfFirmware {
  Bytes code_sha256;  // of the file
  // The PEI volume as it is in the file. It changes its own data before it is measured (EV_EFI_PLATFORM_FIRMWARE_BLOB
  // at 0x820000), so that this is not the event's digest.
  Bytes pei_volume_sha256;
  std::uint64_t pei_volume_size = 0;
  // The DXE volume: the digest of the EV_EFI_PLATFORM_FIRMWARE_BLOB at 0x900000, exactly.
  Bytes dxe_volume_sha256;
  std::uint64_t dxe_volume_size = 0;
};

inline constexpr std::size_t kMaximumFirmware = 16U << 20;
inline constexpr std::size_t kMaximumUnpackedFirmware = 32U << 20;

// Reads the first firmware volume of the file (UEFI Platform Initialization 1.7, volume 3, 3.2): a file of it that
// holds volumes, packed as one section of GUID EE4E5898-3914-4259-9D6E-DC7BD79403CF, in which the PEI and the DXE
// volume stand in this order and nothing else does. The headers' checksums of all three volumes and of the file must
// hold. kMalformed, with the offset, for anything else; kResourceExhausted over the limits.
Result<OvmfFirmware> read_ovmf_firmware(ByteView code);

}  // namespace slipway::bootchain
