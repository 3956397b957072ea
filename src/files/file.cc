#include "files/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

namespace slipway::files {
namespace {

tl::unexpected<Error> path_error(const std::filesystem::path& path, std::string_view what) {
  const int cause = errno;
  const std::string text = fmt::format("{} {}", path.native(), what);
  errno = cause;
  return fail(system_error(text));
}

// A file beside the one that it is to become; removed unless it became it.
class Draft {
 public:
  explicit Draft(const std::filesystem::path& path)
      : path_(path), name_(path.native() + ".XXXXXX"), file_(::mkostemp(name_.data(), O_CLOEXEC)) {}
  ~Draft() {
    if (file_) ::unlink(name_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  Status write(ByteView bytes, mode_t mode) {
    if (!file_) return path_error(path_, "cannot be made");
    if (::fchmod(file_.get(), mode) != 0) return path_error(path_, "cannot get its mode");
    SLIPWAY_TRY(write_all(file_.get(), bytes, path_.native()));
    if (::fsync(file_.get()) != 0) return path_error(path_, "cannot be written to the disk");
    return {};
  }
  const char* name() const { return name_.c_str(); }

 private:
  const std::filesystem::path& path_;
  std::string name_;
  Descriptor file_;
};

// A rename or a link lasts once its folder is on the disk. Some file systems have no such call for folders.
Status sync_folder_of(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || (::fsync(folder.get()) != 0 && errno != EINVAL))
    return path_error(parent, "cannot be written to the disk");
  return {};
}

// At most one byte more than `maximum`.
Result<Bytes> read_descriptor(int descriptor, std::size_t maximum, const std::filesystem::path& path) {
  constexpr std::size_t kPiece = 64U << 10;
  Bytes bytes;
  while (bytes.size() <= maximum) {
    const std::size_t before = bytes.size();
    bytes.resize(before + std::min(kPiece, maximum + 1 - before));
    const ssize_t count = ::read(descriptor, bytes.data() + before, bytes.size() - before);
    if (count < 0 && errno != EINTR) return path_error(path, "cannot be read");
    bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) break;
  }
  return bytes;
}

}  // namespace

Status replace_file(const std::filesystem::path& path, ByteView bytes, mode_t mode) {
  Draft draft(path);
  SLIPWAY_TRY(draft.write(bytes, mode));
  if (::rename(draft.name(), path.c_str()) != 0) return path_error(path, "cannot be replaced");
  return sync_folder_of(path);
}

Status create_file(const std::filesystem::path& path, ByteView bytes, mode_t mode) {
  Draft draft(path);
  SLIPWAY_TRY(draft.write(bytes, mode));
  // Unlike a rename, a link fails where the name is taken.
  if (::link(draft.name(), path.c_str()) != 0) {
    if (errno == EEXIST) return fail(ErrorCode::kConflict, fmt::format("{} exists already", path.native()));
    return path_error(path, "cannot be made");
  }
  return sync_folder_of(path);
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t maximum) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return path_error(path, "cannot be read");
  SLIPWAY_ASSIGN(Bytes bytes, read_descriptor(file.get(), maximum, path));
  if (bytes.size() > maximum) {
    return fail(ErrorCode::kResourceExhausted, fmt::format("{} is larger than {} bytes", path.native(), maximum));
  }
  return bytes;
}

Result<Bytes> read_file_start(const std::filesystem::path& path, std::size_t maximum) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return path_error(path, "cannot be read");
  SLIPWAY_ASSIGN(Bytes bytes, read_descriptor(file.get(), maximum, path));
  bytes.resize(std::min(bytes.size(), maximum));
  return bytes;
}

Result<Bytes> read_file_end(const std::filesystem::path& path, std::size_t maximum) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return Bytes{};
  if (!file) return path_error(path, "cannot be read");
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  const auto wanted = static_cast<off_t>(maximum);
  ::lseek(file.get(), size > wanted ? size - wanted : 0, SEEK_SET);
  SLIPWAY_ASSIGN(Bytes bytes, read_descriptor(file.get(), maximum, path));
  // It may have grown meanwhile.
  bytes.resize(std::min(bytes.size(), maximum));
  return bytes;
}

Result<std::string> read_private_file(const std::filesystem::path& path, std::size_t maximum) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return path_error(path, "cannot be read");
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{} must be a file of this user's own with mode 0600: others could read or replace it",
                            path.native()));
  }
  SLIPWAY_ASSIGN(const Bytes bytes, read_descriptor(file.get(), maximum, path));
  if (bytes.size() > maximum) {
    return fail(ErrorCode::kMalformed, fmt::format("{} is larger than {} bytes", path.native(), maximum));
  }
  return std::string(as_text(bytes));
}

Status copy_file(const std::filesystem::path& from, const std::filesystem::path& to, uid_t owner, gid_t group,
                 mode_t mode) {
  // A copy is large: what an interrupted one left has a name that the next one finds.
  const std::filesystem::path temporary = to.native() + ".new";
  ::unlink(temporary.c_str());
  const Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return path_error(from, "cannot be read");
  const Descriptor copy(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!copy) return path_error(temporary, "cannot be made");
  while (true) {
    const ssize_t count = ::sendfile(copy.get(), source.get(), nullptr, 1U << 30);
    if (count == 0) break;
    if (count > 0) continue;
    Status failed = path_error(from, "cannot be copied");
    ::unlink(temporary.c_str());
    return failed;
  }
  if (::fchown(copy.get(), owner, group) != 0 || ::fchmod(copy.get(), mode) != 0 || ::fsync(copy.get()) != 0) {
    return path_error(temporary, "cannot get its owner");
  }
  if (::rename(temporary.c_str(), to.c_str()) != 0) return path_error(to, "cannot be replaced");
  return sync_folder_of(to);
}

Status ensure_folder(const std::filesystem::path& folder, mode_t mode) {
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) return path_error(folder, "cannot be made");
  if (::chmod(folder.c_str(), mode) != 0) return path_error(folder, "cannot get its mode");
  return {};
}

Status remove_path(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return fail(ErrorCode::kInternal, fmt::format("{} cannot be removed: {}", path.native(), error.message()));
  return {};
}

Result<Descriptor> lock_file(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return path_error(path, "cannot be made");
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return path_error(path, "cannot be locked");
  }
  return file;
}

}  // namespace slipway::files
