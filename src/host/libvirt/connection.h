#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "host/libvirt/handles.h"

namespace slipway::host {

// The connection to libvirtd. If nobody answers on this machine's system socket, starts the daemon: through systemd
// where that runs, else virtlogd and libvirtd themselves, whose process ids then stand in `daemons_file`, one in a
// line. Connects again after libvirtd was restarted. Thread-safe.
class Connection {
 public:
  Connection(std::string uri, std::filesystem::path daemons_file);

  // Borrowed: valid until the next call fails. libvirt's connections may be used by several threads.
  Result<std::shared_ptr<virConnect>> get();

 private:
  Result<std::shared_ptr<virConnect>> open();
  Status start_daemons();

  const std::string uri_;
  const std::filesystem::path daemons_file_;
  std::mutex mutex_;
  std::shared_ptr<virConnect> connection_;
};

}  // namespace slipway::host
