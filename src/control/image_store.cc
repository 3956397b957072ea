#include "control/image_store.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "control/log_text.h"
#include "files/file.h"

namespace slipway::control {
namespace {

constexpr std::size_t kMaximumManifest = 1U << 20;
constexpr std::string_view kManifestSuffix = ".manifest.json";

class FolderImageStore final : public ImageStore {
 public:
  explicit FolderImageStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::vector<StoredImage> list() override {
    const std::lock_guard lock(mutex_);
    std::vector<StoredImage> images;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(kManifestSuffix)) add(entry.path(), images);
    }
    // Versions end in the date of the build, so their order is that of their age within one kind.
    std::sort(images.begin(), images.end(), [](const StoredImage& left, const StoredImage& right) {
      return left.manifest.version < right.manifest.version;
    });
    return images;
  }

 private:
  struct Known {
    std::filesystem::file_time_type changed;
    Result<image::Manifest> manifest;
  };

  void add(const std::filesystem::path& manifest, std::vector<StoredImage>& images) {
    std::string disk = std::filesystem::absolute(manifest).string();
    disk.replace(disk.size() - kManifestSuffix.size(), kManifestSuffix.size(), ".qcow2");
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(manifest, error);
    if (error || !std::filesystem::exists(disk, error)) return;

    const auto known = known_.find(manifest);
    if (known == known_.end() || known->second.changed != changed) {
      auto read = files::read_file(manifest, kMaximumManifest).and_then([](const Bytes& text) {
        return image::manifest_from_json(as_text(text));
      });
      if (!read) {
        spdlog::warn("image left out manifest={} why={}", manifest.string(), log_quoted(read.error().message));
      }
      known_.insert_or_assign(manifest, Known{changed, std::move(read)});
    }
    const Result<image::Manifest>& read = known_.at(manifest).manifest;
    if (read) images.push_back({*read, disk});
  }

  std::filesystem::path folder_;
  std::mutex mutex_;
  std::map<std::filesystem::path, Known> known_;
};

}  // namespace

Result<StoredImage> ImageStore::find(const std::string& version) {
  std::string names;
  for (StoredImage& image : list()) {
    if (image.manifest.version == version) return std::move(image);
    names += (names.empty() ? "" : ", ") + image.manifest.version;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("There is no node image {} here; there {}. Build it with 'slipway image build', or put its "
                          "folder back.",
                          version, names.empty() ? "is none" : "are " + names));
}

Result<StoredImage> ImageStore::find_by_disk(const std::filesystem::path& disk) {
  for (StoredImage& image : list()) {
    if (image.disk == disk) return std::move(image);
  }
  return fail(ErrorCode::kNotFound, fmt::format("{} is no node image's disk.", disk.string()));
}

std::unique_ptr<ImageStore> make_folder_image_store(std::filesystem::path folder) {
  return std::make_unique<FolderImageStore>(std::move(folder));
}

}  // namespace slipway::control
