#pragma once

#include <algorithm>
#include <boost/crc.hpp>
#include <vector>

#include "base/byte_reader.h"
#include "bootchain/gpt.h"

// GUID partition tables of any content (UEFI 2.9, 5.3), for tests and fuzz targets.
namespace slipway::bootchain::testing {

inline constexpr std::size_t kGptHeader = 512, kGptHeaderSize = 92, kGptEntries = 1024, kGptEntrySize = 128;
// Fields of the header.
inline constexpr std::size_t kGptHeaderSizeField = kGptHeader + 12, kGptHeaderCrc = kGptHeader + 16,
                             kGptEntriesBlock = kGptHeader + 72, kGptEntryCount = kGptHeader + 80,
                             kGptEntrySizeField = kGptHeader + 84, kGptEntriesCrc = kGptHeader + 88;

// The disk with both checksums of its table as they must be for what stands there now: behind a valid CRC-32 nothing
// would be reached by chance. Filled up with zeros to what a reader needs.
inline Bytes with_checksums(ByteView disk) {
  Bytes bytes = to_bytes(disk);
  bytes.resize(std::max(bytes.size(), kPartitionTableBytes));
  const auto put_crc = [&](std::size_t at, std::size_t from, std::size_t size) {
    boost::crc_32_type crc;
    crc.process_bytes(bytes.data() + from, size);
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(crc.checksum() >> (8 * i));
  };
  ByteReader field(ByteView(bytes).subspan(kGptEntryCount, 4));
  const std::size_t fitting = (kPartitionTableBytes - kGptEntries) / kGptEntrySize;
  const std::size_t count = std::min<std::size_t>(field.u32_le("number of entries").value(), fitting);
  put_crc(kGptEntriesCrc, kGptEntries, count * kGptEntrySize);
  std::fill_n(bytes.begin() + kGptHeaderCrc, 4, std::uint8_t{0});
  put_crc(kGptHeaderCrc, kGptHeader, kGptHeaderSize);
  return bytes;
}

// A disk's first blocks, with a table of 128 entries in which each partition stands at its number.
inline Bytes make_partition_table(const std::vector<GptPartition>& partitions) {
  Bytes disk(kGptHeader, 0);
  put_bytes(disk, as_bytes("EFI PART"));
  put_u32_le(disk, 0x00010000);  // revision
  put_u32_le(disk, kGptHeaderSize);
  disk.resize(kGptEntriesBlock, 0);
  put_u64_le(disk, 2);
  put_u32_le(disk, 128);
  put_u32_le(disk, kGptEntrySize);
  disk.resize(kPartitionTableBytes, 0);
  for (const GptPartition& partition : partitions) {
    Bytes entry;
    put_bytes(entry, partition.type.bytes);
    put_bytes(entry, partition.unique.bytes);
    put_u64_le(entry, partition.first_block);
    put_u64_le(entry, partition.last_block);
    const std::size_t at = kGptEntries + (static_cast<std::size_t>(partition.number) - 1) * kGptEntrySize;
    std::copy(entry.begin(), entry.end(), disk.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return with_checksums(disk);
}

}  // namespace slipway::bootchain::testing
