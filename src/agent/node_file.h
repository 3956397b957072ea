#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace slipway::agent {

// files::replace_file, which makes missing parent folders (0755) as well.
Status write_node_file(const std::filesystem::path& path, std::string_view content, mode_t mode);

}  // namespace slipway::agent
