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
  // The data of the EV_EFI_GPT_EVENT that firmware measures into PCR 5 for this disk: UEFI_GPT_DATA of TCG PC Client
  // Platform Firmware Profile 10.2.5. The event's digest is SHA-256 of it.
  Bytes event_data;
};

// The type of an EFI system partition.
inline constexpr std::string_view kEfiSystemPartition = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

// The bytes that read_partition_table needs from a disk's beginning.
inline constexpr std::size_t kPartitionTableBytes = 34 * 512;

// Reads the primary table of a disk with blocks of 512 bytes from its first kPartitionTableBytes bytes. Both checksums
// must hold; 128 entries of 128 bytes at most.
Result<PartitionTable> read_partition_table(ByteView disk_start);

}  // namespace slipway::bootchain
