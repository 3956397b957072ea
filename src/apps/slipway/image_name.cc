#include "apps/slipway/image_name.h"

#include "apps/slipway/inspect_verbs.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaximumManifest = 1U << 20;

}  // namespace

Result<NamedManifest> read_image_manifest(const fs::path& path) {
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(path.string(), kMaximumManifest));
  auto manifest = image::manifest_from_json(as_text(bytes));
  if (!manifest) return fail(malformed_input(path.string(), manifest.error()));
  NamedManifest named;
  named.name.version = manifest->version;
  named.name.trusted_launch = manifest->trusted_launch;
  for (const image::BootFile& file : manifest->boot_files)
    if (!file.package.empty()) named.name.packages[file.path] = file.package;
  named.manifest = *std::move(manifest);
  return named;
}

Result<NamedManifest> find_manifest(const fs::path& image) {
  fs::path beside = image;
  beside.replace_extension(".manifest.json");
  std::error_code error;
  if (fs::exists(beside, error)) return read_image_manifest(beside);
  NamedManifest named;
  named.name.version = image.stem().string();
  return named;
}

}  // namespace slipway::cli
