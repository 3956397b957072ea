#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::control {

// The whole file or nothing under that name, mode 0600, on the disk when it returns; what was there is replaced.
Status write_private_file(const std::filesystem::path& path, std::string_view text);

// A file of this user that nobody else may read, of at most `limit` bytes. kNotFound if there is none;
// kPermissionDenied if others may read it.
Result<std::string> read_private_file(const std::filesystem::path& path, std::size_t limit);

}  // namespace slipway::control
