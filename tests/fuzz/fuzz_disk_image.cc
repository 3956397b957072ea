#include "bootchain/partition_table_for_tests.h"
#include "image/disk_image.h"

// Partition table, file system and hash tree of a disk that somebody hands over.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const Bytes bytes = bootchain::testing::with_checksums({data, size});
  const auto disk = image::read_disk_image(image::reader_of(bytes), bytes.size());
  if (!disk) return 0;
  if (disk->esp_number == 0 || disk->verity.has_value() != (disk->verity_number != 0)) __builtin_trap();
  for (const bootchain::GptPartition& partition : disk->table.partitions)
    if (partition.first_block > partition.last_block || partition.last_block >= bytes.size() / 512) __builtin_trap();
  static_cast<void>(image::manifest_of(*disk, {"V", true, {}}));
  return 0;
}
