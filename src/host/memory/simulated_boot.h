#pragma once

#include <vector>

#include "base/bytes.h"
#include "host/host.h"
#include "image/manifest.h"
#include "image/prediction.h"

namespace slipway::host {

// The manifest with what depends on the simulated firmware and shim filled in: the partition table's event, shim's
// state and authorities, and GRUB's command that reads its configuration. The rest of it may be any image's.
image::Manifest with_simulated_digests(image::Manifest manifest);

// The log (TCG PC Client, crypto agile, sha256 bank alone) of booting just this image on the simulated firmware: the
// events of a real boot of that chain, in its order, with the digests that the manifest names. With `secure_boot` off
// the variables are empty, and no authority of firmware or shim is measured.
Bytes simulate_boot(const image::Manifest& manifest, bool secure_boot);

// What the simulated firmware is predicted to measure of it: image::predict over a variable store whose db holds the
// image's shim. Made apart from simulate_boot, as a real boot is.
Result<image::Prediction> predict_simulated(const image::Manifest& manifest, bool secure_boot);

// Of the variable store that a simulated VM starts with.
SecureBootVariables simulated_variables(const image::Manifest& manifest, bool secure_boot);

// The digests of the simulated firmware's own events, as a calibration boot would have given them.
std::vector<Bytes> simulated_pcr0_events();

}  // namespace slipway::host
