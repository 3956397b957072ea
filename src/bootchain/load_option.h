#pragma once

#include <string>

#include "base/bytes.h"

namespace slipway::bootchain {

// EFI_LOAD_OPTION (UEFI 2.10, 3.1.3): the value of Boot0000, Driver0000 and the like.
struct LoadOption {
  std::uint32_t attributes = 0;
  std::string description;  // UTF-8
  Bytes device_path;        // one or more device paths, packed
  Bytes optional_data;

  bool active() const { return (attributes & 1) != 0; }
};

// kMalformed, with the offset, where the description does not end or the device path is longer than what is left.
Result<LoadOption> parse_load_option(ByteView value);
// The inverse, for a description of ASCII.
Bytes encode_load_option(const LoadOption& option);

}  // namespace slipway::bootchain
