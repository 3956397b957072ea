#include "bootchain/pe_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/byte_reader.h"
#include "base/expected_at.h"
#include "crypto/authenticode_signers.h"
#include "crypto/digest.h"
#include "crypto/signed_data.h"

namespace slipway::bootchain {
namespace {

constexpr std::uint16_t kDosMagic = 0x5a4d;
constexpr std::uint32_t kPeMagic = 0x00004550;
constexpr std::uint16_t kPe32 = 0x10b;
constexpr std::uint16_t kPe32Plus = 0x20b;
constexpr std::size_t kPeOffsetField = 0x3c;
constexpr std::size_t kCoffHeaderSize = 20;
constexpr std::size_t kSectionHeaderSize = 40;
constexpr std::size_t kSymbolSize = 18;
constexpr std::uint16_t kMaximumSections = 96;
constexpr std::size_t kMaximumSignatures = 16;
constexpr std::size_t kChecksumInOptionalHeader = 64;
constexpr std::uint32_t kCertificateDirectory = 4;
constexpr std::uint16_t kPkcsSignedData = 0x0002;
constexpr std::size_t kWinCertificateHeader = 8;

Result<std::string> section_name(ByteView file, ByteView raw, std::size_t string_table) {
  const std::string_view padded = as_text(raw);
  const std::string name(padded.substr(0, padded.find('\0')));
  if (string_table == 0 || name.size() < 2 || name[0] != '/') return name;
  std::size_t offset = 0;
  const auto parsed = std::from_chars(name.data() + 1, name.data() + name.size(), offset);
  if (parsed.ec != std::errc() || offset >= file.size() - string_table) return name;
  const std::string_view rest = as_text(file.subspan(string_table + offset));
  return std::string(rest.substr(0, std::min<std::size_t>(rest.find('\0'), 64)));
}

Result<std::vector<PeSection>> read_sections(ByteView file, std::size_t table, std::uint16_t count,
                                             std::size_t string_table) {
  if (count > kMaximumSections)
    return expected_at(table, fmt::format("a section table of at most 96 sections, but there are {}", count));
  if (table > file.size()) return expected_at(file.size(), fmt::format("a section table, at offset {}", table));
  ByteReader reader(file.subspan(table), table);
  std::vector<PeSection> sections;
  for (int i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN(const ByteView raw_name, reader.take(8, "section name"));
    SLIPWAY_TRY(reader.take(8, "section's virtual size and address"));
    SLIPWAY_ASSIGN(const std::size_t size, reader.u32_le("section's raw size"));
    SLIPWAY_ASSIGN(const std::size_t offset, reader.u32_le("section's file offset"));
    SLIPWAY_TRY(reader.take(kSectionHeaderSize - 24, "rest of a section header"));
    if (size != 0 && (offset > file.size() || size > file.size() - offset))
      return expected_at(reader.offset() - kSectionHeaderSize + 16,
                         fmt::format("a section inside the file of {} bytes, but section {} has offset {} and size {}",
                                     file.size(), i, offset, size));
    SLIPWAY_ASSIGN(std::string name, section_name(file, raw_name, string_table));
    sections.push_back({std::move(name), offset, size});
  }
  return sections;
}

Status read_certificate_directory(std::size_t optional_header, ByteView optional, bool plus, UnverifiedPeImage& image) {
  const std::size_t count_offset = plus ? 108 : 92;
  if (optional.size() < count_offset + 4)
    return expected_at(optional_header + optional.size(), "the number of data directories in the optional header");
  ByteReader count_reader(optional.subspan(count_offset), optional_header + count_offset);
  SLIPWAY_ASSIGN(const std::uint32_t count, count_reader.u32_le("number of data directories"));
  const std::size_t entry = count_offset + 4 + 8 * std::size_t{kCertificateDirectory};
  if (count <= kCertificateDirectory) return {};
  if (optional.size() < entry + 8)
    return expected_at(optional_header + optional.size(), "the certificate table's entry in the optional header");
  image.certificate_entry_offset = optional_header + entry;
  ByteReader reader(optional.subspan(entry), image.certificate_entry_offset);
  SLIPWAY_ASSIGN(image.certificates_offset, reader.u32_le("certificate table offset"));
  SLIPWAY_ASSIGN(image.certificates_size, reader.u32_le("certificate table size"));
  // The digest stops where the table begins, so bytes behind the table would be in no digest at all.
  const std::size_t size = image.file.size();
  if (image.certificates_size != 0 &&
      (image.certificates_offset > size || image.certificates_size != size - image.certificates_offset))
    return expected_at(image.certificate_entry_offset,
                       fmt::format("a certificate table that ends where the file of {} bytes ends, but it does not end "
                                   "where the file ends: offset {}, size {}",
                                   size, image.certificates_offset, image.certificates_size));
  return {};
}

// Walks as firmware does: each entry is followed by padding to 8 bytes, and the last one ends with the table.
Status read_signatures(UnverifiedPeImage& image) {
  if (image.certificates_size == 0) return {};
  ByteReader reader(image.file.subspan(image.certificates_offset, image.certificates_size), image.certificates_offset);
  std::size_t certificates = 0;
  while (!reader.empty()) {
    image.certificate_table_ends_evenly = false;
    if (reader.remaining() < kWinCertificateHeader) return {};
    const std::size_t start = reader.offset();
    SLIPWAY_ASSIGN(const std::uint32_t length, reader.u32_le("length of WIN_CERTIFICATE"));
    SLIPWAY_TRY(reader.u16_le("revision of WIN_CERTIFICATE"));
    SLIPWAY_ASSIGN(const std::uint16_t type, reader.u16_le("type of WIN_CERTIFICATE"));
    if (length < kWinCertificateHeader)
      return expected_at(start, fmt::format("the length of a WIN_CERTIFICATE, 8 at least, but it is {}", length));
    SLIPWAY_ASSIGN(const ByteView content, reader.take(length - kWinCertificateHeader, "content of WIN_CERTIFICATE"));
    if (type == kPkcsSignedData) {
      if (image.signatures.size() == kMaximumSignatures) return expected_at(start, "at most 16 signatures");
      certificates += crypto::certificates_in(content);
      if (certificates > crypto::kMaximumSignatureCertificates)
        return expected_at(start,
                           fmt::format("at most 32 certificates in all signatures, but these have {}", certificates));
      image.signatures.push_back(content);
    }
    const std::size_t padding = (8 - length % 8) % 8;
    if (padding > reader.remaining()) return {};
    SLIPWAY_TRY(reader.take(padding, "padding of WIN_CERTIFICATE"));
    image.certificate_table_ends_evenly = true;
  }
  return {};
}

}  // namespace

Result<UnverifiedPeImage> parse_pe_image(ByteView file) {
  UnverifiedPeImage image;
  image.file = file;
  ByteReader dos(file);
  SLIPWAY_ASSIGN(const std::uint16_t dos_magic, dos.u16_le("DOS magic"));
  if (dos_magic != kDosMagic) return expected_at(0, "\"MZ\", with which a PE image begins");
  SLIPWAY_TRY(dos.take(kPeOffsetField - 2, "DOS header"));
  SLIPWAY_ASSIGN(const std::size_t pe_offset, dos.u32_le("offset of the PE header"));
  if (pe_offset > file.size())
    return expected_at(kPeOffsetField,
                       fmt::format("the offset of a PE header inside the file, but it is {}", pe_offset));

  ByteReader coff(file.subspan(pe_offset), pe_offset);
  SLIPWAY_ASSIGN(const std::uint32_t pe_magic, coff.u32_le("PE signature"));
  if (pe_magic != kPeMagic) return expected_at(pe_offset, "the PE signature \"PE\", NUL, NUL");
  SLIPWAY_ASSIGN(image.machine, coff.u16_le("machine"));
  SLIPWAY_ASSIGN(const std::uint16_t section_count, coff.u16_le("number of sections"));
  SLIPWAY_TRY(coff.u32_le("time stamp"));
  SLIPWAY_ASSIGN(const std::size_t symbols, coff.u32_le("symbol table offset"));
  SLIPWAY_ASSIGN(const std::size_t symbol_count, coff.u32_le("number of symbols"));
  SLIPWAY_ASSIGN(const std::uint16_t optional_size, coff.u16_le("size of the optional header"));
  SLIPWAY_TRY(coff.u16_le("characteristics"));

  const std::size_t optional_header = pe_offset + 4 + kCoffHeaderSize;
  SLIPWAY_ASSIGN(const ByteView optional, coff.take(optional_size, "optional header"));
  ByteReader reader(optional, optional_header);
  SLIPWAY_ASSIGN(const std::uint16_t magic, reader.u16_le("optional header magic"));
  if (magic != kPe32 && magic != kPe32Plus)
    return expected_at(optional_header,
                       fmt::format("the optional header's magic 0x10b or 0x20b, but it is {:#x}", magic));
  SLIPWAY_TRY(reader.take(58, "optional header"));
  SLIPWAY_ASSIGN(image.headers_size, reader.u32_le("size of headers"));
  image.checksum_offset = optional_header + kChecksumInOptionalHeader;
  SLIPWAY_TRY(read_certificate_directory(optional_header, optional, magic == kPe32Plus, image));

  const std::size_t section_table = optional_header + optional_size;
  if (image.headers_size > file.size() ||
      image.headers_size < section_table + kSectionHeaderSize * std::size_t{section_count})
    return expected_at(optional_header + 60, fmt::format("a size of headers that covers the headers and fits the file, "
                                                         "but it is {}",
                                                         image.headers_size));
  const std::size_t strings = symbols + symbol_count * kSymbolSize;
  const std::size_t string_table = symbols != 0 && strings < file.size() ? strings : 0;
  SLIPWAY_ASSIGN(image.sections, read_sections(file, section_table, section_count, string_table));
  SLIPWAY_TRY(read_signatures(image));
  return image;
}

Result<Bytes> authenticode_digest(const UnverifiedPeImage& image, crypto::HashAlgorithm algorithm) {
  // Looked at before anything is hashed: 96 sections over the whole of a file would be hashed 96 times.
  std::vector<PeSection> sections = image.sections;
  std::stable_sort(sections.begin(), sections.end(),
                   [](const PeSection& left, const PeSection& right) { return left.offset < right.offset; });
  const std::size_t end = image.file.size() - image.certificates_size;
  const auto lies_over = [](std::size_t offset) {
    return expected_at(offset, "headers, sections and signatures of which none lies over another one");
  };
  if (image.headers_size > end) return lies_over(end);
  std::size_t free_from = image.headers_size, covered = image.headers_size;
  for (const PeSection& section : sections) {
    if (section.size == 0) continue;
    if (section.offset < free_from || section.offset + section.size > end) return lies_over(section.offset);
    free_from = section.offset + section.size;
    covered += section.size;
  }

  crypto::Hasher hasher(algorithm);
  const auto hash_range = [&](std::size_t from, std::size_t to) { hasher.update(image.file.subspan(from, to - from)); };
  hash_range(0, image.checksum_offset);
  if (image.certificate_entry_offset == 0) {
    hash_range(image.checksum_offset + 4, image.headers_size);
  } else {
    hash_range(image.checksum_offset + 4, image.certificate_entry_offset);
    hash_range(image.certificate_entry_offset + 8, image.headers_size);
  }
  for (const PeSection& section : sections)
    if (section.size != 0) hash_range(section.offset, section.offset + section.size);
  // The specification counts bytes here, not offsets: what lies behind the sum of all sizes is hashed up to the
  // certificate table. Firmware does the same, and the digests must agree.
  hash_range(covered, end);
  return hasher.finish();
}

Result<Bytes> authenticode_sha256(ByteView file) {
  SLIPWAY_ASSIGN(const UnverifiedPeImage image, parse_pe_image(file));
  return authenticode_digest(image, crypto::HashAlgorithm::kSha256);
}

Result<std::vector<ByteView>> pe_signatures(ByteView file) {
  SLIPWAY_ASSIGN(UnverifiedPeImage image, parse_pe_image(file));
  return std::move(image.signatures);
}

ByteView section_of(const UnverifiedPeImage& image, std::string_view name) {
  for (const PeSection& section : image.sections)
    if (section.name == name) return image.file.subspan(section.size == 0 ? 0 : section.offset, section.size);
  return {};
}

Result<ByteView> pe_section(ByteView file, std::string_view name) {
  SLIPWAY_ASSIGN(const UnverifiedPeImage image, parse_pe_image(file));
  return section_of(image, name);
}

Result<std::vector<std::string>> pe_signers(ByteView file) {
  SLIPWAY_ASSIGN(const auto signatures, pe_signatures(file));
  std::vector<std::string> signers;
  for (const ByteView signature : signatures) {
    SLIPWAY_ASSIGN(const auto subjects, crypto::authenticode_signers(signature));
    signers.insert(signers.end(), subjects.begin(), subjects.end());
  }
  return signers;
}

}  // namespace slipway::bootchain
