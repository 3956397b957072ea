#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::cli {

// The whole file, of at most 4 MiB. kNotFound if there is none.
Result<std::string> read_file(const std::string& path);

// Replaces the file in one step with one of mode 0600; makes missing folders above it with mode 0700.
Status write_private_file(const std::string& path, std::string_view content);

// $HOME, or the password database's word for it.
Result<std::string> home_folder();

}  // namespace slipway::cli
