#include "host/libvirt/disk_reading.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <optional>

#include "bootchain/gpt.h"
#include "crypto/digest.h"
#include "files/file.h"
#include "host/process.h"
#include "image/fat_volume.h"

namespace slipway::host {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMaximumEsp = 512U << 20;
constexpr std::size_t kMaximumGrubConfig = 64U << 10;
constexpr int kEsp = 1, kRoot = 2, kHashTree = 3;
constexpr seconds kCopyTime{120};

// A folder of its own, removed with everything in it.
class WorkFolder {
 public:
  static Result<WorkFolder> make() {
    std::string pattern = (std::filesystem::temp_directory_path() / "slipway-disk-XXXXXX").native();
    if (::mkdtemp(pattern.data()) == nullptr) {
      return fail(ErrorCode::kUnavailable, files::system_error("a folder for reading a disk cannot be made").message);
    }
    return WorkFolder(pattern);
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit WorkFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// QEMU's option syntax doubles a comma inside a value.
std::string option_value(const std::filesystem::path& path) {
  std::string value;
  for (const char c : path.native()) value += c == ',' ? ",," : std::string(1, c);
  return value;
}

// --force-share: a running VM holds the lock, and what it writes meanwhile is its own affair.
Status copy_range(const std::filesystem::path& overlay, std::uint64_t offset, std::uint64_t size,
                  const std::filesystem::path& to) {
  const std::string source = fmt::format(
      "driver=raw,offset={},size={},file.driver=qcow2,file.file.driver=file,"
      "file.file.filename={}",
      offset, size, option_value(overlay));
  return run_checked(
             {.argv = {"qemu-img", "convert", "--force-share", "-O", "raw", "--image-opts", source, to.native()},
              .timeout = kCopyTime})
      .map([](const std::string&) {});
}

const bootchain::GptPartition* find_partition(const bootchain::PartitionTable& table, int number) {
  for (const auto& partition : table.partitions) {
    if (partition.number == number) return &partition;
  }
  return nullptr;
}

Status copy_partition(const std::filesystem::path& overlay, const bootchain::GptPartition& partition,
                      const std::filesystem::path& to) {
  return copy_range(overlay, partition.first_block * kBlock,
                    (partition.last_block - partition.first_block + 1) * kBlock, to);
}

Status read_esp(const std::filesystem::path& overlay, const bootchain::PartitionTable& table,
                const std::filesystem::path& work, const image::Manifest& manifest, image::DiskContents& disk) {
  const auto* esp = find_partition(table, kEsp);
  const std::uint64_t size = esp == nullptr ? 0 : (esp->last_block - esp->first_block + 1) * kBlock;
  if (size == 0 || size > kMaximumEsp) {
    disk.esp_detail = fmt::format("there is none, or it has more than {} MiB", kMaximumEsp >> 20);
    return {};
  }
  SLIPWAY_TRY(copy_partition(overlay, *esp, work / "esp"));
  SLIPWAY_ASSIGN(const Bytes volume, files::read_file(work / "esp", kMaximumEsp));
  const auto files = image::read_fat_files(image::reader_of(volume), volume.size());
  if (!files) {
    disk.esp_detail = files.error().message;
    return {};
  }
  const auto* config = find_boot_file(manifest, image::BootFileRole::kGrubConfig);
  for (const auto& [path, content] : *files) {
    disk.esp_sha256[path] = crypto::sha256(content);
    if (config != nullptr && path == config->path) {
      disk.grub_config = std::string(as_text(content).substr(0, kMaximumGrubConfig));
    }
  }
  return {};
}

Status read_root(const std::filesystem::path& overlay, const bootchain::PartitionTable& table,
                 const std::filesystem::path& work, const image::Manifest& manifest, image::DiskContents& disk) {
  const auto* root = find_partition(table, kRoot);
  const auto* tree = find_partition(table, kHashTree);
  if (root == nullptr || tree == nullptr) {
    disk.root_detail = "its partition or the partition of its hash tree is not there";
    return {};
  }
  SLIPWAY_TRY(copy_partition(overlay, *root, work / "root"));
  SLIPWAY_TRY(copy_partition(overlay, *tree, work / "tree"));
  SLIPWAY_ASSIGN(const ProcessOutput said, run_process({.argv = {"veritysetup", "verify", (work / "root").native(),
                                                                 (work / "tree").native(), to_hex(manifest.root_hash)},
                                                        .timeout = kCopyTime}));
  disk.root_matches = said.exit_code == 0;
  if (!disk.root_matches) {
    const std::string& text = said.error_output.empty() ? said.output : said.error_output;
    disk.root_detail = text.substr(0, text.find('\n'));
  }
  return {};
}

}  // namespace

Result<image::DiskContents> read_disk(const std::filesystem::path& overlay, const image::Manifest& manifest) {
  SLIPWAY_ASSIGN(const WorkFolder work, WorkFolder::make());
  SLIPWAY_TRY(copy_range(overlay, 0, bootchain::kPartitionTableBytes, work.path() / "start"));
  SLIPWAY_ASSIGN(const Bytes start, files::read_file(work.path() / "start", bootchain::kPartitionTableBytes));
  image::DiskContents disk;
  const auto table = bootchain::read_partition_table(start);
  // Nothing of the image can be found on a disk without a table: every difference is named all the same.
  if (!table) {
    disk.esp_detail = disk.root_detail = "the disk has no partition table: " + table.error().message;
    return disk;
  }
  disk.gpt_event_sha256 = crypto::sha256(table->event_data);
  SLIPWAY_TRY(read_esp(overlay, *table, work.path(), manifest, disk));
  SLIPWAY_TRY(read_root(overlay, *table, work.path(), manifest, disk));
  return disk;
}

}  // namespace slipway::host
