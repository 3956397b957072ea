#pragma once

#include <cstdint>
#include <functional>

#include "base/bytes.h"

namespace slipway::image {

// Gives `size` bytes of a disk or volume at an offset, or says why not. Never fewer: what lies beyond the end is an
// error. The reader asks for at most 1 MiB at a time.
using DiskReader = std::function<Result<Bytes>(std::uint64_t offset, std::size_t size)>;

inline constexpr std::size_t kMaximumRead = 1U << 20;

// The same for a part of it that begins at `start` and has `size` bytes; what lies beyond is kMalformed.
DiskReader part_of(DiskReader whole, std::uint64_t start, std::uint64_t size);

// A disk that lies in memory. Borrows the bytes.
DiskReader reader_of(ByteView bytes);

}  // namespace slipway::image
