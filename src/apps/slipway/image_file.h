#pragma once

#include <filesystem>
#include <string>

#include "image/disk_image.h"

namespace slipway::cli {

// The parts of a disk image's file that its boot is a function of. A raw image is read in place; of a qcow2 one the
// parts that are needed are taken out by QEMU's own qemu-img, into a folder under $TMPDIR (else /tmp) that is gone
// again when this returns; one that names another file for what it does not hold itself, which QEMU would open, is
// refused before QEMU sees it. A file that is no well-formed image has the reason of kMalformedInput; kUnavailable
// where qemu-img is needed and cannot run.
Result<image::DiskImage> read_image_file(const std::filesystem::path& path);

}  // namespace slipway::cli
