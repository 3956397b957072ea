#include "host/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "files/file.h"

namespace slipway::host {
namespace {

constexpr std::size_t kShownLine = 500;

struct Pipe {
  files::Descriptor read_end, write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(files::system_error("a pipe cannot be made"));
  return Pipe{files::Descriptor(ends[0]), files::Descriptor(ends[1])};
}

// A file in memory, so that a process that does not read its input cannot block anybody.
Result<files::Descriptor> input_file(const std::string& text) {
  files::Descriptor file(::memfd_create("input", MFD_CLOEXEC));
  if (!file) return fail(files::system_error("a file in memory cannot be made"));
  SLIPWAY_TRY(files::write_all(file.get(), as_bytes(text), "the input of a process"));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

class SpawnSettings {
 public:
  SpawnSettings(int input, int output, int error) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, error, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    ::posix_spawnattr_init(&attributes_);
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    ::sigaddset(&signals, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

Result<pid_t> spawn(const std::vector<std::string>& argv, const SpawnSettings& settings) {
  std::vector<std::string> words = argv;
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  std::array<std::string, 3> environment{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                         "HOME=/root", "LC_ALL=C.UTF-8"};
  std::array<char*, 4> variables{environment[0].data(), environment[1].data(), environment[2].data(), nullptr};
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, pointers[0], settings.actions(), settings.attributes(), pointers.data(), variables.data());
  if (error != 0) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} cannot be started: {}; is its package installed?", argv[0], std::strerror(error)));
  }
  return pid;
}

// Appends what is there now. False once the stream has ended.
bool drain(int descriptor, std::string& into, std::size_t maximum) {
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    const auto room = maximum - std::min(maximum, into.size());
    into.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
  }
}

// Reads both streams until the process itself has ended: a daemon that it left behind may hold them open for ever.
// False if it did not end in time.
bool read_until_end(int process, int output, int error_output, const ProcessOptions& options, ProcessOutput& result) {
  const auto deadline = std::chrono::steady_clock::now() + options.timeout;
  std::array<pollfd, 3> watched{pollfd{process, POLLIN, 0}, pollfd{output, POLLIN, 0}, pollfd{error_output, POLLIN, 0}};
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    if (::poll(watched.data(), watched.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) return false;
    if (!drain(output, result.output, options.maximum_output)) watched[1].fd = -1;
    if (!drain(error_output, result.error_output, options.maximum_output)) watched[2].fd = -1;
    if ((watched[0].revents & POLLIN) != 0) break;
  }
  drain(output, result.output, options.maximum_output);
  drain(error_output, result.error_output, options.maximum_output);
  return true;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const auto start = text.rfind('\n');
  return std::string(start == std::string_view::npos ? text : text.substr(start + 1));
}

}  // namespace

Result<ProcessOutput> run_process(const ProcessOptions& options) {
  if (options.argv.empty()) return fail(ErrorCode::kInternal, "a process without a name");
  SLIPWAY_ASSIGN(const files::Descriptor input, input_file(options.input));
  SLIPWAY_ASSIGN(Pipe output, make_pipe());
  SLIPWAY_ASSIGN(Pipe error_output, make_pipe());
  const SpawnSettings settings(input.get(), output.write_end.get(), error_output.write_end.get());
  SLIPWAY_ASSIGN(const pid_t pid, spawn(options.argv, settings));
  output.write_end = {};
  error_output.write_end = {};
  ::fcntl(output.read_end.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(error_output.read_end.get(), F_SETFL, O_NONBLOCK);

  ProcessOutput result;
  const files::Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const bool ended = read_until_end(process.get(), output.read_end.get(), error_output.read_end.get(), options, result);
  if (!ended) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) {
    return fail(ErrorCode::kUnavailable, fmt::format("{} did not end within {} s and was killed", options.argv[0],
                                                     std::chrono::ceil<seconds>(options.timeout).count()));
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

Result<std::string> run_checked(const ProcessOptions& options) {
  SLIPWAY_ASSIGN(ProcessOutput result, run_process(options));
  if (result.exit_code != 0) {
    const std::string& said = result.error_output.empty() ? result.output : result.error_output;
    return fail(ErrorCode::kUnavailable, fmt::format("{} failed with exit code {}: {}", options.argv[0],
                                                     result.exit_code, printable(last_line(said), kShownLine)));
  }
  return std::move(result.output);
}

}  // namespace slipway::host
