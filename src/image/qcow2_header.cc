#include "image/qcow2_header.h"

#include <fmt/format.h>

#include "base/byte_reader.h"

namespace slipway::image {
namespace {

constexpr std::string_view kMagic("QFI\xfb");
// Of incompatible_features: the guest's data lie in an external data file.
constexpr std::uint64_t kExternalDataFile = 1U << 2;

}  // namespace

Result<UnverifiedQcow2Header> read_qcow2_header(ByteView start) {
  ByteReader reader(start);
  SLIPWAY_ASSIGN(const ByteView magic, reader.take(kMagic.size(), "magic number of a qcow2 image"));
  if (as_text(magic) != kMagic) return fail(ErrorCode::kMalformed, "at offset 0: a qcow2 image was expected");
  SLIPWAY_ASSIGN(const std::uint32_t version, reader.u32_be("version of a qcow2 image"));
  if (version != 2 && version != 3)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset 4: version 2 or 3 of a qcow2 image was expected, not {}", version));
  UnverifiedQcow2Header header;
  SLIPWAY_ASSIGN(const std::uint64_t backing_offset, reader.u64_be("offset of the backing file's name"));
  SLIPWAY_ASSIGN(const std::uint32_t backing_size, reader.u32_be("length of the backing file's name"));
  header.names_backing_file = backing_offset != 0 || backing_size != 0;
  SLIPWAY_TRY(reader.u32_be("cluster size"));
  SLIPWAY_ASSIGN(header.virtual_size, reader.u64_be("size of the disk"));
  // Encryption, L1 table, reference counts, snapshots: 72 bytes are behind us, as many as version 2 has.
  SLIPWAY_TRY(reader.take(40, "tables of a qcow2 image"));
  if (version == 2) return header;
  SLIPWAY_ASSIGN(const std::uint64_t incompatible, reader.u64_be("incompatible features"));
  header.names_data_file = (incompatible & kExternalDataFile) != 0;
  SLIPWAY_TRY(reader.take(24, "features and length of the header"));
  return header;
}

}  // namespace slipway::image
