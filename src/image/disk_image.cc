#include "image/disk_image.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "image/build_manifest.h"
#include "image/fat_volume.h"

namespace slipway::image {
namespace {

constexpr std::uint64_t kBlockSize = 512;
constexpr std::string_view kGrubConfigPath = "/EFI/debian/grub.cfg";
constexpr std::string_view kRootHashArgument = "slipway.roothash=";
constexpr std::size_t kRootHashDigits = 64;

// The offset of a partition's entry in the table.
std::uint64_t entry_offset(int number) { return 2 * kBlockSize + (static_cast<std::uint64_t>(number) - 1) * 128; }

Result<DiskReader> partition_reader(const DiskReader& disk, const bootchain::GptPartition& partition,
                                    std::uint64_t disk_size) {
  const std::uint64_t blocks = disk_size / kBlockSize;
  if (partition.first_block > partition.last_block || partition.last_block >= blocks)
    return fail(
        ErrorCode::kMalformed,
        fmt::format("at offset {} of the disk: partition {} of blocks {} to {} was not expected on a disk of {}",
                    entry_offset(partition.number), partition.number, partition.first_block, partition.last_block,
                    blocks));
  return part_of(disk, partition.first_block * kBlockSize,
                 (partition.last_block - partition.first_block + 1) * kBlockSize);
}

tl::unexpected<Error> one_too_many(int number, std::string_view what, int first) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("at offset {} of the disk: the disk has more than one {}: partition {}, and {} before it",
                          entry_offset(number), what, number, first));
}

template <typename T>
Result<T> in_partition(int number, Result<T> result) {
  if (result) return result;
  Error error = std::move(result).error();
  error.message = fmt::format("partition {}: {}", number, error.message);
  return fail(std::move(error));
}

Result<Bytes> root_hash_of(const Bytes& grub_config) {
  const std::string_view text = as_text(grub_config);
  const std::size_t at = text.find(kRootHashArgument);
  const auto missing = [&] {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} hands the kernel no root hash ({}HASH), so the root file system is not inside the proof",
                    kGrubConfigPath, kRootHashArgument));
  };
  if (at == std::string_view::npos) return missing();
  auto hash = from_hex(text.substr(at + kRootHashArgument.size(), kRootHashDigits));
  if (!hash || hash->size() * 2 != kRootHashDigits) return missing();
  return hash;
}

}  // namespace

Result<DiskImage> read_disk_image(const DiskReader& disk, std::uint64_t virtual_size) {
  DiskImage image;
  image.virtual_size = virtual_size;
  SLIPWAY_ASSIGN(image.start, disk(0, bootchain::kPartitionTableBytes));
  SLIPWAY_ASSIGN(image.table, bootchain::read_partition_table(image.start));
  for (const bootchain::GptPartition& partition : image.table.partitions) {
    SLIPWAY_ASSIGN(const DiskReader read, partition_reader(disk, partition, virtual_size));
    if (to_string(partition.type) == bootchain::kEfiSystemPartition) {
      if (image.esp_number != 0) return one_too_many(partition.number, "EFI system partition", image.esp_number);
      image.esp_number = partition.number;
      const std::uint64_t size = (partition.last_block - partition.first_block + 1) * kBlockSize;
      SLIPWAY_ASSIGN(image.esp_files, in_partition(partition.number, read_fat_files(read, size)));
      continue;
    }
    SLIPWAY_ASSIGN(const Bytes start, in_partition(partition.number, read(0, kBlockSize)));
    if (!is_verity_superblock(start)) continue;
    if (image.verity) return one_too_many(partition.number, "dm-verity hash tree", image.verity_number);
    image.verity_number = partition.number;
    SLIPWAY_ASSIGN(image.verity, in_partition(partition.number, read_verity_tree(read)));
  }
  if (image.esp_number == 0)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("at offset {} of the disk: an EFI system partition was expected among the partitions, but "
                            "the disk has no EFI system partition",
                            entry_offset(1)));
  return image;
}

Result<Manifest> manifest_of(const DiskImage& image, const ImageName& name) {
  ManifestInputs inputs;
  inputs.version = name.version;
  inputs.trusted_launch = name.trusted_launch;
  inputs.packages = name.packages;
  inputs.esp_files = image.esp_files;
  inputs.disk_start = image.start;
  inputs.virtual_size = image.virtual_size;
  const auto config = image.esp_files.find(std::string(kGrubConfigPath));
  if (config == image.esp_files.end())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the EFI system partition has no {}, which the boot loads", kGrubConfigPath));
  SLIPWAY_ASSIGN(inputs.root_hash, root_hash_of(config->second));
  if (!image.verity)
    return fail(ErrorCode::kInvalidArgument,
                "the disk has no dm-verity hash tree, so the root hash on the command line opens nothing");
  if (image.verity->root_hash != inputs.root_hash)
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the hash tree in partition {} is that of root hash {}, but {} hands the kernel {}: the root "
                    "file system would not open",
                    image.verity_number, to_hex(image.verity->root_hash), kGrubConfigPath, to_hex(inputs.root_hash)));
  return build_manifest(inputs);
}

std::string first_difference(const Manifest& left, const Manifest& right) {
  const auto object = [](const Manifest& manifest) { return boost::json::parse(to_json(manifest)).as_object(); };
  const boost::json::object ours = object(left), theirs = object(right);
  for (const auto& [key, value] : ours) {
    if (value == theirs.at(key)) continue;
    if (!value.is_array() || !theirs.at(key).is_array()) return key;
    const boost::json::array &mine = value.get_array(), &other = theirs.at(key).get_array();
    std::size_t at = 0;
    while (at < mine.size() && at < other.size() && mine[at] == other[at]) ++at;
    return fmt::format("{}[{}]", std::string_view(key), at);
  }
  return {};
}

}  // namespace slipway::image
