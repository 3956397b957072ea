#pragma once

#include <map>
#include <string>
#include <vector>

#include "image/manifest.h"

namespace slipway::image {

// Everything that a manifest is a function of.
struct ManifestInputs {
  std::string version;
  bool trusted_launch = false;
  // Every file of the EFI system partition: path as on the partition ("/EFI/BOOT/BOOTX64.EFI") to its bytes. A file
  // that the boot does not load is refused: it would be in no measurement.
  std::map<std::string, Bytes> esp_files;
  // Path to package and version, "shim-signed 1.44~1+deb12u1+15.8-1~deb12u1"; a file without one was built here.
  std::map<std::string, std::string> packages;
  Bytes root_hash;                 // 32 bytes; must stand on the kernel command line
  Bytes disk_start;                // the disk's first bootchain::kPartitionTableBytes bytes
  std::uint64_t virtual_size = 0;  // of the disk, in bytes
};

// The manifest of an image with Debian's signed shim at /EFI/BOOT/BOOTX64.EFI, its GRUB at /EFI/BOOT/grubx64.efi and
// /EFI/debian/grub.cfg, and the kernel and initrd that grub.cfg names. Pure. kInvalidArgument or kMalformed names the
// file and what is wrong with it.
Result<Manifest> build_manifest(const ManifestInputs& inputs);

}  // namespace slipway::image
