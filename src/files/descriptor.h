#pragma once

#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace slipway::files {

// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// What errno says of the system call that just failed, as "<what>: <its text>". kNotFound, kPermissionDenied,
// kResourceExhausted (the disk or a quota is full), else kInternal.
Error system_error(std::string_view what);

// All of the bytes, however many writes it takes. `what` is named where it fails.
Status write_all(int descriptor, ByteView bytes, std::string_view what);

}  // namespace slipway::files
