#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::cli {

// Whom the command line speaks to, and as whom: what slipwayd's admin.json says, and the authority beside it.
struct Login {
  std::string endpoint;  // "https://127.0.0.1:18443", without a final slash
  std::string tenant;
  std::string subscription;
  std::string client;
  std::string secret;
  std::string authority;  // PEM; the only one that the server may prove itself with
};

// Reads an admin.json; its authority from ca.pem in the same folder, unless the file itself holds it.
Result<Login> read_login(const std::string& path);

// The login that commands use: that of $SLIPWAY_ADMIN if it is set, else the current context of the accounts. With a
// `subscription`, the context that has it, by id or name. kUnauthenticated, saying how to log in, if there is none.
Result<Login> current_login(std::string_view subscription = {});

}  // namespace slipway::cli
