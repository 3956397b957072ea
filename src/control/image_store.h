#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "image/manifest.h"

// The node images of this installation.
namespace slipway::control {

struct StoredImage {
  image::Manifest manifest;
  std::filesystem::path disk;  // the qcow2
};

// Thread-safe.
class ImageStore {
 public:
  virtual ~ImageStore() = default;
  // All images that are whole, oldest first. One that is not is left out and told to the log.
  virtual std::vector<StoredImage> list() = 0;
  // kNotFound, naming those that there are.
  Result<StoredImage> find(const std::string& version);
  Result<StoredImage> find_by_disk(const std::filesystem::path& disk);
};

// Pairs of NAME.qcow2 and NAME.manifest.json in the folder, looked for at each call; a manifest is read again only when
// its file changes.
std::unique_ptr<ImageStore> make_folder_image_store(std::filesystem::path folder);

// For the in-memory host: two images that exist as manifests alone, one fit for Trusted Launch and one not, with a boot
// chain of the real form. No disk belongs to them.
std::unique_ptr<ImageStore> make_simulated_image_store();

}  // namespace slipway::control
