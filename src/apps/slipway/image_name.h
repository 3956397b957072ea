#pragma once

#include <filesystem>
#include <optional>

#include "image/disk_image.h"

namespace slipway::cli {

// What is known of an image besides its disk.
struct NamedManifest {
  image::ImageName name;
  std::optional<image::Manifest> manifest;  // the one that stands beside the image, or was named
};

// The manifest in a file; a reason of kMalformedInput where it is none.
Result<NamedManifest> read_image_manifest(const std::filesystem::path& path);

// NAME.manifest.json beside NAME.qcow2 or NAME.raw, as the image build leaves it. Without one the version is NAME and
// no file's package is known.
Result<NamedManifest> find_manifest(const std::filesystem::path& image);

}  // namespace slipway::cli
