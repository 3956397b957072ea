#include "bootchain/gpt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"

namespace slipway::bootchain {
namespace {

constexpr std::size_t kBlockSize = 512;
constexpr std::size_t kHeaderSize = 92;
constexpr std::size_t kEntrySize = 128;
constexpr std::size_t kMaximumEntries = 128;
constexpr std::string_view kSignature = "EFI PART";

// CRC-32 of ISO 3309, reflected, as UEFI's CalculateCrc32.
std::uint32_t crc32(ByteView bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  return ~crc;
}

Result<GptPartition> read_entry(ByteView bytes, int number) {
  ByteReader reader(bytes);
  GptPartition partition;
  partition.number = number;
  SLIPWAY_ASSIGN(partition.type, read_guid(reader, "partition type"));
  SLIPWAY_ASSIGN(partition.unique, read_guid(reader, "partition's own GUID"));
  SLIPWAY_ASSIGN(partition.first_block, reader.u64_le("partition's first block"));
  SLIPWAY_ASSIGN(partition.last_block, reader.u64_le("partition's last block"));
  return partition;
}

}  // namespace

Result<PartitionTable> read_partition_table(ByteView disk_start) {
  if (disk_start.size() < kPartitionTableBytes)
    return fail(ErrorCode::kMalformed, fmt::format("the disk's beginning has {} bytes; a partition table needs {}",
                                                   disk_start.size(), kPartitionTableBytes));
  const ByteView header = disk_start.subspan(kBlockSize, kHeaderSize);
  ByteReader reader(header, kBlockSize);
  SLIPWAY_ASSIGN(const ByteView signature, reader.take(kSignature.size(), "GPT signature"));
  if (as_text(signature) != kSignature) return fail(ErrorCode::kMalformed, "the disk has no GUID partition table");
  SLIPWAY_TRY(reader.u32_le("GPT revision"));
  SLIPWAY_ASSIGN(const std::uint32_t header_size, reader.u32_le("GPT header size"));
  SLIPWAY_ASSIGN(const std::uint32_t header_crc, reader.u32_le("GPT header checksum"));
  SLIPWAY_TRY(reader.take(4 + 8 + 8 + 8 + 8 + 16, "GPT header"));
  SLIPWAY_ASSIGN(const std::uint64_t entries_block, reader.u64_le("first block of the GPT entries"));
  SLIPWAY_ASSIGN(const std::uint32_t entry_count, reader.u32_le("number of GPT entries"));
  SLIPWAY_ASSIGN(const std::uint32_t entry_size, reader.u32_le("size of a GPT entry"));
  SLIPWAY_ASSIGN(const std::uint32_t entries_crc, reader.u32_le("checksum of the GPT entries"));

  Bytes without_crc = to_bytes(header);
  std::fill_n(without_crc.begin() + 16, 4, std::uint8_t{0});
  if (header_size != kHeaderSize || crc32(without_crc) != header_crc)
    return fail(ErrorCode::kMalformed, "the GUID partition table's header does not match its checksum");
  if (entries_block != 2 || entry_size != kEntrySize || entry_count > kMaximumEntries)
    return fail(ErrorCode::kMalformed,
                fmt::format("the GUID partition table has {} entries of {} bytes at block {}; at most 128 of 128 "
                            "bytes at block 2 are understood",
                            entry_count, entry_size, entries_block));
  const ByteView entries = disk_start.subspan(2 * kBlockSize, std::size_t{entry_count} * kEntrySize);
  if (crc32(entries) != entries_crc)
    return fail(ErrorCode::kMalformed, "the GUID partition table's entries do not match their checksum");

  PartitionTable table;
  Bytes used;
  for (std::size_t i = 0; i < entry_count; ++i) {
    const ByteView bytes = entries.subspan(i * kEntrySize, kEntrySize);
    SLIPWAY_ASSIGN(const GptPartition partition, read_entry(bytes, static_cast<int>(i) + 1));
    if (partition.type == EfiGuid{}) continue;
    table.partitions.push_back(partition);
    put_bytes(used, bytes);
  }
  put_bytes(table.event_data, header);
  put_u64_le(table.event_data, table.partitions.size());
  put_bytes(table.event_data, used);
  return table;
}

}  // namespace slipway::bootchain
