#include "agent/node_file.h"

#include <fmt/core.h>

#include <system_error>

#include "files/file.h"

namespace slipway::agent {

Status write_node_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) {
    return fail(ErrorCode::kInternal,
                fmt::format("The folder {} cannot be made: {}.", path.parent_path().string(), error.message()));
  }
  return files::replace_file(path, as_bytes(content), mode);
}

}  // namespace slipway::agent
