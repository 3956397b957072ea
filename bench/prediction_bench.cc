#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "bench/goals.h"
#include "bootchain/ovmf_firmware.h"
#include "bootchain/variable_store.h"
#include "image/disk_image.h"
#include "image/predict.h"

// What `slipway predict IMAGE` does with a raw image, from its file to the list of events: by the clock, for most of it
// is waiting for the disk, and with none of the image in memory beforehand.
namespace slipway::bench {
namespace {

constexpr const char* kImageVariable = "SLIPWAY_BENCH_IMAGE";
constexpr const char* kFirmware = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
constexpr const char* kVariables = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";
constexpr double kLimit = 3;
constexpr int kRepetitions = 5;

Result<Bytes> read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, fmt::format("{} cannot be read", path));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return to_bytes(text);
}

class ImageFile {
 public:
  explicit ImageFile(const char* path) : descriptor_(::open(path, O_RDONLY | O_CLOEXEC)) {}
  ~ImageFile() { ::close(descriptor_); }
  ImageFile(const ImageFile&) = delete;
  ImageFile& operator=(const ImageFile&) = delete;

  std::uint64_t size() const {
    return static_cast<std::uint64_t>(std::max<off_t>(0, ::lseek(descriptor_, 0, SEEK_END)));
  }
  void forget() const { ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED); }
  Result<Bytes> read(std::uint64_t offset, std::size_t size) const {
    Bytes bytes(size);
    if (::pread(descriptor_, bytes.data(), size, static_cast<off_t>(offset)) != static_cast<ssize_t>(size))
      return fail(ErrorCode::kUnavailable, fmt::format("{} bytes at offset {} cannot be read", size, offset));
    return bytes;
  }

 private:
  int descriptor_;
};

Result<std::size_t> predicted_events(const ImageFile& file) {
  SLIPWAY_ASSIGN(const Bytes code, read_file(kFirmware));
  SLIPWAY_ASSIGN(const bootchain::OvmfFirmware firmware, bootchain::read_ovmf_firmware(code));
  SLIPWAY_ASSIGN(const Bytes store, read_file(kVariables));
  SLIPWAY_ASSIGN(const auto variables, bootchain::read_variable_store(store));
  const auto read = [&file](std::uint64_t offset, std::size_t size) { return file.read(offset, size); };
  SLIPWAY_ASSIGN(const image::DiskImage disk, image::read_disk_image(read, file.size()));
  image::ImageName name;
  name.version = "benchmark";
  SLIPWAY_ASSIGN(const image::Manifest manifest, image::manifest_of(disk, name));
  SLIPWAY_ASSIGN(const image::Prediction prediction,
                 image::predict(manifest, {firmware.code_sha256, firmware.dxe_volume_sha256, {}}, variables));
  return prediction.events.size();
}

}  // namespace

std::vector<Goal> prediction_goals() {
  Goal goal{"prediction of an image, not in memory before", "", "3 s", false};
  const char* path = std::getenv(kImageVariable);
  if (path == nullptr || *path == '\0') {
    goal.measured = fmt::format("{} names no raw image", kImageVariable);
    goal.skipped = true;
    return {goal};
  }
  const ImageFile file(path);
  goal.what = fmt::format("prediction of an image of {:.1f} GiB, not in memory before",
                          static_cast<double>(file.size()) / (1U << 30));
  double slowest = 0;
  std::size_t events = 0;
  for (int i = 0; i < kRepetitions; ++i) {
    file.forget();
    const auto start = std::chrono::steady_clock::now();
    const auto predicted = predicted_events(file);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (!predicted) {
      goal.measured = predicted.error().message;
      return {goal};
    }
    events = *predicted;
    slowest = std::max(slowest, taken.count());
  }
  goal.measured = fmt::format("{:.2f} s, the slowest of {} ({} events)", slowest, kRepetitions, events);
  goal.reached = slowest <= kLimit;
  return {goal};
}

}  // namespace slipway::bench
