#include "kube/hosted/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include "files/boot_id.h"

namespace slipway::kube {
namespace {

constexpr std::size_t kMaximumProcFile = 4096;

// By number: the header of glibc 2.36 declares them without C linkage.
int open_pidfd(int pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }
int signal_pidfd(int process, int signal) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0));
}

Result<std::string> read_proc(const std::string& path) {
  const files::Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail(ErrorCode::kNotFound, fmt::format("{} cannot be read", path));
  std::string content(kMaximumProcFile, '\0');
  const ssize_t count = read(file.get(), content.data(), content.size());
  if (count <= 0) return fail(ErrorCode::kNotFound, fmt::format("{} cannot be read", path));
  content.resize(static_cast<std::size_t>(count));
  return content;
}

struct ProcessState {
  char state = '?';
  std::uint64_t start_ticks = 0;
};

// The program's name in field 2 may hold spaces and parentheses, so the fields are counted from its last ')'.
Result<ProcessState> read_state(int pid) {
  SLIPWAY_ASSIGN(const std::string text, read_proc(fmt::format("/proc/{}/stat", pid)));
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos || end_of_name + 2 >= text.size())
    return fail(ErrorCode::kInternal, fmt::format("/proc/{}/stat has an unknown form", pid));
  ProcessState result;
  result.state = text[end_of_name + 2];
  std::size_t at = end_of_name + 2;
  for (int field = 3; field < 22; ++field) {
    at = text.find(' ', at);
    if (at == std::string::npos)
      return fail(ErrorCode::kInternal, fmt::format("/proc/{}/stat has too few fields", pid));
    ++at;
  }
  const auto parsed = std::from_chars(text.data() + at, text.data() + text.size(), result.start_ticks);
  if (parsed.ec != std::errc()) return fail(ErrorCode::kInternal, fmt::format("/proc/{}/stat has no start time", pid));
  return result;
}

std::optional<uid_t> real_user(int pid) {
  const Result<std::string> text = read_proc(fmt::format("/proc/{}/status", pid));
  constexpr std::string_view kField = "\nUid:\t";
  const std::size_t at = text ? text->find(kField) : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  uid_t user = 0;
  const auto parsed = std::from_chars(text->data() + at + kField.size(), text->data() + text->size(), user);
  return parsed.ec == std::errc() ? std::optional<uid_t>(user) : std::nullopt;
}

// All that happens between fork and exec: system calls alone, for the parent may have other threads.
struct ChildPlan {
  int gate, report, program, folder, log, null;
  const std::vector<int>* inherited;
  bool change_account;
  Account account;
  char* const* arguments;
  char* const* environment;
};

[[noreturn]] void report_and_exit(int report) {
  const int number = errno;
  [[maybe_unused]] const ssize_t ignored = write(report, &number, sizeof number);
  _exit(127);
}

// Moves a descriptor out of the way of the numbers that the program expects.
int moved(int number, int report) {
  const int result = fcntl(number, F_DUPFD_CLOEXEC, 64);
  if (result < 0) report_and_exit(report);
  return result;
}

[[noreturn]] void run_child(const ChildPlan& plan) {
  const int report = moved(plan.report, plan.report);
  setsid();
  char go = 0;
  // End of file: the parent died or could not put this process on record, so it must not run.
  while (read(plan.gate, &go, 1) < 0 && errno == EINTR) {
  }
  if (go != 'g') _exit(126);
  const int program = moved(plan.program, report);
  std::array<int, 32> sources{};
  for (std::size_t i = 0; i < plan.inherited->size(); ++i) sources[i] = moved((*plan.inherited)[i], report);
  if (dup2(plan.null, 0) < 0 || dup2(plan.log, 1) < 0 || dup2(plan.log, 2) < 0) report_and_exit(report);
  if (fchdir(plan.folder) != 0) report_and_exit(report);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  for (std::size_t i = 0; i < plan.inherited->size(); ++i)
    if (dup2(sources[i], kFirstInherited + static_cast<int>(i)) < 0) report_and_exit(report);
  if (plan.change_account && (syscall(SYS_setgroups, 0, nullptr) != 0 ||
                              syscall(SYS_setresgid, plan.account.group, plan.account.group, plan.account.group) != 0 ||
                              syscall(SYS_setresuid, plan.account.user, plan.account.user, plan.account.user) != 0))
    report_and_exit(report);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  umask(077);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execveat(program, "", plan.arguments, plan.environment, AT_EMPTY_PATH);
  report_and_exit(report);
}

struct Pipe {
  files::Descriptor read_end, write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(ErrorCode::kInternal, "pipe2 failed");
  return Pipe{files::Descriptor(ends[0]), files::Descriptor(ends[1])};
}

// Sockets, because a write to one whose other end is gone can be told not to raise SIGPIPE.
Result<Pipe> make_gate() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(ErrorCode::kInternal, "socketpair failed");
  return Pipe{files::Descriptor(ends[0]), files::Descriptor(ends[1])};
}

void reap(pid_t child) {
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<ProcessIdentity> identify(int pid) {
  SLIPWAY_ASSIGN(const ProcessState state, read_state(pid));
  if (state.state == 'Z' || state.state == 'X')
    return fail(ErrorCode::kNotFound, fmt::format("process {} has ended", pid));
  return ProcessIdentity{pid, state.start_ticks, files::read_boot_id().value_or("")};
}

bool is_running(const ProcessIdentity& identity, uid_t user) {
  if (identity.pid <= 0 || identity.boot_id.empty()) return false;
  const Result<ProcessIdentity> found = identify(identity.pid);
  return found && *found == identity && real_user(identity.pid) == user;
}

Result<files::Descriptor> watch(const ProcessIdentity& identity, uid_t user) {
  // Opened first and compared after: the descriptor then stands for the process that was compared.
  files::Descriptor descriptor(identity.pid > 0 ? open_pidfd(identity.pid) : -1);
  if (!descriptor || !is_running(identity, user))
    return fail(ErrorCode::kNotFound, fmt::format("process {} has ended", identity.pid));
  return descriptor;
}

Status send_signal(const ProcessIdentity& identity, uid_t user, int signal) {
  SLIPWAY_ASSIGN(const files::Descriptor process, watch(identity, user));
  if (signal_pidfd(process.get(), signal) == 0) return {};
  if (errno == ESRCH) return fail(ErrorCode::kNotFound, fmt::format("process {} has ended", identity.pid));
  return fail(ErrorCode::kInternal,
              fmt::format("process {} cannot be signalled: {}", identity.pid, std::strerror(errno)));
}

Status stop(const ProcessIdentity& identity, uid_t user, std::chrono::milliseconds grace) {
  const Result<files::Descriptor> process = watch(identity, user);
  if (!process) return {};
  const auto ended_within = [&](int wait_milliseconds) {
    pollfd wanted{process->get(), POLLIN, 0};
    const bool ended = poll(&wanted, 1, wait_milliseconds) > 0;
    // A child of our own stays in the process table until it is waited for; another's wait fails and changes nothing.
    if (ended) waitpid(identity.pid, nullptr, WNOHANG);
    return ended;
  };
  signal_pidfd(process->get(), SIGTERM);
  if (ended_within(static_cast<int>(grace.count()))) return {};
  signal_pidfd(process->get(), SIGKILL);
  if (ended_within(10000)) return {};
  return fail(ErrorCode::kInternal, fmt::format("process {} does not end, not even by SIGKILL", identity.pid));
}

Result<ProcessIdentity> launch(const Launch& launch, const std::function<Status(const ProcessIdentity&)>& record) {
  if (launch.inherited.size() > 32) return fail(ErrorCode::kInvalidArgument, "too many inherited descriptors");
  SLIPWAY_ASSIGN(Pipe gate, make_gate());
  SLIPWAY_ASSIGN(Pipe report, make_pipe());
  const files::Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<std::string> words = launch.arguments;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment{path.data(), nullptr};
  const ChildPlan plan{gate.read_end.get(), report.write_end.get(),
                       launch.program,      launch.folder,
                       launch.log,          null.get(),
                       &launch.inherited,   geteuid() != launch.account.user,
                       launch.account,      arguments.data(),
                       environment.data()};
  const pid_t child = fork();
  if (child < 0) return fail(ErrorCode::kResourceExhausted, fmt::format("fork failed: {}", std::strerror(errno)));
  if (child == 0) {
    // Else the child would keep its own gate open and wait for ever if the parent died.
    close(gate.write_end.get());
    run_child(plan);
  }
  const auto abandon = [&](Error error) {
    gate.write_end = files::Descriptor();
    reap(child);
    return fail(std::move(error));
  };
  const Result<ProcessIdentity> identity = identify(child);
  if (!identity) return abandon(identity.error());
  if (const Status recorded = record(*identity); !recorded) return abandon(recorded.error());
  report.write_end = files::Descriptor();
  if (send(gate.write_end.get(), "g", 1, MSG_NOSIGNAL) != 1)
    return abandon(Error{ErrorCode::kInternal, "the new process is gone", {}, {}});
  int number = 0;
  ssize_t count = 0;
  while ((count = read(report.read_end.get(), &number, sizeof number)) < 0 && errno == EINTR) {
  }
  if (count == static_cast<ssize_t>(sizeof number)) {
    reap(child);
    return fail(ErrorCode::kInternal,
                fmt::format("{} cannot be started: {}", launch.arguments.front(), std::strerror(number)));
  }
  return *identity;
}

}  // namespace slipway::kube
