#include "host/libvirt/disk_reading.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <optional>

#include "bootchain/gpt.h"
#include "crypto/digest.h"
#include "files/file.h"
#include "host/process.h"
#include "image/fat_volume.h"
#include "image/qcow2_header.h"

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
  // Where the images are: copies of their partitions are large.
  static Result<WorkFolder> make(const std::filesystem::path& parent) {
    std::string pattern = (parent / "reading-XXXXXX").native();
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

// An overlay and the image behind it.
struct Disk {
  const std::filesystem::path& overlay;
  const std::filesystem::path& base;
};

// --force-share: a running VM holds the lock, and what it writes meanwhile is its own affair. The whole chain is named,
// to its end, so that QEMU opens nothing that the overlay's header names.
Status copy_range(const Disk& disk, std::uint64_t offset, std::uint64_t size, const std::filesystem::path& to) {
  const std::string source = fmt::format(
      "driver=raw,offset={},size={},file.driver=qcow2,file.file.driver=file,file.file.filename={},"
      "file.backing.driver=qcow2,file.backing.file.driver=file,file.backing.file.filename={},file.backing.backing=",
      offset, size, option_value(disk.overlay), option_value(disk.base));
  return run_checked(
             {.argv = {"qemu-img", "convert", "--force-share", "-O", "raw", "--image-opts", source, to.native()},
              .timeout = kCopyTime})
      .map([](const std::string&) {});
}

// A name of a data file in a header cannot be overruled: QEMU opens it with the image.
Status refuse_data_file(const std::filesystem::path& overlay) {
  SLIPWAY_ASSIGN(const Bytes start, files::read_file_start(overlay, image::kQcow2HeaderBytes));
  SLIPWAY_ASSIGN(const image::UnverifiedQcow2Header header, image::read_qcow2_header(start));
  if (!header.names_data_file) return {};
  return fail(ErrorCode::kMalformed, "the header of the node's disk was changed: it names another file for its data");
}

const bootchain::GptPartition* find_partition(const bootchain::PartitionTable& table, int number) {
  for (const auto& partition : table.partitions) {
    if (partition.number == number) return &partition;
  }
  return nullptr;
}

// 0 for one that ends before it begins or behind the disk's end.
std::uint64_t size_of(const bootchain::GptPartition& partition, const image::Manifest& manifest) {
  if (partition.first_block > partition.last_block || partition.last_block >= manifest.virtual_size / kBlock) return 0;
  return (partition.last_block - partition.first_block + 1) * kBlock;
}

Status read_esp(const Disk& from, const bootchain::PartitionTable& table, const std::filesystem::path& work,
                const image::Manifest& manifest, image::DiskContents& disk) {
  const auto* esp = find_partition(table, kEsp);
  const std::uint64_t size = esp == nullptr ? 0 : size_of(*esp, manifest);
  if (size == 0 || size > kMaximumEsp) {
    disk.esp_detail = fmt::format("there is none, or it has more than {} MiB", kMaximumEsp >> 20);
    return {};
  }
  SLIPWAY_TRY(copy_range(from, esp->first_block * kBlock, size, work / "esp"));
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

Status read_root(const Disk& from, const bootchain::PartitionTable& table, const std::filesystem::path& work,
                 const image::Manifest& manifest, image::DiskContents& disk) {
  const auto* root = find_partition(table, kRoot);
  const auto* tree = find_partition(table, kHashTree);
  const std::uint64_t root_size = root == nullptr ? 0 : size_of(*root, manifest);
  const std::uint64_t tree_size = tree == nullptr ? 0 : size_of(*tree, manifest);
  if (root_size == 0 || tree_size == 0) {
    disk.root_detail = "its partition or the partition of its hash tree is not there";
    return {};
  }
  SLIPWAY_TRY(copy_range(from, root->first_block * kBlock, root_size, work / "root"));
  SLIPWAY_TRY(copy_range(from, tree->first_block * kBlock, tree_size, work / "tree"));
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

Result<image::DiskContents> read_disk(const std::filesystem::path& overlay, const std::filesystem::path& base,
                                      const image::Manifest& manifest) {
  const Disk from{overlay, base};
  SLIPWAY_TRY(refuse_data_file(overlay));
  SLIPWAY_ASSIGN(const WorkFolder work, WorkFolder::make(overlay.parent_path()));
  SLIPWAY_TRY(copy_range(from, 0, bootchain::kPartitionTableBytes, work.path() / "start"));
  SLIPWAY_ASSIGN(const Bytes start, files::read_file(work.path() / "start", bootchain::kPartitionTableBytes));
  image::DiskContents disk;
  const auto table = bootchain::read_partition_table(start);
  // Nothing of the image can be found on a disk without a table: every difference is named all the same.
  if (!table) {
    disk.esp_detail = disk.root_detail = "the disk has no partition table: " + table.error().message;
    return disk;
  }
  disk.gpt_event_sha256 = crypto::sha256(table->event_data);
  SLIPWAY_TRY(read_esp(from, *table, work.path(), manifest, disk));
  // Partitions of another table are as large as their writer likes, and no root file system of the image's.
  disk.root_checked = disk.gpt_event_sha256 == manifest.gpt_event_sha256;
  if (disk.root_checked) SLIPWAY_TRY(read_root(from, *table, work.path(), manifest, disk));
  return disk;
}

}  // namespace slipway::host
