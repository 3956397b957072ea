#pragma once

#include <string>

#include "base/bytes.h"
#include "bootchain/efi_guid.h"

namespace slipway::bootchain {

// Vendor GUIDs of the variables that a boot measures.
inline constexpr std::string_view kEfiGlobalVariables = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
inline constexpr std::string_view kImageSecurityDatabase = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
inline constexpr std::string_view kShimVariables = "605dab50-e046-4300-abb6-3dd810dd8b23";

// UEFI_VARIABLE_DATA: TCG PC Client Platform Firmware Profile 10.2.6, "Measuring UEFI Variables and UEFI GPT Data".
struct EfiVariable {
  EfiGuid vendor;
  std::string name;  // characters outside printable ASCII stand as '?'
  Bytes value;
};

// At most 256 characters of name; kMalformed unless name and value fill the data exactly.
Result<EfiVariable> decode_variable_data(ByteView event_data);
// The other direction, for a name of printable ASCII.
Bytes encode_variable_data(const EfiVariable& variable);

}  // namespace slipway::bootchain
