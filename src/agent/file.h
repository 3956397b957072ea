#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "base/bytes.h"

namespace slipway::agent {

// Reads a whole file, one of the kernel's without a size too. kNotFound where there is none; kResourceExhausted above
// `maximum_size`.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t maximum_size);

// Replaces the file at once: a reader sees the old bytes or the new ones, and after a power cut one of the two is
// there. Makes missing parent folders (0755). The temporary file has `mode` from its first byte on.
Status write_file(const std::filesystem::path& path, std::string_view content, mode_t mode);

}  // namespace slipway::agent
