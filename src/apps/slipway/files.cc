#include "apps/slipway/files.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "files/file.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxFile = std::size_t{4} << 20;

}  // namespace

Result<std::string> read_file(const std::string& path) {
  SLIPWAY_ASSIGN(const Bytes content, files::read_file(path, kMaxFile));
  return std::string(as_text(content));
}

Status write_private_file(const std::string& path, std::string_view content) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::exists(folder, error)) {
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorCode::kInternal, fmt::format("cannot make {}: {}", folder.string(), error.message()));
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  return files::replace_file(path, as_bytes(content), 0600);
}

Result<std::string> home_folder() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return std::string(home);
  if (const passwd* entry = ::getpwuid(::getuid()); entry != nullptr && entry->pw_dir != nullptr)
    return std::string(entry->pw_dir);
  return fail(ErrorCode::kPreconditionFailed, "no home folder is known; set HOME");
}

}  // namespace slipway::cli
