#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace slipway::image {

// The record of one sealed boot of a firmware, as a host keeps it in its cache (docs/formats/prediction.md).
struct Calibration {
  Bytes firmware_sha256;  // of the code file
  std::string qemu_version, machine_type;
  int vcpus = 0, memory_mib = 0;
  bool secure_boot = false;
  std::vector<Bytes> pcr0_events;  // SHA-256 digests in the order of the log
};

// At most 64 KiB; keys beside those above are left alone, so that newer hosts may record more. kMalformed otherwise.
Result<Calibration> calibration_from_json(std::string_view json);

// The one event of PCR 0 that only a boot can give: the PEI volume's digest. The others must be the firmware version,
// the DXE volume that the code file unpacks to, and the separator: kPreconditionFailed where they are not, since such a
// record is of another firmware.
Result<Bytes> calibrated_pei_volume(const std::vector<Bytes>& pcr0_events, const Bytes& dxe_volume_sha256);

}  // namespace slipway::image
