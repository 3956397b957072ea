#include "files/boot_id.h"

#include "files/file.h"

namespace slipway::files {

Result<std::string> read_boot_id() {
  SLIPWAY_ASSIGN(const Bytes text, read_file("/proc/sys/kernel/random/boot_id", 64));
  return std::string(as_text(text).substr(0, as_text(text).find('\n')));
}

}  // namespace slipway::files
