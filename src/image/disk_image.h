#pragma once

#include <map>
#include <optional>
#include <string>

#include "bootchain/gpt.h"
#include "image/disk_reader.h"
#include "image/manifest.h"
#include "image/verity.h"

namespace slipway::image {

// What of a disk image its boot is a function of.
struct DiskImage {
  std::uint64_t virtual_size = 0;  // bytes
  Bytes start;                     // the first bootchain::kPartitionTableBytes bytes
  bootchain::PartitionTable table;
  int esp_number = 0;                      // of the EFI system partition, as in GptPartition
  std::map<std::string, Bytes> esp_files;  // by path
  int verity_number = 0;                   // of the partition with a dm-verity hash tree; 0: there is none
  std::optional<VerityTree> verity;
};

// Reads partition table, EFI system partition and the head of the hash tree, and nothing else: a few tens of MiB of any
// image. kMalformed, with the offset in the partition concerned, for what is not well formed; kInvalidArgument, with
// the offset in the table, without exactly one EFI system partition, or with more than one hash tree.
Result<DiskImage> read_disk_image(const DiskReader& disk, std::uint64_t virtual_size);

// What a disk does not say of itself.
struct ImageName {
  std::string version;
  bool trusted_launch = false;
  std::map<std::string, std::string> packages;  // as in ManifestInputs
};

// The manifest that `slipway image build` would write for this disk. The root hash is the one that grub.cfg hands to
// the kernel; the topmost block of the disk's hash tree must be the one that it stands for.
Result<Manifest> manifest_of(const DiskImage& image, const ImageName& name);

// The first key in which two manifests of one image differ; empty where they are equal.
std::string first_difference(const Manifest& left, const Manifest& right);

}  // namespace slipway::image
