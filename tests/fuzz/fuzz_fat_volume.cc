#include "image/fat_volume.h"

// The input is the volume's beginning, again and again: so FAT16 and FAT32 are within reach of small inputs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  constexpr std::uint64_t kVolume = 40U << 20;
  if (size == 0) return 0;
  const auto read = [&](std::uint64_t offset, std::size_t count) -> Result<Bytes> {
    if (offset > kVolume || count > kVolume - offset || count > image::kMaximumRead)
      return fail(ErrorCode::kMalformed, "");
    Bytes bytes(count);
    for (std::size_t i = 0; i < count; ++i) bytes[i] = data[(offset + i) % size];
    return bytes;
  };
  const auto files = image::read_fat_files(read, kVolume);
  if (!files) return 0;
  // No cluster counts twice, so all files together are smaller than the volume.
  std::size_t content = 0;
  for (const auto& [path, bytes] : *files) {
    if (path.size() < 2 || path[0] != '/') __builtin_trap();
    content += bytes.size();
  }
  if (content > kVolume) __builtin_trap();
  return 0;
}
