#include "bootchain/ovmf_firmware.h"

#include <fmt/format.h>

#include <optional>

#include "base/byte_reader.h"
#include "bootchain/efi_guid.h"
#include "bootchain/lzma.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

constexpr std::string_view kFirmwareFileSystem = "8c8ce578-8a3d-4f1c-9935-896185c32dd3";
constexpr std::string_view kLzmaSection = "ee4e5898-3914-4259-9d6e-dc7bd79403cf";
constexpr std::uint32_t kVolumeSignature = 0x4856465f;  // "_FVH"
constexpr std::size_t kFileHeaderSize = 24;
constexpr std::uint8_t kVolumeFile = 0x0b, kPadFile = 0xf0, kLargeFile = 0x01;
constexpr std::uint8_t kGuidedSection = 0x02, kVolumeSection = 0x17, kRawSection = 0x19;
constexpr std::uint32_t kExtendedSize = 0xffffff;
constexpr std::size_t kMaximumFiles = 4096, kMaximumSections = 64;

tl::unexpected<Error> malformed(std::size_t offset, std::string_view what) {
  return fail(ErrorCode::kMalformed, fmt::format("at offset {}: {}", offset, what));
}

// A firmware volume at the beginning of bytes: how long it says that it is, and where its first file is.
struct Volume {
  std::size_t size = 0;
  std::size_t files_at = 0;
};

Result<Volume> read_volume(ByteView bytes, std::size_t offset) {
  ByteReader reader(bytes, offset);
  SLIPWAY_TRY(reader.take(16, "zero vector of a firmware volume"));
  SLIPWAY_ASSIGN(const EfiGuid file_system, read_guid(reader, "file system GUID of a firmware volume"));
  if (to_string(file_system) != kFirmwareFileSystem)
    return malformed(offset + 16,
                     fmt::format("a firmware volume of files (FFS2) was expected, not one of file system {}",
                                 to_string(file_system)));
  SLIPWAY_ASSIGN(const std::uint64_t size, reader.u64_le("length of a firmware volume"));
  SLIPWAY_ASSIGN(const std::uint32_t signature, reader.u32_le("signature of a firmware volume"));
  if (signature != kVolumeSignature) return malformed(offset + 40, "the signature _FVH was expected");
  SLIPWAY_TRY(reader.take(4, "attributes of a firmware volume"));
  SLIPWAY_ASSIGN(const std::uint16_t header_size, reader.u16_le("header length of a firmware volume"));
  SLIPWAY_TRY(reader.take(2, "checksum of a firmware volume"));
  SLIPWAY_ASSIGN(const std::uint16_t extension, reader.u16_le("extended header offset of a firmware volume"));
  if (size > bytes.size() || header_size % 2 != 0 || header_size < 56 || header_size > size)
    return malformed(offset + 32, fmt::format("a firmware volume of {} bytes with a header of {} does not fit into {} "
                                              "bytes",
                                              size, header_size, bytes.size()));
  ByteReader words(bytes.first(header_size), offset);
  std::uint16_t sum = 0;
  while (!words.empty()) {
    SLIPWAY_ASSIGN(const std::uint16_t word, words.u16_le("header of a firmware volume"));
    sum = static_cast<std::uint16_t>(sum + word);
  }
  if (sum != 0) return malformed(offset + 50, "the checksum of the firmware volume's header does not hold");
  Volume volume{static_cast<std::size_t>(size), header_size};
  if (extension != 0) {
    if (extension < header_size || extension > volume.size)
      return malformed(offset + 52, "the volume's extended header lies outside of it");
    ByteReader extended(bytes.first(volume.size).subspan(extension), offset + extension);
    SLIPWAY_TRY(extended.take(16, "name of a firmware volume"));
    SLIPWAY_ASSIGN(const std::uint32_t extended_size, extended.u32_le("size of an extended header"));
    if (extended_size > volume.size - extension)
      return malformed(offset + extension + 16, "the volume's extended header is longer than the volume");
    volume.files_at = std::size_t{extension} + extended_size;
  }
  return volume;
}

struct File {
  std::size_t at = 0;  // of its content, in the volume
  ByteView content;
};

// The header's bytes, without its state and the checksum of the content, add up to zero.
bool header_sum_holds(ByteView header) {
  std::uint8_t sum = 0;
  for (std::size_t i = 0; i < kFileHeaderSize; ++i)
    if (i != 17 && i != 23) sum = static_cast<std::uint8_t>(sum + header[i]);
  return sum == 0;
}

// The only file of the volume that holds volumes.
Result<File> find_volume_file(ByteView volume, std::size_t files_at) {
  std::optional<File> found;
  std::size_t at = files_at;
  for (std::size_t count = 0; count < kMaximumFiles; ++count) {
    at = (at + 7) & ~std::size_t{7};
    if (at + kFileHeaderSize > volume.size()) break;
    const ByteView header = volume.subspan(at, kFileHeaderSize);
    bool erased = true;
    for (const std::uint8_t byte : header) erased = erased && byte == 0xff;
    if (erased) break;
    const std::uint8_t type = header[18];
    const std::size_t size = header[20] | std::size_t{header[21]} << 8 | std::size_t{header[22]} << 16;
    if ((header[19] & kLargeFile) != 0) return malformed(at + 19, "a file of more than 16 MiB is not understood");
    if (!header_sum_holds(header)) return malformed(at + 16, "the checksum of a firmware file's header does not hold");
    if (size < kFileHeaderSize || size > volume.size() - at)
      return malformed(at + 20, fmt::format("a firmware file of {} bytes does not fit into its volume", size));
    if (type == kVolumeFile) {
      if (found) return malformed(at, "a second file of firmware volumes was not expected");
      found = File{at + kFileHeaderSize, volume.subspan(at + kFileHeaderSize, size - kFileHeaderSize)};
    } else if (type != kPadFile) {
      return malformed(at + 18, fmt::format("a firmware file of type {:#04x} was not expected", type));
    }
    at += size;
  }
  if (!found) return malformed(files_at, "a firmware file that holds volumes (type 0x0b) was expected");
  return *found;
}

struct Section {
  std::uint8_t type = 0;
  std::size_t at = 0;       // where it begins
  std::size_t data_at = 0;  // of its content
  ByteView bytes;           // header and content
  ByteView content;
};

Result<std::vector<Section>> read_sections(ByteView bytes, std::size_t offset) {
  std::vector<Section> sections;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (sections.size() == kMaximumSections) return malformed(offset + at, "no more than 64 sections were expected");
    ByteReader reader(bytes.subspan(at), offset + at);
    SLIPWAY_ASSIGN(const std::uint32_t word, reader.u32_le("header of a firmware section"));
    std::uint32_t size = word & 0xffffff;
    std::size_t header_size = 4;
    if (size == kExtendedSize) {
      SLIPWAY_ASSIGN(size, reader.u32_le("extended size of a firmware section"));
      header_size = 8;
    }
    if (size < header_size || size > bytes.size() - at)
      return malformed(offset + at,
                       fmt::format("a firmware section of {} bytes does not fit into {}", size, bytes.size() - at));
    const ByteView whole = bytes.subspan(at, size);
    sections.push_back({static_cast<std::uint8_t>(word >> 24), offset + at, offset + at + header_size, whole,
                        whole.subspan(header_size)});
    at += (std::size_t{size} + 3) & ~std::size_t{3};
  }
  return sections;
}

// What the file's one section unpacks to.
Result<Bytes> unpack(const File& file) {
  SLIPWAY_ASSIGN(const std::vector<Section> sections, read_sections(file.content, file.at));
  if (sections.size() != 1 || sections[0].type != kGuidedSection)
    return malformed(file.at, "one packed section (type 0x02) was expected");
  const Section& section = sections[0];
  ByteReader reader(section.content, section.data_at);
  SLIPWAY_ASSIGN(const EfiGuid guid, read_guid(reader, "GUID of a packed section"));
  if (to_string(guid) != kLzmaSection)
    return malformed(section.data_at, fmt::format("an LZMA section was expected, not one of GUID {}", to_string(guid)));
  SLIPWAY_ASSIGN(const std::uint16_t data_at, reader.u16_le("data offset of a packed section"));
  const std::size_t header_size = section.bytes.size() - section.content.size() + 20;
  if (data_at < header_size || data_at > section.bytes.size())
    return malformed(section.data_at + 16, "the packed data lie outside of their section");
  auto unpacked = unpack_lzma(section.bytes.subspan(data_at), kMaximumUnpackedFirmware);
  if (unpacked) return unpacked;
  Error error = std::move(unpacked).error();
  error.message = fmt::format("at offset {}: {}", section.at + data_at, error.message);
  return fail(std::move(error));
}

}  // namespace

Result<OvmfFirmware> read_ovmf_firmware(ByteView code) {
  if (code.size() > kMaximumFirmware)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("a firmware file of {} bytes is more than {}", code.size(), kMaximumFirmware));
  SLIPWAY_ASSIGN(const Volume outer, read_volume(code, 0));
  SLIPWAY_ASSIGN(const File file, find_volume_file(code.first(outer.size), outer.files_at));
  SLIPWAY_ASSIGN(const Bytes unpacked, unpack(file));

  OvmfFirmware firmware;
  firmware.code_sha256 = crypto::sha256(code);
  SLIPWAY_ASSIGN(const std::vector<Section> sections, read_sections(unpacked, 0));
  std::vector<ByteView> volumes;
  for (const Section& section : sections) {
    if (section.type == kRawSection) continue;  // alignment
    if (section.type != kVolumeSection)
      return malformed(section.at, fmt::format("in the unpacked firmware, a section of type {:#04x} was not expected",
                                               section.type));
    SLIPWAY_ASSIGN(const Volume volume, read_volume(section.content, section.data_at));
    if (volume.size != section.content.size())
      return malformed(section.data_at, "in the unpacked firmware, a volume does not fill its section");
    volumes.push_back(section.content);
  }
  if (volumes.size() != 2)
    return malformed(
        0, fmt::format("the unpacked firmware has {} volumes; those of PEI and DXE were expected", volumes.size()));
  firmware.pei_volume_sha256 = crypto::sha256(volumes[0]);
  firmware.pei_volume_size = volumes[0].size();
  firmware.dxe_volume_sha256 = crypto::sha256(volumes[1]);
  firmware.dxe_volume_size = volumes[1].size();
  return firmware;
}

}  // namespace slipway::bootchain
