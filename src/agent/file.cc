#include "agent/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace slipway::agent {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

tl::unexpected<Error> system_failure(std::string_view action, const std::filesystem::path& path) {
  const int error = errno;
  return fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kInternal,
              fmt::format("{} {} failed: {}.", action, path.string(), std::strerror(error)));
}

Status write_all(int descriptor, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_failure("Writing", path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t maximum_size) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_failure("Opening", path);
  Bytes content;
  while (true) {
    constexpr std::size_t kPiece = 64U << 10;
    const std::size_t before = content.size();
    content.resize(before + kPiece);
    const ssize_t count = ::read(file.get(), content.data() + before, kPiece);
    if (count < 0 && errno != EINTR) return system_failure("Reading", path);
    content.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return content;
    if (content.size() > maximum_size) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("{} is larger than {} bytes.", path.string(), maximum_size));
    }
  }
}

Status write_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) {
    return fail(ErrorCode::kInternal,
                fmt::format("Making the folder {} failed: {}.", path.parent_path().string(), error.message()));
  }
  const std::filesystem::path temporary = path.string() + ".new";
  // What an interrupted run left may have another mode.
  ::unlink(temporary.c_str());
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (file.get() < 0) return system_failure("Making", temporary);
    if (::fchmod(file.get(), mode) != 0) return system_failure("Setting the mode of", temporary);
    SLIPWAY_TRY(write_all(file.get(), content, temporary));
    if (::fsync(file.get()) != 0) return system_failure("Writing", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_failure("Replacing", path);
  const Descriptor folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return system_failure("Writing", path.parent_path());
  return {};
}

}  // namespace slipway::agent
