#include "bootchain/variable_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace slipway::bootchain {
namespace {

constexpr std::string_view kNvDataVolume = "fff12b8d-7696-4c8b-a985-2747075b4f50";
constexpr std::string_view kAuthenticatedStore = "aaf32c78-947b-439a-a180-2e144ec37792";
constexpr std::uint32_t kVolumeSignature = 0x4856465f;  // "_FVH"
constexpr std::uint8_t kStoreFormatted = 0x5a, kStoreHealthy = 0xfe;
constexpr std::size_t kStoreHeaderSize = 28;
constexpr std::uint16_t kVariableStart = 0x55aa, kErased = 0xffff;

// States are bits that flash can only clear.
constexpr std::uint8_t kAdded = 0x3f, kAddedInDeletedTransition = 0x3e;

struct Candidate {
  StoredVariable variable;
  bool in_transition = false;
};

// A part of the file, and where it begins there.
struct Part {
  ByteView bytes;
  std::size_t offset = 0;
};

// The volume header gives its own length; what follows is the store.
Result<Part> store_of_volume(ByteView flash) {
  ByteReader reader(flash);
  SLIPWAY_TRY(reader.take(16, "zero vector of the firmware volume"));
  SLIPWAY_ASSIGN(const EfiGuid file_system, read_guid(reader, "file system GUID of the firmware volume"));
  if (to_string(file_system) != kNvDataVolume) {
    return fail(
        ErrorCode::kMalformed,
        "at offset 16: expected the file system GUID of a volume of variables, but it is " + to_string(file_system));
  }
  SLIPWAY_ASSIGN(const std::uint64_t volume_size, reader.u64_le("length of the firmware volume"));
  SLIPWAY_ASSIGN(const std::uint32_t signature, reader.u32_le("signature of the firmware volume"));
  SLIPWAY_TRY(reader.take(4, "attributes of the firmware volume"));
  SLIPWAY_ASSIGN(const std::uint16_t header_size, reader.u16_le("header length of the firmware volume"));
  if (signature != kVolumeSignature)
    return fail(ErrorCode::kMalformed, "at offset 40: expected the signature _FVH of a firmware volume");
  if (volume_size > flash.size() || header_size % 2 != 0 || header_size < reader.offset() ||
      header_size > volume_size) {
    return fail(ErrorCode::kMalformed, fmt::format("at offset 32: expected the sizes of a firmware volume in a file "
                                                   "of {2} bytes, but it says {0} with a header of {1}",
                                                   volume_size, header_size, flash.size()));
  }
  ByteReader words(flash.first(header_size));
  std::uint16_t sum = 0;
  while (!words.empty()) {
    SLIPWAY_ASSIGN(const std::uint16_t word, words.u16_le("header of the firmware volume"));
    sum = static_cast<std::uint16_t>(sum + word);
  }
  if (sum != 0)
    return fail(ErrorCode::kMalformed,
                "at offset 50: expected the checksum of the firmware volume's header, but it is another");
  return Part{flash.subspan(header_size, static_cast<std::size_t>(volume_size) - header_size), header_size};
}

Result<Part> variables_of_store(const Part& volume_body) {
  const std::size_t start = volume_body.offset;
  ByteReader reader(volume_body.bytes, start);
  SLIPWAY_ASSIGN(const EfiGuid kind, read_guid(reader, "GUID of the variable store"));
  if (to_string(kind) != kAuthenticatedStore) {
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the GUID of a store of authenticated variables, but it is {}",
                            start, to_string(kind)));
  }
  SLIPWAY_ASSIGN(const std::uint32_t size, reader.u32_le("size of the variable store"));
  SLIPWAY_ASSIGN(const std::uint8_t format, reader.u8("format of the variable store"));
  SLIPWAY_ASSIGN(const std::uint8_t state, reader.u8("state of the variable store"));
  if (format != kStoreFormatted || state != kStoreHealthy) {
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected format {:#x} and state {:#x} of a "
                                                   "variable store, but they are {:#x} and {:#x}",
                                                   start + 20, kStoreFormatted, kStoreHealthy, format, state));
  }
  if (size < kStoreHeaderSize || size > volume_body.bytes.size()) {
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected the size of a variable store in a volume "
                                                   "of {} bytes, but it says {}",
                                                   start + 16, volume_body.bytes.size(), size));
  }
  return Part{volume_body.bytes.subspan(kStoreHeaderSize, size - kStoreHeaderSize), start + kStoreHeaderSize};
}

Result<std::string> name_text(ByteView utf16, std::size_t offset) {
  if (utf16.size() < 2 || utf16.size() % 2 != 0) {
    return fail(
        ErrorCode::kMalformed,
        fmt::format("at offset {}: expected a variable's name in UCS-2, but it has {} bytes", offset, utf16.size()));
  }
  std::string name;
  for (std::size_t i = 0; i + 2 < utf16.size(); i += 2) {
    const auto unit = static_cast<std::uint16_t>(utf16[i] | utf16[i + 1] << 8);
    if (unit >= 0x20 && unit < 0x7f) {
      name.push_back(static_cast<char>(unit));
    } else {
      name += fmt::format("\\u{:04x}", unit);
    }
  }
  if (utf16[utf16.size() - 2] != 0 || utf16[utf16.size() - 1] != 0) {
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected the NUL behind the name of variable \"{}\"",
                                                   offset, printable(name)));
  }
  return name;
}

// `reader` stands behind StartId. Leaves it behind the variable, before the padding.
Status read_variable(ByteReader& reader, std::vector<Candidate>& found) {
  Candidate stored;
  SLIPWAY_ASSIGN(const std::uint8_t state, reader.u8("variable state"));
  SLIPWAY_TRY(reader.take(1, "reserved byte of a variable"));
  SLIPWAY_ASSIGN(stored.variable.attributes, reader.u32_le("variable attributes"));
  SLIPWAY_TRY(reader.take(8 + 16 + 4, "monotonic count, time and key index of a variable"));
  SLIPWAY_ASSIGN(const std::uint32_t name_size, reader.u32_le("size of a variable's name"));
  SLIPWAY_ASSIGN(const std::uint32_t data_size, reader.u32_le("size of a variable's data"));
  SLIPWAY_ASSIGN(stored.variable.vendor, read_guid(reader, "variable vendor"));
  const std::size_t name_offset = reader.offset();
  SLIPWAY_ASSIGN(const ByteView name, reader.take(name_size, "variable name"));
  SLIPWAY_ASSIGN(const ByteView data, reader.take(data_size, "variable data"));
  if (state != kAdded && state != kAddedInDeletedTransition) return {};
  SLIPWAY_ASSIGN(stored.variable.name, name_text(name, name_offset));
  stored.variable.data = to_bytes(data);
  stored.in_transition = state == kAddedInDeletedTransition;
  found.push_back(std::move(stored));
  return {};
}

bool same_name(const StoredVariable& left, const StoredVariable& right) {
  return left.vendor == right.vendor && left.name == right.name;
}

std::vector<StoredVariable> in_force(std::vector<Candidate> stored) {
  std::vector<StoredVariable> result;
  for (const bool in_transition : {false, true}) {
    for (Candidate& candidate : stored) {
      if (candidate.in_transition != in_transition) continue;
      const bool replaced = std::any_of(result.begin(), result.end(), [&](const StoredVariable& other) {
        return same_name(other, candidate.variable);
      });
      if (!replaced) result.push_back(std::move(candidate.variable));
    }
  }
  return result;
}

}  // namespace

Result<std::vector<StoredVariable>> read_variable_store(ByteView flash) {
  if (flash.size() > kMaximumVariableStore) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("at offset {}: expected the end of a variable store, but it has {} bytes",
                            kMaximumVariableStore, flash.size()));
  }
  SLIPWAY_ASSIGN(const Part body, store_of_volume(flash));
  SLIPWAY_ASSIGN(const Part area, variables_of_store(body));
  ByteReader reader(area.bytes, area.offset);
  std::vector<Candidate> found;
  while (reader.remaining() >= 2) {
    SLIPWAY_ASSIGN(const std::uint16_t start, reader.u16_le("start of a variable"));
    if (start == kErased) break;
    if (start != kVariableStart) {
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: expected the start of a variable", reader.offset() - 2));
    }
    SLIPWAY_TRY(read_variable(reader, found));
    // Variables are aligned to 4 bytes within the store; its header's 28 bytes keep that.
    const std::size_t padding = (4 - (reader.offset() - area.offset) % 4) % 4;
    SLIPWAY_TRY(reader.take(std::min(padding, reader.remaining()), "padding behind a variable"));
  }
  return in_force(std::move(found));
}

const StoredVariable* find_variable(const std::vector<StoredVariable>& variables, std::string_view vendor,
                                    std::string_view name) {
  const auto found = std::find_if(variables.begin(), variables.end(), [&](const StoredVariable& variable) {
    return variable.name == name && to_string(variable.vendor) == vendor;
  });
  return found == variables.end() ? nullptr : &*found;
}

}  // namespace slipway::bootchain
