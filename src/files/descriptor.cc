#include "files/descriptor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace slipway::files {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Error system_error(std::string_view what) {
  const int cause = errno;
  const ErrorCode code = cause == ENOSPC || cause == EDQUOT  ? ErrorCode::kResourceExhausted
                         : cause == ENOENT                   ? ErrorCode::kNotFound
                         : cause == EACCES || cause == EPERM ? ErrorCode::kPermissionDenied
                                                             : ErrorCode::kInternal;
  return Error{code, fmt::format("{}: {}", what, std::strerror(cause)), {}, {}};
}

Status write_all(int descriptor, ByteView bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error(fmt::format("{} cannot be written", what)));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace slipway::files
