#include "bootchain/sbat.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::bootchain {
namespace {

constexpr std::size_t kMaximumText = 64U << 10;
constexpr std::size_t kMaximumLines = 256;
constexpr std::size_t kSectionFields = 6;
constexpr std::size_t kLevelFields = 3;
constexpr std::size_t kLevelRequiredFields = 2;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kLevelComponent = "sbat";

struct Line {
  std::size_t offset = 0;
  std::vector<std::string> fields;
};

Result<std::vector<Line>> read_lines(ByteView bytes, std::size_t base_offset, std::size_t fields) {
  if (bytes.size() > kMaximumText)
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected the end of an SBAT text of at most 64 KiB, "
                                                   "but it has {} bytes",
                                                   base_offset + kMaximumText, bytes.size()));
  std::string_view text = as_text(bytes);
  text = text.substr(0, text.find('\0'));
  std::size_t offset = 0;
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) offset = kByteOrderMark.size();
  std::vector<Line> lines;
  while (offset < text.size()) {
    const std::size_t end = std::min(text.find_first_of("\r\n", offset), text.size());
    std::string_view rest = text.substr(offset, end - offset);
    Line line{base_offset + offset, {}};
    offset = end + 1;
    if (rest.empty()) continue;
    while (line.fields.size() < fields) {
      const std::size_t comma = rest.find(',');
      line.fields.emplace_back(rest.substr(0, comma));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
    if (lines.size() == kMaximumLines)
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: expected the end, for 256 lines of SBAT are the most", line.offset));
    lines.push_back(std::move(line));
  }
  return lines;
}

// As C's atoi reads it, without a sign.
std::uint32_t generation_of(std::string_view text) {
  constexpr std::uint32_t kMost = 0x7fffffff;
  std::uint32_t value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') break;
    const auto add = static_cast<std::uint32_t>(digit - '0');
    if (value > (kMost - add) / 10) return kMost;
    value = value * 10 + add;
  }
  return value;
}

}  // namespace

Result<std::vector<SbatEntry>> read_sbat_section(ByteView section, std::size_t base_offset) {
  SLIPWAY_ASSIGN(std::vector<Line> lines, read_lines(section, base_offset, kSectionFields));
  std::vector<SbatEntry> entries;
  for (Line& line : lines) {
    if (line.fields.size() < kSectionFields)
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: expected a line of SBAT with six fields, but it has "
                              "{}",
                              line.offset, line.fields.size()));
    auto& fields = line.fields;
    entries.push_back({std::move(fields[0]), generation_of(fields[1]), std::move(fields[2]), std::move(fields[3]),
                       std::move(fields[4]), std::move(fields[5])});
  }
  return entries;
}

std::string encode_sbat_section(const std::vector<SbatEntry>& entries) {
  std::string text;
  for (const SbatEntry& entry : entries)
    text += fmt::format("{},{},{},{},{},{}\n", entry.component, entry.generation, entry.vendor, entry.package,
                        entry.version, entry.url);
  return text;
}

Result<SbatLevel> read_sbat_level(ByteView text) {
  SLIPWAY_ASSIGN(std::vector<Line> lines, read_lines(text, 0, kLevelFields));
  SbatLevel level;
  for (Line& line : lines) {
    const bool first = level.minimums.empty();
    if (line.fields.size() < (first ? kLevelFields : kLevelRequiredFields) ||
        (first && line.fields[0] != kLevelComponent))
      return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected {}", line.offset,
                                                     first ? "\"sbat,VERSION,DATE\", with which an SBAT level begins"
                                                           : "a component and its generation"));
    const std::uint32_t generation = generation_of(line.fields[1]);
    if (first) {
      level.version = generation;
      level.date = std::move(line.fields[2]);
    }
    level.minimums.push_back({std::move(line.fields[0]), generation});
  }
  if (lines.empty())
    return fail(ErrorCode::kMalformed, "at offset 0: expected \"sbat,VERSION,DATE\", with which an SBAT level begins");
  return level;
}

std::string encode_sbat_level(const SbatLevel& level) {
  std::string text;
  for (const SbatLevel::Minimum& minimum : level.minimums)
    text += text.empty() ? fmt::format("{},{},{}\n", kLevelComponent, level.version, level.date)
                         : fmt::format("{},{}\n", minimum.component, minimum.generation);
  return text;
}

bool is_kept(const SbatLevel& current, const SbatLevel& proposed) {
  if (current.version != proposed.version) return current.version > proposed.version;
  return current.date >= proposed.date;
}

std::optional<RevokedComponent> find_revoked(const std::vector<SbatEntry>& entries, const SbatLevel& level) {
  for (const SbatEntry& entry : entries)
    for (const SbatLevel::Minimum& minimum : level.minimums) {
      if (minimum.component != entry.component) continue;
      if (entry.generation < minimum.generation)
        return RevokedComponent{entry.component, entry.generation, minimum.generation};
      break;
    }
  return std::nullopt;
}

}  // namespace slipway::bootchain
