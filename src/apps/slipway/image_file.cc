#include "apps/slipway/image_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "apps/slipway/inspect_verbs.h"
#include "bootchain/event_text.h"
#include "bootchain/gpt.h"
#include "image/qcow2_header.h"

extern char** environ;

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlockSize = 512;
constexpr std::uint64_t kPartitionHead = 1U << 20;  // of each partition but the boot one: enough for a superblock
constexpr std::size_t kMaximumAnswer = 1U << 20, kMaximumComplaint = 1024;
constexpr std::uint64_t kMaximumPart = 1U << 30;  // an image of few bytes can say that it has any number of them
constexpr int kQemuImgSeconds = 120;
constexpr std::size_t kBackingFile = 8, kIncompatibleFeatures = 72;  // offsets in a qcow2 file's header

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

struct OpenFile {
  std::shared_ptr<const File> file;
  std::uint64_t size = 0;
};

Result<OpenFile> open_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kPermissionDenied;
    return fail(code, fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  }
  OpenFile opened{std::make_shared<const File>(descriptor), 0};
  const off_t end = ::lseek(descriptor, 0, SEEK_END);  // the size of a block device too
  struct stat status = {};
  if (end < 0 || ::fstat(descriptor, &status) != 0 || S_ISDIR(status.st_mode))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no disk image: it is a folder or a pipe", path.string()));
  opened.size = static_cast<std::uint64_t>(end);
  return opened;
}

Result<Bytes> read_at(const File& file, std::uint64_t offset, std::size_t size) {
  Bytes bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::pread(file.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      return fail(ErrorCode::kUnavailable, fmt::format("the image cannot be read: {}", std::strerror(errno)));
    if (count == 0)
      return fail(ErrorCode::kMalformed, fmt::format("at offset {}: {} bytes were expected, but the disk ends there",
                                                     offset + done, size - done));
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

// A part of the disk that lies in a file of its own.
struct Piece {
  std::uint64_t start = 0;
  OpenFile content;
};

class TemporaryFolder {
 public:
  static Result<std::unique_ptr<TemporaryFolder>> make() {
    const char* parent = std::getenv("TMPDIR");
    std::string name = fmt::format("{}/slipway-image-XXXXXX", parent != nullptr && *parent != '\0' ? parent : "/tmp");
    if (::mkdtemp(name.data()) == nullptr)
      return fail(ErrorCode::kUnavailable, fmt::format("cannot make a folder {}: {}", name, std::strerror(errno)));
    return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(name));
  }
  ~TemporaryFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

struct Answer {
  int status = 0;
  std::string complaint;  // the last line of it, which says what the others, warnings, do not
};

std::string text_of(const fs::path& path) {
  const auto opened = open_file(path);
  if (!opened) return {};
  const auto bytes =
      read_at(*opened->file, 0, static_cast<std::size_t>(std::min<std::uint64_t>(opened->size, kMaximumAnswer)));
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

std::string last_line(std::string_view text) {
  const std::size_t end = text.find_last_not_of("\r\n");
  text = end == std::string_view::npos ? std::string_view() : text.substr(0, end + 1);
  return bootchain::one_line(text.substr(text.find_last_of("\r\n") + 1), kMaximumComplaint);
}

// Without /proc's descriptor of a process (Linux 5.3) nobody knows: then it is waited for.
bool ends_in_time(pid_t child) {
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (descriptor < 0) return true;
  const File process(descriptor);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(kQemuImgSeconds);
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd watched{process.get(), POLLIN, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(left));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
  }
}

Result<Answer> run_qemu_img(std::vector<std::string> words, const fs::path& folder) {
  words.insert(words.begin(), "qemu-img");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const fs::path output = folder / "output", complaint = folder / "complaint";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, complaint.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, "qemu-img", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return fail(ErrorCode::kUnavailable,
                fmt::format("qemu-img, which reads qcow2 images, cannot run: {}; install the package qemu-utils",
                            std::strerror(error)));
  const bool ended = ends_in_time(child);
  if (!ended) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR)
      return fail(ErrorCode::kInternal, fmt::format("waiting for qemu-img: {}", std::strerror(errno)));
  }
  if (!ended)
    return fail(ErrorCode::kUnavailable,
                fmt::format("qemu-img did not end within {} s and was stopped", kQemuImgSeconds));
  return Answer{WIFEXITED(status) ? WEXITSTATUS(status) : -1, last_line(text_of(complaint))};
}

// A disk image in QEMU's own form, part by part.
class Qcow2 {
 public:
  static Result<std::unique_ptr<Qcow2>> open(const fs::path& path, ByteView start) {
    SLIPWAY_ASSIGN(const image::UnverifiedQcow2Header header, image::read_qcow2_header(start));
    if (header.names_backing_file || header.names_data_file)
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: the image names {} for its data, and what somebody else's image names is "
                              "not opened; where you know that file, \"qemu-img convert -O qcow2\" makes one image of "
                              "both",
                              header.names_data_file ? kIncompatibleFeatures : kBackingFile,
                              header.names_data_file ? "another file" : "a backing file"));
    std::error_code error;
    auto image = std::unique_ptr<Qcow2>(new Qcow2(fs::absolute(path, error), header.virtual_size));
    SLIPWAY_ASSIGN(image->folder_, TemporaryFolder::make());
    return image;
  }

  std::uint64_t virtual_size() const { return virtual_size_; }

  // Makes a part of the disk readable.
  Status take(std::uint64_t start, std::uint64_t size) {
    if (start > virtual_size_ || size > virtual_size_ - start) return {};  // whoever reads it will say so
    if (size > kMaximumPart)
      return fail(
          ErrorCode::kResourceExhausted,
          fmt::format("at offset {} of the disk: a boot partition of at most {} MiB was expected, not one of {} "
                      "bytes",
                      start, kMaximumPart >> 20, size));
    const fs::path part = folder_->path() / fmt::format("part-{}", start);
    std::string name;  // QEMU splits its options at commas; a doubled one is a comma
    for (const char letter : path_.string()) name.append(letter == ',' ? 2 : 1, letter);
    SLIPWAY_ASSIGN(const Answer answer,
                   run_qemu_img({"convert", "-U", "--image-opts", "-O", "raw",
                                 // An empty "backing" opens none.
                                 fmt::format("driver=raw,offset={},size={},file.driver=qcow2,file.backing=,"
                                             "file.file.driver=file,file.file.filename={}",
                                             start, size, name),
                                 part.string()},
                                folder_->path()));
    if (answer.status != 0)
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {} of the disk: {} bytes were expected, but qemu-img says: {}", start, size,
                              answer.complaint));
    SLIPWAY_ASSIGN(OpenFile content, open_file(part));
    pieces_.push_back({start, std::move(content)});
    return {};
  }

  Result<Bytes> read(std::uint64_t offset, std::size_t size) const {
    if (offset > virtual_size_ || size > virtual_size_ - offset)
      return fail(ErrorCode::kMalformed, fmt::format("at offset {}: {} bytes were expected, but the disk ends at {}",
                                                     offset, size, virtual_size_));
    for (const Piece& piece : pieces_)
      if (offset >= piece.start && offset - piece.start <= piece.content.size &&
          size <= piece.content.size - (offset - piece.start))
        return read_at(*piece.content.file, offset - piece.start, size);
    return fail(ErrorCode::kInternal,
                fmt::format("{} bytes at offset {} of the disk were not taken out", size, offset));
  }

 private:
  Qcow2(fs::path path, std::uint64_t size) : path_(std::move(path)), virtual_size_(size) {}
  fs::path path_;
  std::uint64_t virtual_size_ = 0;
  std::unique_ptr<TemporaryFolder> folder_;
  std::vector<Piece> pieces_;
};

Result<image::DiskImage> read_qcow2(const fs::path& path, ByteView header) {
  SLIPWAY_ASSIGN(const std::unique_ptr<Qcow2> disk, Qcow2::open(path, header));
  const std::uint64_t start = std::min<std::uint64_t>(bootchain::kPartitionTableBytes, disk->virtual_size());
  SLIPWAY_TRY(disk->take(0, start));
  const auto read = [&disk](std::uint64_t offset, std::size_t size) { return disk->read(offset, size); };
  SLIPWAY_ASSIGN(const Bytes head, read(0, bootchain::kPartitionTableBytes));
  SLIPWAY_ASSIGN(const bootchain::PartitionTable table, bootchain::read_partition_table(head));
  bool has_boot = false;
  for (const bootchain::GptPartition& partition : table.partitions) {
    const std::uint64_t blocks = disk->virtual_size() / kBlockSize;
    if (partition.first_block > partition.last_block || partition.last_block >= blocks) continue;
    const std::uint64_t size = (partition.last_block - partition.first_block + 1) * kBlockSize;
    const bool boot = to_string(partition.type) == bootchain::kEfiSystemPartition;
    // Of a second one the reader says that it is one too many.
    if (boot && std::exchange(has_boot, true)) continue;
    SLIPWAY_TRY(disk->take(partition.first_block * kBlockSize, boot ? size : std::min(size, kPartitionHead)));
  }
  return image::read_disk_image(read, disk->virtual_size());
}

Result<image::DiskImage> read_any(const fs::path& path) {
  SLIPWAY_ASSIGN(const OpenFile opened, open_file(path));
  if (opened.size >= 4) {
    const auto size = std::min<std::uint64_t>(opened.size, image::kQcow2HeaderBytes);
    SLIPWAY_ASSIGN(const Bytes start, read_at(*opened.file, 0, static_cast<std::size_t>(size)));
    if (as_text(start).substr(0, 4) == "QFI\xfb") return read_qcow2(path, start);
  }
  const auto read = [file = opened.file](std::uint64_t offset, std::size_t size) {
    return read_at(*file, offset, size);
  };
  return image::read_disk_image(read, opened.size);
}

}  // namespace

Result<image::DiskImage> read_image_file(const fs::path& path) {
  auto image = read_any(path);
  if (image) return image;
  const ErrorCode code = image.error().code;
  if (code == ErrorCode::kMalformed || code == ErrorCode::kResourceExhausted || code == ErrorCode::kInvalidArgument)
    return fail(malformed_input(path.string(), image.error()));
  return image;
}

}  // namespace slipway::cli
