#pragma once

#include <filesystem>

#include "image/disk_contents.h"

namespace slipway::host {

// Reads a VM's disk while the VM runs or not, without mounting anything: QEMU's tools copy the partitions that the boot
// reads out of the qcow2, the file system on the first is read as the hostile bytes it is, and veritysetup holds the
// second, with its hash tree on the third, against the manifest's root hash; those two only where the partition table
// is the manifest's own, so that no table of a guest's makes the host copy what it likes. As much as the image has,
// beside the overlay, for some seconds.
//
// What is behind the overlay is `base` and nothing else, whatever the overlay's header names; one that keeps its data
// in another file is kMalformed. kNotFound without a disk, kUnavailable where a tool is missing.
Result<image::DiskContents> read_disk(const std::filesystem::path& overlay, const std::filesystem::path& base,
                                      const image::Manifest& manifest);

}  // namespace slipway::host
