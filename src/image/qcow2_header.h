#pragma once

#include "base/bytes.h"

// The fixed part of a qcow2 file (docs/interop/qcow2.txt of QEMU). Nothing that it names is opened: QEMU's own tools
// open what a header names, a file of this machine or a server's, before anybody can look at it.
namespace slipway::image {

// The bytes that read_qcow2_header needs of a file's beginning; a shorter file needs no more than it has.
inline constexpr std::size_t kQcow2HeaderBytes = 104;

struct UnverifiedQcow2Header {
  std::uint64_t virtual_size = 0;   // of the disk, in bytes
  bool names_backing_file = false;  // what is not in this file is in another, which it names
  bool names_data_file = false;     // the disk's bytes are in another file, which it names
};

// Versions 2 and 3. kMalformed, with the offset, for anything else.
Result<UnverifiedQcow2Header> read_qcow2_header(ByteView start);

}  // namespace slipway::image
