#include "image/disk_reader.h"

#include <fmt/format.h>

namespace slipway::image {
namespace {

Status check_inside(std::uint64_t offset, std::size_t size, std::uint64_t limit) {
  if (offset <= limit && size <= limit - offset) return {};
  return fail(
      ErrorCode::kMalformed,
      fmt::format("at offset {}: {} bytes were expected, but the disk or partition ends at {}", offset, size, limit));
}

}  // namespace

DiskReader part_of(DiskReader whole, std::uint64_t start, std::uint64_t size) {
  return [whole = std::move(whole), start, limit = size](std::uint64_t offset, std::size_t count) -> Result<Bytes> {
    SLIPWAY_TRY(check_inside(offset, count, limit));
    return whole(start + offset, count);
  };
}

DiskReader reader_of(ByteView bytes) {
  return [bytes](std::uint64_t offset, std::size_t count) -> Result<Bytes> {
    SLIPWAY_TRY(check_inside(offset, count, bytes.size()));
    return to_bytes(bytes.subspan(static_cast<std::size_t>(offset), count));
  };
}

}  // namespace slipway::image
