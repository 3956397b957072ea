#pragma once

#include <map>
#include <string>

#include "base/bytes.h"
#include "image/disk_reader.h"

namespace slipway::image {

// Limits of an EFI system partition that is read whole.
inline constexpr std::uint64_t kMaximumFatVolume = std::uint64_t{2} << 30;
inline constexpr std::uint64_t kMaximumFatContent = std::uint64_t{512} << 20;  // of all files together
inline constexpr std::size_t kMaximumFatEntries = 4096;                        // files and folders
inline constexpr int kMaximumFatDepth = 16;

// Every file of a FAT12, FAT16 or FAT32 volume with its bytes, by its path: "/EFI/BOOT/BOOTX64.EFI". Long names count
// before short ones (as UTF-8); a short name is in capitals, but for the parts that its entry marks as small.
//
// The volume may be hostile: a cluster that two files or folders share, a chain that turns back, ends early or goes on
// behind its file's end, two names in one folder that differ in case alone, and a name that could not stand in a path
// are kMalformed, with the offset in the volume; kResourceExhausted over a limit. So no more is read than the volume
// holds. `size` is the partition's.
Result<std::map<std::string, Bytes>> read_fat_files(const DiskReader& read, std::uint64_t size);

}  // namespace slipway::image
