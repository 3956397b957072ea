#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/byte_reader.h"
#include "base/bytes.h"

namespace slipway::bootchain {

// EFI_GUID (UEFI 2.9, Appendix A), in the bytes of its wire form.
struct EfiGuid {
  std::array<std::uint8_t, 16> bytes{};
  friend bool operator==(const EfiGuid&, const EfiGuid&) = default;
};

Result<EfiGuid> read_guid(ByteReader& reader, std::string_view what);

// Registry form in lower case; the first three fields are little-endian on the wire.
std::string to_string(const EfiGuid& guid);
// The inverse; kMalformed for any other form.
Result<EfiGuid> guid_from_text(std::string_view text);

}  // namespace slipway::bootchain
