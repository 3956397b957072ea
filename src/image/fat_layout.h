#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

// The structures of a FAT volume, from bytes to values. Microsoft, "FAT: General Overview of On-Disk Format", 1.03.
namespace slipway::image {

enum class FatKind { k12, k16, k32 };

// Where the parts of a volume are, in bytes from its beginning.
struct FatLayout {
  FatKind kind = FatKind::k32;
  std::uint64_t table_at = 0, table_size = 0;  // the first file allocation table
  std::uint64_t root_at = 0, root_size = 0;    // the root folder of FAT12 and FAT16
  std::uint32_t root_cluster = 0;              // that of FAT32
  std::uint64_t clusters_at = 0;               // of cluster 2
  std::uint32_t cluster_size = 0;              // bytes
  std::uint32_t cluster_count = 0;             // numbers 2 to cluster_count + 1
};

inline constexpr std::size_t kFatBootSector = 512;
inline constexpr std::size_t kFatEntrySize = 32;

// From the volume's first 512 bytes. kMalformed, with the offset, unless the fields are consistent and the volume fits
// into `volume_size`.
Result<FatLayout> read_fat_layout(ByteView boot_sector, std::uint64_t volume_size);

// What follows a cluster in its chain, from the table's bytes; 0xffffffff at the end of the chain, 0 for a cluster that
// is free or bad.
std::uint32_t next_cluster(const FatLayout& layout, ByteView table, std::uint32_t cluster);
inline constexpr std::uint32_t kEndOfChain = 0xffffffff;

struct FatEntry {
  std::string name;  // UTF-8
  bool folder = false;
  std::uint32_t cluster = 0;  // the first; 0 for an empty file
  std::uint32_t size = 0;     // of a file
  std::size_t at = 0;         // offset of the entry in the folder
};

// The entries of a folder: without deleted ones, labels, "." and "..". kMalformed, with the offset in the folder, for
// names that are empty, hold '/', a control character or something that is not UTF-16, and for two names that differ
// in case (of ASCII) alone.
Result<std::vector<FatEntry>> read_fat_folder(ByteView folder);

}  // namespace slipway::image
