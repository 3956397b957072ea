#include "control/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace slipway::control {
namespace {

class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(file) == 0;
}

}  // namespace

Status write_private_file(const std::filesystem::path& path, std::string_view text) {
  const std::string draft = path.string() + ".new";
  bool good = false;
  int why = 0;
  {
    const OpenFile file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) {
      return fail(ErrorCode::kInternal, fmt::format("{} cannot be made: {}.", draft, std::strerror(errno)));
    }
    good = write_all(file.get(), text);
    why = errno;
  }
  if (good && ::rename(draft.c_str(), path.c_str()) == 0) return {};
  if (good) why = errno;
  ::unlink(draft.c_str());
  return fail(ErrorCode::kInternal, fmt::format("{} cannot be written: {}.", path.string(), std::strerror(why)));
}

Result<std::string> read_private_file(const std::filesystem::path& path, std::size_t limit) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) {
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kInternal,
                fmt::format("{} cannot be read: {}.", path.string(), std::strerror(errno)));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != ::geteuid() ||
      (status.st_mode & 077) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{} is not a file of this user alone; it must have the mode 0600.", path.string()));
  }
  std::string text;
  char piece[1U << 16];
  while (true) {
    const ssize_t got = ::read(file.get(), piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return fail(ErrorCode::kInternal, fmt::format("{} cannot be read: {}.", path.string(), std::strerror(errno)));
    }
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
    if (text.size() > limit) {
      return fail(ErrorCode::kMalformed, fmt::format("{} has more than {} bytes.", path.string(), limit));
    }
  }
}

}  // namespace slipway::control
