#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::api {

// Writes a new file whole or not at all, on the disk when it returns. kConflict if the name is taken: nothing is ever
// overwritten.
Status create_file(const std::string& path, std::string_view content, unsigned mode);

// A file of at most 64 KiB that belongs to this user and nobody else may read. kNotFound if there is none,
// kPermissionDenied if others may read it.
Result<std::string> read_private_file(const std::string& path);

}  // namespace slipway::api
