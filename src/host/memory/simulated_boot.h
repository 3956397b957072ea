#pragma once

#include <vector>

#include "base/bytes.h"
#include "image/manifest.h"

namespace slipway::host {

// What a simulated node's firmware, shim and GRUB measured.
struct SimulatedBoot {
  Bytes firmware_event_log;        // TCG PC Client, crypto agile, sha256 bank alone
  std::vector<Bytes> pcr0_events;  // the reference values that a calibration boot would have given
};

// The log of booting just this image on the simulated firmware: every event of a real boot of that chain, in its order,
// with the digests that the manifest names. With `secure_boot` off the variable says so and no authority is measured.
SimulatedBoot simulate_boot(const image::Manifest& manifest, bool secure_boot);

}  // namespace slipway::host
