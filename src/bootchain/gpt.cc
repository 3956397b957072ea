#include "bootchain/gpt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "base/expected_at.h"

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
    return expected_at(
        disk_start.size(),
        fmt::format("a GUID partition table, which ends at {}, but the disk ends here", kPartitionTableBytes));
  const ByteView header = disk_start.subspan(kBlockSize, kHeaderSize);
  ByteReader reader(header, kBlockSize);
  SLIPWAY_ASSIGN(const ByteView signature, reader.take(kSignature.size(), "GPT signature"));
  if (as_text(signature) != kSignature)
    return expected_at(kBlockSize, "\"EFI PART\", with which a GUID partition table begins");
  SLIPWAY_TRY(reader.u32_le("GPT revision"));
  SLIPWAY_ASSIGN(const std::uint32_t header_size, reader.u32_le("GPT header size"));
  if (header_size != kHeaderSize)
    return expected_at(reader.offset() - 4,
                       fmt::format("a GPT header of {} bytes, but it says {}", kHeaderSize, header_size));
  const std::size_t checksum_offset = reader.offset();
  SLIPWAY_ASSIGN(const std::uint32_t header_crc, reader.u32_le("GPT header checksum"));
  SLIPWAY_TRY(reader.take(4 + 8 + 8 + 8 + 8 + 16, "GPT header"));
  SLIPWAY_ASSIGN(const std::uint64_t entries_block, reader.u64_le("first block of the GPT entries"));
  SLIPWAY_ASSIGN(const std::uint32_t entry_count, reader.u32_le("number of GPT entries"));
  SLIPWAY_ASSIGN(const std::uint32_t entry_size, reader.u32_le("size of a GPT entry"));
  SLIPWAY_ASSIGN(const std::uint32_t entries_crc, reader.u32_le("checksum of the GPT entries"));

  Bytes without_crc = to_bytes(header);
  std::fill_n(without_crc.begin() + 16, 4, std::uint8_t{0});
  if (const std::uint32_t sum = crc32(without_crc); sum != header_crc)
    return expected_at(checksum_offset,
                       fmt::format("the GPT header's checksum {:#010x}, but it says {:#010x}", sum, header_crc));
  if (entries_block != 2)
    return expected_at(reader.offset() - 20, fmt::format("GPT entries at block 2, but they are at {}", entries_block));
  if (entry_count > kMaximumEntries)
    return expected_at(reader.offset() - 12,
                       fmt::format("at most {} GPT entries, but there are {}", kMaximumEntries, entry_count));
  if (entry_size != kEntrySize)
    return expected_at(reader.offset() - 8,
                       fmt::format("GPT entries of {} bytes, but they have {}", kEntrySize, entry_size));
  const ByteView entries = disk_start.subspan(2 * kBlockSize, std::size_t{entry_count} * kEntrySize);
  if (const std::uint32_t sum = crc32(entries); sum != entries_crc)
    return expected_at(reader.offset() - 4,
                       fmt::format("the checksum {:#010x} of the GPT entries, but it says {:#010x}", sum, entries_crc));

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
