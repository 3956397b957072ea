#pragma once

#include "base/bytes.h"

// Digests of what firmware measures whatever it boots.
namespace slipway::image {

// EV_SEPARATOR of a firmware that found no error: four bytes of zero.
Bytes separator_digest();
// EV_S_CRTM_VERSION of Debian 12's OVMF: an empty UCS-2 text.
Bytes firmware_version_digest();

}  // namespace slipway::image
