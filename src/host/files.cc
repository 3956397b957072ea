#include "host/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace slipway::host {
namespace {

// One writer at a time: callers hold the lock of what the file belongs to.
std::string temporary_name(const std::filesystem::path& path) { return path.native() + ".new"; }

Error path_error(std::string_view what, const std::filesystem::path& path) {
  const ErrorCode code = errno == ENOSPC || errno == EDQUOT  ? ErrorCode::kResourceExhausted
                         : errno == ENOENT                   ? ErrorCode::kNotFound
                         : errno == EACCES || errno == EPERM ? ErrorCode::kPermissionDenied
                                                             : ErrorCode::kInternal;
  return Error{code, fmt::format("{} {}: {}", path.native(), what, std::strerror(errno)), {}, {}};
}

// fsync of the folder makes a rename in it last.
Status publish(const std::filesystem::path& temporary, const std::filesystem::path& path) {
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(path_error("cannot be replaced", path));
  const Descriptor folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) ::fsync(folder.get());
  return {};
}

Result<Bytes> read_descriptor(int descriptor, std::size_t size, const std::filesystem::path& path) {
  Bytes bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(descriptor, bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(path_error("cannot be read", path));
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

Descriptor::~Descriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string system_error(std::string_view what) { return fmt::format("{}: {}", what, std::strerror(errno)); }

Status write_all(int descriptor, ByteView bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return fail(errno == ENOSPC ? ErrorCode::kResourceExhausted : ErrorCode::kInternal,
                  system_error(fmt::format("{} cannot be written", what)));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Status ensure_folder(const std::filesystem::path& folder, mode_t mode) {
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) return fail(path_error("cannot be made", folder));
  if (::chmod(folder.c_str(), mode) != 0) return fail(path_error("cannot get its mode", folder));
  return {};
}

Status write_file(const std::filesystem::path& path, ByteView bytes, mode_t mode) {
  const std::filesystem::path temporary = temporary_name(path);
  ::unlink(temporary.c_str());
  const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file) return fail(path_error("cannot be made", temporary));
  ::fchmod(file.get(), mode);
  SLIPWAY_TRY(write_all(file.get(), bytes, temporary.native()));
  if (::fsync(file.get()) != 0) return fail(path_error("cannot be written to disk", temporary));
  return publish(temporary, path);
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t maximum) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail(path_error("cannot be read", path));
  struct stat status {};
  // A file of /proc says that it has no bytes.
  const bool sized = ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
  const std::size_t expected = sized ? std::min(static_cast<std::size_t>(status.st_size), maximum) : maximum;
  SLIPWAY_ASSIGN(Bytes bytes, read_descriptor(file.get(), expected + 1, path));
  if (bytes.size() > expected && expected < maximum) {  // it grew meanwhile
    ::lseek(file.get(), 0, SEEK_SET);
    SLIPWAY_ASSIGN(bytes, read_descriptor(file.get(), maximum + 1, path));
  }
  if (bytes.size() > maximum) {
    return fail(ErrorCode::kResourceExhausted, fmt::format("{} is larger than {} bytes", path.native(), maximum));
  }
  return bytes;
}

Result<Bytes> read_file_start(const std::filesystem::path& path, std::size_t maximum) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail(path_error("cannot be read", path));
  return read_descriptor(file.get(), maximum, path);
}

Result<Bytes> read_file_end(const std::filesystem::path& path, std::size_t maximum) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return Bytes{};
  if (!file) return fail(path_error("cannot be read", path));
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  const auto wanted = static_cast<off_t>(maximum);
  ::lseek(file.get(), size > wanted ? size - wanted : 0, SEEK_SET);
  return read_descriptor(file.get(), maximum, path);
}

Status copy_file(const std::filesystem::path& from, const std::filesystem::path& to, uid_t owner, gid_t group,
                 mode_t mode) {
  const std::filesystem::path temporary = temporary_name(to);
  ::unlink(temporary.c_str());
  const Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return fail(path_error("cannot be read", from));
  const Descriptor copy(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!copy) return fail(path_error("cannot be made", temporary));
  while (true) {
    const ssize_t count = ::sendfile(copy.get(), source.get(), nullptr, 1U << 30);
    if (count == 0) break;
    if (count > 0) continue;
    const int cause = errno;
    ::unlink(temporary.c_str());
    errno = cause;
    return fail(path_error("cannot be copied", from));
  }
  if (::fchown(copy.get(), owner, group) != 0 || ::fchmod(copy.get(), mode) != 0 || ::fsync(copy.get()) != 0) {
    return fail(path_error("cannot get its owner", temporary));
  }
  return publish(temporary, to);
}

Status remove_path(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return fail(ErrorCode::kInternal, fmt::format("{} cannot be removed: {}", path.native(), error.message()));
  return {};
}

Result<Descriptor> lock_file(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail(path_error("cannot be made", path));
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(path_error("cannot be locked", path));
  }
  return file;
}

}  // namespace slipway::host
