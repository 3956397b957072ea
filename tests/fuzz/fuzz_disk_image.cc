#include "image/disk_image.h"

// Partition table, file system and hash tree of a disk that somebody hands over.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto disk = image::read_disk_image(image::reader_of({data, size}), size);
  if (!disk) return 0;
  if (disk->esp_number == 0 || disk->verity.has_value() != (disk->verity_number != 0)) __builtin_trap();
  static_cast<void>(image::manifest_of(*disk, {"V", true, {}}));
  return 0;
}
