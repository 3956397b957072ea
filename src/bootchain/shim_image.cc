#include "bootchain/shim_image.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "bootchain/efi_variable.h"

namespace slipway::bootchain {
namespace {

constexpr std::uint8_t kDerSequence = 0x30;
constexpr std::size_t kLevelBase = 4;  // offsets of levels count from behind the version field

// A section's bytes and where they stand in the file.
struct Located {
  ByteView bytes;
  std::size_t offset = 0;
};

std::optional<Located> locate(const UnverifiedPeImage& image, std::string_view name) {
  for (const PeSection& section : image.sections)
    if (section.name == name && section.size != 0)
      return Located{image.file.subspan(section.offset, section.size), section.offset};
  return std::nullopt;
}

Result<ByteView> range(const Located& section, std::size_t offset, std::size_t size, std::string_view what) {
  if (offset > section.bytes.size())
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected the {} inside its section, but its offset "
                                                   "there is {}",
                                                   section.offset, what, offset));
  ByteReader reader(section.bytes.subspan(offset), section.offset + offset);
  return reader.take(size, what);
}

Result<ByteView> level_text(const Located& section, std::size_t offset) {
  SLIPWAY_ASSIGN(const ByteView rest,
                 range(section, kLevelBase + offset,
                       section.bytes.size() - std::min(section.bytes.size(), kLevelBase + offset), "SBAT level"));
  const std::size_t end = as_text(rest).find('\0');
  if (end == std::string_view::npos)
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected the NUL that ends an SBAT level",
                                                   section.offset + section.bytes.size()));
  return rest.first(end);
}

Status read_vendor_certificate(const Located& section, UnverifiedShimImage& shim) {
  ByteReader reader(section.bytes, section.offset);
  SLIPWAY_ASSIGN(const std::size_t authorized_size, reader.u32_le("size of the vendor's certificate"));
  SLIPWAY_ASSIGN(const std::size_t revoked_size, reader.u32_le("size of the vendor's revocations"));
  SLIPWAY_ASSIGN(const std::size_t authorized_offset, reader.u32_le("offset of the vendor's certificate"));
  SLIPWAY_ASSIGN(const std::size_t revoked_offset, reader.u32_le("offset of the vendor's revocations"));
  SLIPWAY_ASSIGN(shim.vendor_authorized, range(section, authorized_offset, authorized_size, "vendor's certificate"));
  SLIPWAY_ASSIGN(shim.vendor_revoked, range(section, revoked_offset, revoked_size, "vendor's revocations"));
  shim.authorized_is_certificate = !shim.vendor_authorized.empty() && shim.vendor_authorized[0] == kDerSequence;
  if (shim.authorized_is_certificate) {
    SLIPWAY_ASSIGN(const EfiGuid type, guid_from_text(kX509Signature));
    SLIPWAY_ASSIGN(const EfiGuid owner, guid_from_text(kShimVariables));
    shim.authorized.push_back({type, owner, to_bytes(shim.vendor_authorized)});
  } else {
    SLIPWAY_ASSIGN(shim.authorized, read_signature_lists(shim.vendor_authorized, section.offset + authorized_offset));
  }
  SLIPWAY_ASSIGN(shim.revoked, read_signature_lists(shim.vendor_revoked, section.offset + revoked_offset));
  return {};
}

Status read_levels(const Located& section, UnverifiedShimImage& shim) {
  ByteReader reader(section.bytes, section.offset);
  SLIPWAY_TRY(reader.u32_le("version of .sbatlevel"));
  SLIPWAY_ASSIGN(const std::size_t automatic, reader.u32_le("offset of the automatic SBAT level"));
  SLIPWAY_ASSIGN(const std::size_t latest, reader.u32_le("offset of the latest SBAT level"));
  SLIPWAY_ASSIGN(shim.automatic_level_text, level_text(section, automatic));
  SLIPWAY_ASSIGN(shim.latest_level_text, level_text(section, latest));
  SLIPWAY_ASSIGN(shim.automatic_level, read_sbat_level(shim.automatic_level_text));
  SLIPWAY_ASSIGN(shim.latest_level, read_sbat_level(shim.latest_level_text));
  return {};
}

}  // namespace

Result<UnverifiedShimImage> read_shim_image(const UnverifiedPeImage& image) {
  UnverifiedShimImage shim;
  const auto certificate = locate(image, ".vendor_cert");
  if (!certificate)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected a section .vendor_cert, which every shim has", image.headers_size));
  SLIPWAY_TRY(read_vendor_certificate(*certificate, shim));
  if (const auto levels = locate(image, ".sbatlevel")) SLIPWAY_TRY(read_levels(*levels, shim));
  return shim;
}

}  // namespace slipway::bootchain
