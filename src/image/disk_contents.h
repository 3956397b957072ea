#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "image/manifest.h"

namespace slipway::image {

// What stands on a node's disk where its boot looks, read from outside while nothing vouches for it: the disk's bytes
// are the guest's.
struct DiskContents {
  Bytes gpt_event_sha256;                   // of the partition table, as in Manifest
  std::map<std::string, Bytes> esp_sha256;  // every file of the EFI system partition: path to SHA-256
  std::string esp_detail;                   // why that partition cannot be read; empty where it can
  std::string grub_config;                  // the bytes at the manifest's path of grub.cfg; empty where there is none
  bool root_checked = true;                 // false: nobody looked, because other partitions would have been read
  bool root_matches = false;                // the root partition is what the manifest's root hash says (dm-verity)
  std::string root_detail;                  // where it is not: what the check said, printable
};

// One way in which a disk is not its image.
struct DiskDifference {
  std::string component;  // path of the file, "partition table", "root file system"
  std::string package, signer;
  std::string message;  // one sentence: what differs, from what
};

// Holds a node's disk against its image: each boot file is there with the manifest's bytes, no other file stands beside
// them, the partition table and the root file system are the image's. Empty: the disk is the image. In the order of the
// boot; at most 32 differences. Pure.
std::vector<DiskDifference> compare_disk(const Manifest& manifest, const DiskContents& disk);

}  // namespace slipway::image
