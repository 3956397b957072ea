#pragma once

#include <string>

#include "base/result.h"

namespace slipway::cli {

// The public key that a cluster is described with. `given` is a file or the key itself; if it is empty,
// ~/.ssh/id_rsa.pub, made by ssh-keygen if it is absent and `generate` is true. kInvalidArgument, saying what to give,
// where none is left.
Result<std::string> ssh_public_key(const std::string& given, bool generate);

}  // namespace slipway::cli
