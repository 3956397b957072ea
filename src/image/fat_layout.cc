#include "image/fat_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/ascii.h"
#include "base/byte_reader.h"
#include "base/utf8.h"

namespace slipway::image {
namespace {

constexpr std::uint32_t kMaximum12 = 4084, kMaximum16 = 65524, kMaximum32 = 0x0ffffff4;
constexpr std::uint8_t kDeleted = 0xe5, kEscapedE5 = 0x05;
constexpr std::uint8_t kLabel = 0x08, kFolder = 0x10, kLongName = 0x0f, kAttributes = 0x3f;
constexpr std::uint8_t kSmallBase = 0x08, kSmallExtension = 0x10;
constexpr std::uint8_t kLastPart = 0x40;
constexpr std::size_t kUnitsPerPart = 13, kMaximumParts = 20;

tl::unexpected<Error> malformed(std::size_t offset, std::string_view what) {
  return fail(ErrorCode::kMalformed, fmt::format("at offset {} of the FAT volume: {}", offset, what));
}

std::uint16_t u16(ByteView bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8); }
std::uint32_t u32(ByteView bytes, std::size_t at) { return u16(bytes, at) | std::uint32_t{u16(bytes, at + 2)} << 16; }

bool is_power_of_two(std::uint32_t number) { return number != 0 && (number & (number - 1)) == 0; }

// The parts of a long name, collected in front of the entry that they belong to.
struct LongName {
  std::size_t expected = 0;  // number of the next part; 0: complete, or there is none
  bool present = false;
  std::uint8_t checksum = 0;
  std::vector<std::uint16_t> units;

  void clear() { *this = {}; }

  void take(ByteView entry) {
    const std::uint8_t order = entry[0];
    const std::size_t number = order & 0x1f;
    if ((order & kLastPart) != 0) {
      clear();
      if (number == 0 || number > kMaximumParts) return;
      present = true;
      expected = number;
      checksum = entry[13];
      units.assign(number * kUnitsPerPart, 0xffff);
    }
    if (!present || number != expected || entry[13] != checksum) {
      clear();
      return;
    }
    --expected;
    static constexpr std::array<std::size_t, kUnitsPerPart> kUnitAt{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    for (std::size_t i = 0; i < kUnitsPerPart; ++i) units[expected * kUnitsPerPart + i] = u16(entry, kUnitAt[i]);
  }

  bool belongs_to(ByteView entry) const {
    std::uint8_t sum = 0;
    for (std::size_t i = 0; i < 11; ++i)
      sum = static_cast<std::uint8_t>(((sum & 1) != 0 ? 0x80 : 0) + (sum >> 1) + entry[i]);
    return present && expected == 0 && sum == checksum;
  }
};

// Empty where the units are no UTF-16.
std::string long_name_text(std::vector<std::uint16_t> units) {
  units.erase(std::find(units.begin(), units.end(), 0), units.end());
  std::string text;
  for (std::size_t i = 0; i < units.size(); ++i) {
    std::uint32_t character = units[i];
    if (character >= 0xdc00 && character < 0xe000) return {};
    if (character >= 0xd800 && character < 0xdc00) {
      if (i + 1 == units.size() || units[i + 1] < 0xdc00 || units[i + 1] >= 0xe000) return {};
      character = 0x10000 + ((character & 0x3ff) << 10) + (units[++i] & 0x3ffU);
    }
    append_utf8(text, character);
  }
  return text;
}

std::string short_name_text(ByteView entry) {
  std::string base(as_text(entry.first(8))), extension(as_text(entry.subspan(8, 3)));
  if (entry[0] == kEscapedE5) base[0] = static_cast<char>(kDeleted);
  base.erase(base.find_last_not_of(' ') + 1);
  extension.erase(extension.find_last_not_of(' ') + 1);
  if ((entry[12] & kSmallBase) != 0) base = lower_case(base);
  if ((entry[12] & kSmallExtension) != 0) extension = lower_case(extension);
  return extension.empty() ? base : base + "." + extension;
}

bool is_path_word(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && std::none_of(name.begin(), name.end(), [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte < 0x20 || byte == 0x7f || letter == '/' || letter == '\\';
  });
}

bool is_link_to_folder(ByteView entry) {
  return as_text(entry.first(11)) == ".          " || as_text(entry.first(11)) == "..         ";
}

}  // namespace

Result<FatLayout> read_fat_layout(ByteView sector, std::uint64_t volume_size) {
  if (sector.size() < kFatBootSector) return malformed(0, "a boot sector of 512 bytes was expected");
  if (sector[510] != 0x55 || sector[511] != 0xaa) return malformed(510, "the boot sector's end 55 aa was expected");
  const std::uint32_t sector_size = u16(sector, 11);
  if (!is_power_of_two(sector_size) || sector_size < 512 || sector_size > 4096)
    return malformed(11, fmt::format("a sector size of 512 to 4096 was expected, not {}", sector_size));
  const std::uint32_t per_cluster = sector[13];
  if (!is_power_of_two(per_cluster)) return malformed(13, "a power of two was expected as sectors in a cluster");
  const std::uint32_t reserved = u16(sector, 14), tables = sector[16], root_entries = u16(sector, 17);
  if (reserved == 0) return malformed(14, "at least one reserved sector was expected");
  if (tables == 0 || tables > 2) return malformed(16, fmt::format("1 or 2 tables were expected, not {}", tables));
  const std::uint32_t total = u16(sector, 19) != 0 ? u16(sector, 19) : u32(sector, 32);
  const std::uint32_t table_sectors = u16(sector, 22) != 0 ? u16(sector, 22) : u32(sector, 36);
  if (std::uint64_t{total} * sector_size > volume_size)
    return malformed(32,
                     fmt::format("{} sectors of {} bytes do not fit into {} bytes", total, sector_size, volume_size));
  const std::uint32_t root_sectors =
      (root_entries * static_cast<std::uint32_t>(kFatEntrySize) + sector_size - 1) / sector_size;
  const std::uint64_t before = reserved + std::uint64_t{tables} * table_sectors + root_sectors;
  if (table_sectors == 0 || before >= total) return malformed(22, "the tables leave no room for files");

  FatLayout layout;
  layout.cluster_size = sector_size * per_cluster;
  layout.cluster_count = static_cast<std::uint32_t>((total - before) / per_cluster);
  layout.kind = layout.cluster_count <= kMaximum12   ? FatKind::k12
                : layout.cluster_count <= kMaximum16 ? FatKind::k16
                                                     : FatKind::k32;
  layout.table_at = std::uint64_t{reserved} * sector_size;
  layout.table_size = std::uint64_t{table_sectors} * sector_size;
  layout.root_at = layout.table_at + tables * layout.table_size;
  layout.root_size = std::uint64_t{root_entries} * kFatEntrySize;
  layout.clusters_at = before * sector_size;
  const std::uint64_t bits = layout.kind == FatKind::k12 ? 12 : layout.kind == FatKind::k16 ? 16 : 32;
  if (layout.cluster_count > kMaximum32 || layout.table_size * 8 < (std::uint64_t{layout.cluster_count} + 2) * bits)
    return malformed(
        22, fmt::format("a table of {} bytes is too short for {} clusters", layout.table_size, layout.cluster_count));
  if (layout.kind == FatKind::k32) {
    if (root_entries != 0 || u16(sector, 22) != 0)
      return malformed(17, "a FAT32 volume with the root folder of a FAT16 one was not expected");
    layout.root_cluster = u32(sector, 44);
  } else if (root_entries == 0 || u16(sector, 22) == 0) {
    return malformed(17,
                     fmt::format("a volume of {} clusters needs a root folder outside of them", layout.cluster_count));
  }
  return layout;
}

std::uint32_t next_cluster(const FatLayout& layout, ByteView table, std::uint32_t cluster) {
  std::uint32_t next = 0, bad = 0;
  if (layout.kind == FatKind::k12) {
    const std::uint16_t pair = u16(table, cluster + cluster / 2);
    next = cluster % 2 == 0 ? pair & 0xfffU : pair >> 4U;
    bad = 0xff7;
  } else if (layout.kind == FatKind::k16) {
    next = u16(table, std::size_t{cluster} * 2);
    bad = 0xfff7;
  } else {
    next = u32(table, std::size_t{cluster} * 4) & 0x0fffffff;
    bad = 0x0ffffff7;
  }
  if (next > bad) return kEndOfChain;
  return next == bad ? 0 : next;
}

Result<std::vector<FatEntry>> read_fat_folder(ByteView folder) {
  std::vector<FatEntry> entries;
  std::set<std::string> names;
  LongName long_name;
  for (std::size_t at = 0; at + kFatEntrySize <= folder.size(); at += kFatEntrySize) {
    const ByteView bytes = folder.subspan(at, kFatEntrySize);
    const auto wrong = [at](std::string_view what) {
      return fail(ErrorCode::kMalformed, fmt::format("at offset {} of the folder: {}", at, what));
    };
    if (bytes[0] == 0) break;
    if (bytes[0] == kDeleted) {
      long_name.clear();
      continue;
    }
    if ((bytes[11] & kAttributes) == kLongName) {
      long_name.take(bytes);
      continue;
    }
    FatEntry entry;
    const bool has_long_name = long_name.belongs_to(bytes);
    if (has_long_name) entry.name = long_name_text(long_name.units);
    long_name.clear();
    if ((bytes[11] & kLabel) != 0 || is_link_to_folder(bytes)) continue;
    if (!has_long_name) {
      entry.name = short_name_text(bytes);
      if (std::any_of(entry.name.begin(), entry.name.end(), [](char c) { return (c & 0x80) != 0; }))
        return wrong("a short name outside of ASCII was not expected");
    }
    if (!is_path_word(entry.name)) return wrong("a name was expected that can stand in a path");
    if (!names.insert(lower_case(entry.name)).second)
      return wrong(fmt::format("the name {} was not expected a second time", entry.name));
    entry.folder = (bytes[11] & kFolder) != 0;
    entry.cluster = u16(bytes, 26) | std::uint32_t{u16(bytes, 20)} << 16;
    entry.size = u32(bytes, 28);
    entry.at = at;
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace slipway::image
