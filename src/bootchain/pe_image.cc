#include "bootchain/pe_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/byte_reader.h"
#include "crypto/authenticode_signers.h"
#include "crypto/digest.h"

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

struct Section {
  std::string name;
  std::size_t offset = 0, size = 0;
};

struct Layout {
  std::size_t checksum_offset = 0;
  std::size_t headers_size = 0;
  std::size_t certificate_entry_offset = 0;  // of its directory entry; 0 where the image has no such entry
  std::size_t certificates_offset = 0, certificates_size = 0;
  std::vector<Section> sections;
};

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

Result<std::vector<Section>> read_sections(ByteView file, std::size_t table, std::uint16_t count,
                                           std::size_t string_table) {
  if (count > kMaximumSections)
    return fail(ErrorCode::kMalformed, fmt::format("a PE image has {} sections; at most 96 are allowed", count));
  if (table > file.size()) return fail(ErrorCode::kMalformed, "a PE image ends before its section table");
  ByteReader reader(file.subspan(table), table);
  std::vector<Section> sections;
  for (int i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN(const ByteView raw_name, reader.take(8, "section name"));
    SLIPWAY_TRY(reader.take(8, "section's virtual size and address"));
    SLIPWAY_ASSIGN(const std::size_t size, reader.u32_le("section's raw size"));
    SLIPWAY_ASSIGN(const std::size_t offset, reader.u32_le("section's file offset"));
    SLIPWAY_TRY(reader.take(kSectionHeaderSize - 24, "rest of a section header"));
    if (size != 0 && (offset > file.size() || size > file.size() - offset))
      return fail(ErrorCode::kMalformed,
                  fmt::format("a PE image's section {} lies outside the file (offset {}, size {})", i, offset, size));
    SLIPWAY_ASSIGN(std::string name, section_name(file, raw_name, string_table));
    sections.push_back({std::move(name), offset, size});
  }
  return sections;
}

Status read_certificate_directory(ByteView file, std::size_t optional_header, std::uint16_t optional_size, bool plus,
                                  Layout& layout) {
  const std::size_t count_offset = plus ? 108 : 92;
  if (optional_size < count_offset + 4) return fail(ErrorCode::kMalformed, "a PE image's optional header is too short");
  ByteReader count_reader(file.subspan(optional_header + count_offset), optional_header + count_offset);
  SLIPWAY_ASSIGN(const std::uint32_t count, count_reader.u32_le("number of data directories"));
  const std::size_t entry = count_offset + 4 + 8 * std::size_t{kCertificateDirectory};
  if (count <= kCertificateDirectory) return {};
  if (optional_size < entry + 8)
    return fail(ErrorCode::kMalformed, "a PE image's data directories do not fit its optional header");
  layout.certificate_entry_offset = optional_header + entry;
  ByteReader reader(file.subspan(layout.certificate_entry_offset), layout.certificate_entry_offset);
  SLIPWAY_ASSIGN(layout.certificates_offset, reader.u32_le("certificate table offset"));
  SLIPWAY_ASSIGN(layout.certificates_size, reader.u32_le("certificate table size"));
  // The digest stops where the table begins, so bytes behind the table would be in no digest at all.
  if (layout.certificates_size != 0 && (layout.certificates_offset > file.size() ||
                                        layout.certificates_size != file.size() - layout.certificates_offset))
    return fail(ErrorCode::kMalformed, "a PE image's certificate table does not end where the file ends");
  return {};
}

Result<Layout> read_layout(ByteView file) {
  ByteReader dos(file);
  SLIPWAY_ASSIGN(const std::uint16_t dos_magic, dos.u16_le("DOS magic"));
  if (dos_magic != kDosMagic) return fail(ErrorCode::kMalformed, "not a PE image: it does not begin with \"MZ\"");
  SLIPWAY_TRY(dos.take(kPeOffsetField - 2, "DOS header"));
  SLIPWAY_ASSIGN(const std::size_t pe_offset, dos.u32_le("offset of the PE header"));
  if (pe_offset > file.size()) return fail(ErrorCode::kMalformed, "a PE image ends before its PE header");

  ByteReader coff(file.subspan(pe_offset), pe_offset);
  SLIPWAY_ASSIGN(const std::uint32_t pe_magic, coff.u32_le("PE signature"));
  if (pe_magic != kPeMagic) return fail(ErrorCode::kMalformed, "not a PE image: no PE signature");
  SLIPWAY_TRY(coff.u16_le("machine"));
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
    return fail(ErrorCode::kMalformed, fmt::format("a PE image's optional header has the unknown magic {:#x}", magic));
  SLIPWAY_TRY(reader.take(58, "optional header"));
  Layout layout;
  SLIPWAY_ASSIGN(layout.headers_size, reader.u32_le("size of headers"));
  layout.checksum_offset = optional_header + kChecksumInOptionalHeader;
  SLIPWAY_TRY(read_certificate_directory(file, optional_header, optional_size, magic == kPe32Plus, layout));

  const std::size_t section_table = optional_header + optional_size;
  if (layout.headers_size > file.size() ||
      layout.headers_size < section_table + kSectionHeaderSize * std::size_t{section_count})
    return fail(ErrorCode::kMalformed,
                fmt::format("a PE image's size of headers ({}) does not cover its headers", layout.headers_size));
  const std::size_t strings = symbols + symbol_count * kSymbolSize;
  const std::size_t string_table = symbols != 0 && strings < file.size() ? strings : 0;
  SLIPWAY_ASSIGN(layout.sections, read_sections(file, section_table, section_count, string_table));
  return layout;
}

}  // namespace

Result<Bytes> authenticode_sha256(ByteView file) {
  SLIPWAY_ASSIGN(Layout layout, read_layout(file));
  crypto::Hasher hasher(crypto::HashAlgorithm::kSha256);
  const auto hash_range = [&](std::size_t from, std::size_t to) { hasher.update(file.subspan(from, to - from)); };

  hash_range(0, layout.checksum_offset);
  if (layout.certificate_entry_offset == 0) {
    hash_range(layout.checksum_offset + 4, layout.headers_size);
  } else {
    hash_range(layout.checksum_offset + 4, layout.certificate_entry_offset);
    hash_range(layout.certificate_entry_offset + 8, layout.headers_size);
  }

  std::stable_sort(layout.sections.begin(), layout.sections.end(),
                   [](const Section& left, const Section& right) { return left.offset < right.offset; });
  std::size_t hashed = layout.headers_size;
  for (const Section& section : layout.sections) {
    if (section.size == 0) continue;
    hash_range(section.offset, section.offset + section.size);
    hashed += section.size;
  }
  // The specification counts bytes here, not offsets: what lies behind the sum of all sizes is hashed up to the
  // certificate table. Firmware does the same, and the digests must agree.
  const std::size_t end = file.size() - layout.certificates_size;
  if (hashed > end) return fail(ErrorCode::kMalformed, "a PE image's sections overlap each other or its signatures");
  hash_range(hashed, end);
  return hasher.finish();
}

Result<std::vector<ByteView>> pe_signatures(ByteView file) {
  SLIPWAY_ASSIGN(const Layout layout, read_layout(file));
  std::vector<ByteView> signatures;
  if (layout.certificates_size == 0) return signatures;
  ByteReader reader(file.subspan(layout.certificates_offset, layout.certificates_size), layout.certificates_offset);
  while (reader.remaining() >= 8) {
    SLIPWAY_ASSIGN(const std::uint32_t length, reader.u32_le("length of WIN_CERTIFICATE"));
    SLIPWAY_TRY(reader.u16_le("revision of WIN_CERTIFICATE"));
    SLIPWAY_ASSIGN(const std::uint16_t type, reader.u16_le("type of WIN_CERTIFICATE"));
    if (length < 8) return fail(ErrorCode::kMalformed, "a WIN_CERTIFICATE is shorter than its own header");
    SLIPWAY_ASSIGN(const ByteView content, reader.take(length - 8, "content of WIN_CERTIFICATE"));
    const std::size_t padding = std::min<std::size_t>((8 - length % 8) % 8, reader.remaining());
    SLIPWAY_TRY(reader.take(padding, "padding of WIN_CERTIFICATE"));
    if (type != kPkcsSignedData) continue;
    if (signatures.size() == kMaximumSignatures)
      return fail(ErrorCode::kMalformed, "a PE image has more than 16 signatures");
    signatures.push_back(content);
  }
  return signatures;
}

Result<ByteView> pe_section(ByteView file, std::string_view name) {
  SLIPWAY_ASSIGN(const Layout layout, read_layout(file));
  for (const Section& section : layout.sections)
    if (section.name == name) return file.subspan(section.size == 0 ? 0 : section.offset, section.size);
  return ByteView{};
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
