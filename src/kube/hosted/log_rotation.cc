#include "kube/hosted/log_rotation.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace slipway::kube {

Status rotate_log(const PrivateFolder& folder, const std::string& name, std::size_t maximum) {
  SLIPWAY_ASSIGN(const files::Descriptor log, folder.open_log(name));
  struct stat status {};
  if (fstat(log.get(), &status) != 0 || static_cast<std::size_t>(status.st_size) <= maximum) return {};
  SLIPWAY_TRY(folder.remove(name + ".1"));
  SLIPWAY_ASSIGN(const files::Descriptor older, folder.open_log(name + ".1"));
  // From its end backwards, should it have grown out of bounds since the last look.
  off_t at = std::max<off_t>(0, status.st_size - static_cast<off_t>(2 * maximum));
  std::array<char, 65536> buffer{};
  ssize_t count = 0;
  bool copied = true;
  while (copied && (count = pread(log.get(), buffer.data(), buffer.size(), at)) > 0) {
    copied = write(older.get(), buffer.data(), static_cast<std::size_t>(count)) == count;
    at += count;
  }
  // Cut even where the copy failed: a full disk must not be what keeps a log growing.
  if (ftruncate(log.get(), 0) != 0 || !copied)
    return fail(ErrorCode::kInternal, fmt::format("the log {} cannot be rotated: {}", name, std::strerror(errno)));
  return {};
}

}  // namespace slipway::kube
