#include "api/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace slipway::api {
namespace {

constexpr std::size_t kMaximumFile = 64U << 10;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

tl::unexpected<Error> system_error(std::string_view what, const std::string& path) {
  const int cause = errno;
  const ErrorCode code = cause == ENOSPC || cause == EDQUOT ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable;
  return fail(code, fmt::format("{} cannot be {}: {}", path, what, std::strerror(cause)));
}

Status write_all(int file, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("written", path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file) != 0) return system_error("written to the disk", path);
  return {};
}

}  // namespace

Status create_file(const std::string& path, std::string_view content, unsigned mode) {
  // Written under a name of its own, then linked: the link fails where the name is taken, and a file under the right
  // name is always whole.
  std::string draft = path + ".XXXXXX";
  const Descriptor file(::mkostemp(draft.data(), O_CLOEXEC));
  if (file.get() < 0) return system_error("made", path);
  Status status = write_all(file.get(), content, path);
  if (status && ::fchmod(file.get(), mode) != 0) status = system_error("given its mode", path);
  if (status && ::link(draft.c_str(), path.c_str()) != 0) {
    status = errno == EEXIST ? Status(fail(ErrorCode::kConflict, fmt::format("{} exists already", path)))
                             : Status(system_error("made", path));
  }
  ::unlink(draft.c_str());
  if (!status) return status;
  const Descriptor folder(
      ::open(path.substr(0, path.find_last_of('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return system_error("written to the disk", path);
  return {};
}

Result<std::string> read_private_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0 && errno == ENOENT) return fail(ErrorCode::kNotFound, fmt::format("there is no {}", path));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return system_error("opened", path);
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format("{} must be a file of this user's own with mode 0600: others could read or replace it", path));
  }
  std::string content(kMaximumFile + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t count = ::read(file.get(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", path);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMaximumFile) return fail(ErrorCode::kMalformed, fmt::format("{} is larger than 64 KiB", path));
  content.resize(size);
  return content;
}

}  // namespace slipway::api
