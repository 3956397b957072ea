#pragma once

#include "kube/hosted/private_folder.h"

namespace slipway::kube {

// Keeps a log that a running program appends to below some 2 * `maximum` bytes: one that is longer is copied to
// <name>.1 and cut to nothing. Lines that are written between the copy and the cut are lost; in exchange the program
// needs nobody at the other end of its output, and outlives its supervisor.
Status rotate_log(const PrivateFolder& folder, const std::string& name, std::size_t maximum);

}  // namespace slipway::kube
