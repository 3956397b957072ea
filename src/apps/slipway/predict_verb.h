#pragma once

#include "apps/slipway/shell.h"

namespace slipway::cli {

// "slipway predict": what booting an image must measure, before its first boot; needs no server and no root.
void add_predict(Shell& shell);

}  // namespace slipway::cli
