#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "bootchain/efi_guid.h"

namespace slipway::bootchain {

// One used entry of a GUID partition table (UEFI 2.9, 5.3.3).
struct GptPartition {
  int number = 0;  // as GRUB and Linux count: from 1
  EfiGuid type, unique;
  std::uint64_t first_block = 0, last_block = 0;
};

struct PartitionTable {
  std::vector<GptPartition> partitions;
  // What the EV_EFI_GPT_EVENT (PCR 5) of this disk holds; its digest is SHA-256 of it. UEFI_GPT_DATA: TCG PC Client
  // Platform Firmware Profile 10.2.6, "Measuring UEFI Variables and UEFI GPT Data".
  Bytes event_data;
};

// The type of an EFI system partition.
inline constexpr std::string_view kEfiSystemPartition = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

// The bytes that read_partition_table needs from a disk's beginning.
inline constexpr std::size_t kPartitionTableBytes = 34 * 512;

// Reads the primary table of a disk with blocks of 512 bytes from its first kPartitionTableBytes bytes. Both checksums
// must hold; 128 entries of 128 bytes at most. kMalformed, with the offset on the disk.
Result<PartitionTable> read_partition_table(ByteView disk_start);

}  // namespace slipway::bootchain
