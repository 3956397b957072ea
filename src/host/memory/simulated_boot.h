#pragma once

#include <vector>

#include "attestation/verdict.h"
#include "base/bytes.h"
#include "image/manifest.h"

namespace slipway::host {

// What a simulated node's firmware, shim and GRUB measured.
struct SimulatedBoot {
  Bytes firmware_event_log;                    // TCG PC Client, crypto agile, sha256 bank alone
  std::vector<Bytes> pcr0_events;              // the reference values that a calibration boot would have given
  attestation::SecureBootVariables variables;  // of the simulated variable store
};

// The manifest with what depends on the simulated firmware and shim filled in: the partition table's event, shim's
// state and authorities. The rest of it may be any image's.
image::Manifest with_simulated_digests(image::Manifest manifest);

// The log of booting just this image on the simulated firmware: the events of a real boot of that chain, in its order,
// with the digests that the manifest names. attestation::appraise finds it trusted on with_simulated_digests(manifest).
// With `secure_boot` off the variables are empty, and no authority of firmware or shim is measured.
SimulatedBoot simulate_boot(const image::Manifest& manifest, bool secure_boot);

}  // namespace slipway::host
