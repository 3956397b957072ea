#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "files/descriptor.h"

// Whole files: a reader sees the old bytes or the new ones, also after a power cut. Messages name the file.
namespace slipway::files {

// Replaces the file, or makes it. The temporary file beside it, which nobody else can have made, gets the mode before
// its first byte; file and folder are on the disk when this returns. A link at `path` is replaced, not followed.
Status replace_file(const std::filesystem::path& path, ByteView bytes, mode_t mode);

// The same for a name that must be free: kConflict if it is taken, and nothing is overwritten.
Status create_file(const std::filesystem::path& path, ByteView bytes, mode_t mode);

// The whole file, one of the kernel's without a size too. kNotFound if it is not there, kResourceExhausted above
// `maximum` bytes.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t maximum);

// The first `maximum` bytes, or all where there are fewer; kNotFound if it is not there.
Result<Bytes> read_file_start(const std::filesystem::path& path, std::size_t maximum);

// The last `maximum` bytes; none if the file is not there.
Result<Bytes> read_file_end(const std::filesystem::path& path, std::size_t maximum);

// A file that this program wrote for itself: kPermissionDenied unless it is a regular file, no link, of this user, and
// closed to everybody else; kNotFound if it is not there; kMalformed above `maximum` bytes.
Result<std::string> read_private_file(const std::filesystem::path& path, std::size_t maximum);

// Copies under a temporary name, gives it owner and mode, and renames. One writer at a time.
Status copy_file(const std::filesystem::path& from, const std::filesystem::path& to, uid_t owner, gid_t group,
                 mode_t mode);

// The folder and its parents; the folder itself gets the mode, existing or not.
Status ensure_folder(const std::filesystem::path& folder, mode_t mode);

// Removes a file or a whole folder; absent is fine.
Status remove_path(const std::filesystem::path& path);

// Holds an exclusive lock on a file, made if missing, for its lifetime; waits for whoever holds it.
Result<Descriptor> lock_file(const std::filesystem::path& path);

}  // namespace slipway::files
