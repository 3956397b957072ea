#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

// UEFI Secure Boot Advanced Targeting (shim's SBAT.md): each image says which generation of which components it holds,
// and shim refuses generations that its level calls too old.
namespace slipway::bootchain {

// One line of an image's section .sbat.
struct SbatEntry {
  std::string component;
  std::uint32_t generation = 0;
  std::string vendor, package, version, url;
  bool operator==(const SbatEntry&) const = default;
};

// Reads the section .sbat: lines of six fields with commas between, up to the first NUL; at most 64 KiB and 256 lines.
// kMalformed, with the offset, for a line of fewer fields. As in shim, a byte order mark is skipped, fields behind the
// sixth do not count, and a generation that is no number is 0. Errors count offsets from `base_offset`: where the
// section begins in the file that the reader sees.
Result<std::vector<SbatEntry>> read_sbat_section(ByteView section, std::size_t base_offset = 0);
// The other way, for fields without commas and line ends.
std::string encode_sbat_section(const std::vector<SbatEntry>& entries);

// A level: the least generation of each component that may run. From the variable SbatLevel, or from shim's own section
// .sbatlevel.
struct SbatLevel {
  std::uint32_t version = 0;  // of the line "sbat,VERSION,DATE"
  std::string date;           // "2024010900": year, month, day, revision
  struct Minimum {
    std::string component;
    std::uint32_t generation = 0;
    bool operator==(const Minimum&) const = default;
  };
  std::vector<Minimum> minimums;  // "sbat" itself among them; empty: nothing is too old
  bool operator==(const SbatLevel&) const = default;
};

// Reads "sbat,1,2021030218\ngrub,2\n": the first line gives version and date; at most 64 KiB and 256 lines. kMalformed,
// with the offset, for another first line or a line of one field.
Result<SbatLevel> read_sbat_level(ByteView text);
std::string encode_sbat_level(const SbatLevel& level);

// True if shim keeps `current` rather than set `proposed`: it is of the same or a later version and date.
bool is_kept(const SbatLevel& current, const SbatLevel& proposed);

// The first component of an image that a level calls too old.
struct RevokedComponent {
  std::string component;
  std::uint32_t generation = 0, minimum = 0;
};
std::optional<RevokedComponent> find_revoked(const std::vector<SbatEntry>& entries, const SbatLevel& level);

}  // namespace slipway::bootchain
