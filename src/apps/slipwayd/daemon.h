#pragma once

#include <memory>
#include <string>

#include "apps/slipwayd/options.h"

namespace slipway::slipwayd {

// One running slipwayd: everything wired together.
class Daemon {
 public:
  // Everything that the state folder knows of is under care again when it returns, and the API answers.
  static Result<std::unique_ptr<Daemon>> start(const Options& options);
  // Ends listeners and loops; VMs and control planes go on.
  ~Daemon();
  // "https://127.0.0.1:18443"
  std::string endpoint() const;

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace slipway::slipwayd
