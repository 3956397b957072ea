#include "apps/slipway/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxFile = std::size_t{4} << 20;

tl::unexpected<Error> failed(std::string_view doing, const std::string& path) {
  return fail(ErrorCode::kInternal, fmt::format("cannot {} {}: {}", doing, path, std::strerror(errno)));
}

// The file under its final name is whole or absent, whatever interrupts the writing.
Status write_all(int file, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("write", path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file) != 0) return failed("write", path);
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return fail(ErrorCode::kNotFound, path + " does not exist");
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kPermissionDenied, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  std::string content(kMaxFile + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > kMaxFile) return fail(ErrorCode::kResourceExhausted, path + " is larger than 4 MiB");
  return content;
}

Status write_private_file(const std::string& path, std::string_view content) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::exists(folder, error)) {
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorCode::kInternal, fmt::format("cannot make {}: {}", folder.string(), error.message()));
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  std::string part = path + ".XXXXXX";
  // mkostemp makes it with mode 0600.
  const int file = ::mkostemp(part.data(), O_CLOEXEC);
  if (file < 0) return failed("make a file beside", path);
  Status status = write_all(file, content, part);
  ::close(file);
  if (status && ::rename(part.c_str(), path.c_str()) != 0) status = failed("replace", path);
  if (!status) ::unlink(part.c_str());
  return status;
}

Result<std::string> home_folder() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return std::string(home);
  if (const passwd* entry = ::getpwuid(::getuid()); entry != nullptr && entry->pw_dir != nullptr)
    return std::string(entry->pw_dir);
  return fail(ErrorCode::kPreconditionFailed, "no home folder is known; set HOME");
}

}  // namespace slipway::cli
