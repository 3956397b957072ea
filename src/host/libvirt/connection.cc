#include "host/libvirt/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "files/file.h"
#include "host/process.h"

namespace slipway::host {
namespace {

constexpr milliseconds kStartTimeout{20'000};
constexpr milliseconds kStartPoll{100};

struct Daemon {
  const char* name;
  const char* pid_file;
};
constexpr Daemon kLogDaemon{"virtlogd", "/run/virtlogd.pid"};
constexpr Daemon kVirtualizationDaemon{"libvirtd", "/run/libvirtd.pid"};
constexpr const char* kQemuConfiguration = "/etc/libvirt/qemu.conf";
constexpr std::size_t kMaximumConfiguration = 1U << 20;

// libvirt prints every error to stderr unless told otherwise; here each becomes a value.
void ignore_error(void* /*data*/, virErrorPtr /*error*/) {}

bool is_process(int pid, std::string_view name) {
  const auto said = files::read_file(fmt::format("/proc/{}/comm", pid), 64);
  return said && as_text(*said) == std::string(name) + "\n";
}

std::optional<int> running(const Daemon& daemon) {
  const auto text = files::read_file(daemon.pid_file, 64);
  int pid = 0;
  if (!text) return std::nullopt;
  const std::string_view digits = as_text(*text);
  if (std::from_chars(digits.data(), digits.data() + digits.size(), pid).ec != std::errc{}) return std::nullopt;
  return is_process(pid, daemon.name) ? std::optional(pid) : std::nullopt;
}

// The recorded process ids that still are daemons: after a reboot the numbers belong to anybody.
std::vector<int> recorded_daemons(const std::filesystem::path& file) {
  std::vector<int> pids;
  const auto text = files::read_file(file, 4096);
  if (!text) return pids;
  std::istringstream lines{std::string(as_text(*text))};
  int pid = 0;
  while (lines >> pid) {
    if (is_process(pid, kLogDaemon.name) || is_process(pid, kVirtualizationDaemon.name)) pids.push_back(pid);
  }
  return pids;
}

Status record_daemons(const std::filesystem::path& file, const std::vector<int>& pids) {
  std::string text;
  for (const int pid : pids) text += fmt::format("{}\n", pid);
  return files::replace_file(file, as_bytes(text), 0644);
}

bool root_is_mount_point() {
  struct statx found {};
  if (::statx(AT_FDCWD, "/", AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &found) != 0) return true;
  return (found.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0 ||
         (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// libvirt gives each QEMU a mount namespace of its own, which it cannot make where the root is no mount point: in a
// chroot, such as tests of installation run in. There libvirtd finds its own configuration with that switched off;
// nobody else does, and the file of the machine stays as it is.
Result<std::vector<std::string>> daemon_command(const Daemon& daemon, const std::filesystem::path& state) {
  if (&daemon != &kVirtualizationDaemon || root_is_mount_point()) return std::vector<std::string>{daemon.name, "-d"};
  SLIPWAY_ASSIGN(const Bytes original, files::read_file(kQemuConfiguration, kMaximumConfiguration));
  const std::filesystem::path own = state / "qemu.conf";
  SLIPWAY_TRY(files::replace_file(own, as_bytes(std::string(as_text(original)) + "\nnamespaces = []\n"), 0600));
  constexpr const char* kBind = R"(mount --bind "$1" "$2" && exec "$0" -d)";
  return std::vector<std::string>{"unshare", "--mount", "--propagation", "unchanged",  "sh",
                                  "-c",      kBind,     daemon.name,     own.native(), kQemuConfiguration};
}

Result<int> start_daemon(const Daemon& daemon, const std::filesystem::path& state) {
  SLIPWAY_ASSIGN(std::vector<std::string> command, daemon_command(daemon, state));
  SLIPWAY_TRY(run_checked({.argv = std::move(command), .timeout = kStartTimeout}));
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto pid = running(daemon)) return *pid;
    std::this_thread::sleep_for(kStartPoll);
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("{} was started, but {} does not name it", daemon.name, daemon.pid_file));
}

}  // namespace

Connection::Connection(std::string uri, std::filesystem::path daemons_file)
    : uri_(std::move(uri)), daemons_file_(std::move(daemons_file)) {
  virSetErrorFunc(nullptr, ignore_error);
}

Result<std::shared_ptr<virConnect>> Connection::get() {
  const std::lock_guard lock(mutex_);
  if (connection_ && virConnectIsAlive(connection_.get()) == 1) return connection_;
  connection_.reset();
  if (auto opened = open()) return connection_ = *opened;
  SLIPWAY_TRY(start_daemons());
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (true) {
    auto opened = open();
    if (opened) return connection_ = *opened;
    if (std::chrono::steady_clock::now() > deadline) return fail(std::move(opened).error());
    std::this_thread::sleep_for(kStartPoll);
  }
}

Result<std::shared_ptr<virConnect>> Connection::open() {
  ConnectionHandle handle(virConnectOpen(uri_.c_str()));
  if (!handle) return fail(libvirt_error("libvirt at " + uri_ + " does not answer"));
  return std::shared_ptr<virConnect>(std::move(handle));
}

Status Connection::start_daemons() {
  if (uri_ != "qemu:///system") return {};
  std::error_code ignored;
  if (std::filesystem::is_directory("/run/systemd/system", ignored)) {
    SLIPWAY_TRY(run_checked({.argv = {"systemctl", "start", "libvirtd.service"}, .timeout = kStartTimeout}));
    return {};
  }
  std::vector<int> pids = recorded_daemons(daemons_file_);
  for (const Daemon* daemon : {&kLogDaemon, &kVirtualizationDaemon}) {
    if (running(*daemon)) continue;
    SLIPWAY_ASSIGN(const int pid, start_daemon(*daemon, daemons_file_.parent_path()));
    pids.push_back(pid);
    SLIPWAY_TRY(record_daemons(daemons_file_, pids));
  }
  return {};
}

}  // namespace slipway::host
