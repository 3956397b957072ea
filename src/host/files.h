#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace slipway::host {

// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// "<what>: <the text of errno>".
std::string system_error(std::string_view what);

Status write_all(int descriptor, ByteView bytes, std::string_view what);

// The folder and its parents; the folder itself gets the mode, existing or not.
Status ensure_folder(const std::filesystem::path& folder, mode_t mode);

// Replaces the file in one step that survives a crash: a reader sees the old bytes or the new ones, whole.
Status write_file(const std::filesystem::path& path, ByteView bytes, mode_t mode);

// kNotFound if it is not there, kResourceExhausted if it is larger than `maximum`.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t maximum);

// The first `maximum` bytes, or all where there are fewer; kNotFound if it is not there.
Result<Bytes> read_file_start(const std::filesystem::path& path, std::size_t maximum);

// The last `maximum` bytes; none if the file is not there.
Result<Bytes> read_file_end(const std::filesystem::path& path, std::size_t maximum);

// Copies under a temporary name, gives it owner and mode, and renames: `to` is never half a file.
Status copy_file(const std::filesystem::path& from, const std::filesystem::path& to, uid_t owner, gid_t group,
                 mode_t mode);

// Removes a file or a whole folder; absent is fine.
Status remove_path(const std::filesystem::path& path);

// Holds an exclusive lock on a file, made if missing, for its lifetime; waits for whoever holds it.
Result<Descriptor> lock_file(const std::filesystem::path& path);

}  // namespace slipway::host
