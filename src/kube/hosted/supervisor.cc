#include "kube/hosted/supervisor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>

#include "base/time.h"
#include "kube/hosted/log_rotation.h"

namespace slipway::kube {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::duration_cast;

constexpr std::chrono::milliseconds kPortPoll{300};
constexpr std::chrono::milliseconds kLogCheck{5000};

void say(const std::string& line) {
  const std::string text = fmt::format("{} {}\n", to_rfc3339(SystemClock().now()), line);
  [[maybe_unused]] const ssize_t ignored = write(2, text.data(), text.size());
}

struct Slot {
  HostedProgram program;
  std::string digest;
  int descriptor = -1;
  std::optional<ProcessIdentity> running;
  files::Descriptor watched;
  SteadyClock::time_point started, next_start;
  std::chrono::milliseconds backoff{0};
};

// True if "127.0.0.1:2379" takes a connection within a fifth of a second.
bool takes_connections(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  std::uint16_t port = 0;
  if (colon == std::string::npos || inet_pton(AF_INET, address.substr(0, colon).c_str(), &peer.sin_addr) != 1 ||
      std::from_chars(address.data() + colon + 1, address.data() + address.size(), port).ec != std::errc())
    return false;
  peer.sin_port = htons(port);
  const files::Descriptor connection(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!connection) return false;
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0) return true;
  pollfd wanted{connection.get(), POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  return errno == EINPROGRESS && poll(&wanted, 1, 200) == 1 &&
         getsockopt(connection.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

class Supervisor {
 public:
  Supervisor(const PrivateFolder& folder, const SupervisorTimes& times) : folder_(folder), times_(times) {}

  Status load(const std::vector<int>& descriptors) {
    SLIPWAY_ASSIGN(const std::optional<std::string> text, folder_.read(kPlanFile));
    if (!text) return fail(ErrorCode::kNotFound, fmt::format("{} has no {}", folder_.path().string(), kPlanFile));
    SLIPWAY_ASSIGN(HostedPlan plan, plan_from_json(*text));
    if (plan.programs.size() != descriptors.size())
      return fail(ErrorCode::kInvalidArgument, fmt::format("the plan has {} programs, but {} descriptors were given",
                                                           plan.programs.size(), descriptors.size()));
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      Slot slot;
      slot.digest = digest_of(plan.programs[i]);
      slot.program = std::move(plan.programs[i]);
      slot.descriptor = descriptors[i];
      slots_.push_back(std::move(slot));
    }
    SLIPWAY_TRY(folder_.make_folder("logs"));
    return adopt();
  }

  Status run(int signals) {
    for (;;) {
      start_due();
      SLIPWAY_ASSIGN(const int signal, wait(signals));
      if (signal == SIGTERM || signal == SIGINT) return stop_all();
      if (signal == SIGUSR1) return {};
      if (folder_is_gone()) {
        say("the run folder has been removed; stopping all");
        return stop_all();
      }
      collect_ended();
    }
  }

 private:
  Status adopt() {
    SLIPWAY_ASSIGN(const std::optional<std::string> text, folder_.read(kProcessesFile));
    if (!text) return {};
    SLIPWAY_ASSIGN(const std::vector<RecordedProcess> recorded, processes_from_json(*text));
    for (const RecordedProcess& process : recorded) {
      Result<files::Descriptor> watched = watch(process.identity, folder_.owner().user);
      if (!watched) continue;
      const auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& candidate) {
        return candidate.digest == process.digest && !candidate.running;
      });
      if (slot == slots_.end()) {
        say(fmt::format("stopping {} (pid {}): the plan has changed", process.name, process.identity.pid));
        SLIPWAY_TRY(stop(process.identity, folder_.owner().user, times_.stop_grace));
        continue;
      }
      say(fmt::format("adopted {} (pid {})", process.name, process.identity.pid));
      slot->running = process.identity;
      slot->watched = std::move(*watched);
      slot->started = SteadyClock::now();
    }
    return save();
  }

  Status save() const {
    std::vector<RecordedProcess> recorded;
    for (const Slot& slot : slots_)
      if (slot.running) recorded.push_back(RecordedProcess{slot.program.name, slot.digest, *slot.running});
    return folder_.write(kProcessesFile, to_json(recorded));
  }

  void start_due() {
    for (Slot& slot : slots_) {
      if (slot.running || SteadyClock::now() < slot.next_start) continue;
      if (!slot.program.after.empty() && !takes_connections(slot.program.after)) {
        slot.next_start = SteadyClock::now() + kPortPoll;
        continue;
      }
      if (const Status started = start(slot); !started) {
        say(fmt::format("{} did not start: {}", slot.program.name, started.error().message));
        slot.running.reset();
        slot.watched = files::Descriptor();
        back_off(slot);
      }
    }
  }

  Status start(Slot& slot) {
    SLIPWAY_ASSIGN(const files::Descriptor log, folder_.open_log("logs/" + slot.program.name + ".log"));
    Launch wanted;
    wanted.arguments = {slot.program.name};
    wanted.arguments.insert(wanted.arguments.end(), slot.program.arguments.begin(), slot.program.arguments.end());
    wanted.program = slot.descriptor;
    wanted.folder = folder_.descriptor();
    wanted.log = log.get();
    wanted.account = folder_.owner();
    slot.started = SteadyClock::now();
    SLIPWAY_TRY(launch(wanted, [&](const ProcessIdentity& identity) -> Status {
      slot.running = identity;
      return save();
    }));
    say(fmt::format("started {} (pid {})", slot.program.name, slot.running->pid));
    Result<files::Descriptor> watched = watch(*slot.running, folder_.owner().user);
    // It may have ended already; then it is collected like any other, after its backoff.
    if (!watched) {
      waitpid(slot.running->pid, nullptr, WNOHANG);
      return fail(watched.error());
    }
    slot.watched = std::move(*watched);
    return {};
  }

  void back_off(Slot& slot) {
    const bool steady = SteadyClock::now() - slot.started >= times_.steady_after;
    slot.backoff =
        steady || slot.backoff.count() == 0 ? times_.first_backoff : std::min(slot.backoff * 2, times_.longest_backoff);
    slot.next_start = SteadyClock::now() + slot.backoff;
  }

  void collect_ended() {
    for (Slot& slot : slots_) {
      if (!slot.running) continue;
      pollfd ended{slot.watched.get(), POLLIN, 0};
      if (poll(&ended, 1, 0) <= 0) continue;
      int status = 0;
      const bool ours = waitpid(slot.running->pid, &status, WNOHANG) == slot.running->pid;
      const std::string how = !ours                 ? "ended"
                              : WIFSIGNALED(status) ? fmt::format("was ended by signal {}", WTERMSIG(status))
                                                    : fmt::format("ended with status {}", WEXITSTATUS(status));
      slot.running.reset();
      slot.watched = files::Descriptor();
      back_off(slot);
      say(fmt::format("{} {}; starting it again in {} ms", slot.program.name, how, slot.backoff.count()));
    }
  }

  // Returns a signal that came, or 0 when a program ended or a time has come.
  Result<int> wait(int signals) {
    std::vector<pollfd> wanted{{signals, POLLIN, 0}};
    auto until = SteadyClock::now() + kLogCheck;
    for (const Slot& slot : slots_) {
      if (slot.running)
        wanted.push_back({slot.watched.get(), POLLIN, 0});
      else
        until = std::min(until, slot.next_start);
    }
    const auto left =
        std::max(duration_cast<milliseconds>(until - SteadyClock::now()), milliseconds(0)) + milliseconds(1);
    poll(wanted.data(), wanted.size(), static_cast<int>(left.count()));
    if (SteadyClock::now() - logs_checked_ >= kLogCheck) {
      logs_checked_ = SteadyClock::now();
      rotate_logs();
    }
    if ((wanted.front().revents & POLLIN) == 0) return 0;
    signalfd_siginfo info{};
    if (read(signals, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
    return static_cast<int>(info.ssi_signo);
  }

  void rotate_logs() const {
    std::vector<std::string> names{"supervisor"};
    for (const Slot& slot : slots_) names.push_back(slot.program.name);
    for (const std::string& name : names)
      if (const Status rotated = rotate_log(folder_, "logs/" + name + ".log", times_.maximum_log); !rotated)
        say(rotated.error().message);
  }

  // Somebody deleted the state instead of asking for the cluster to be removed: nobody could ever find it again.
  bool folder_is_gone() const {
    struct stat status {};
    return fstat(folder_.descriptor(), &status) == 0 && status.st_nlink == 0;
  }

  Status stop_all() {
    for (auto slot = slots_.rbegin(); slot != slots_.rend(); ++slot) {
      if (!slot->running) continue;
      say(fmt::format("stopping {} (pid {})", slot->program.name, slot->running->pid));
      SLIPWAY_TRY(stop(*slot->running, folder_.owner().user, times_.stop_grace));
      slot->running.reset();
    }
    // Nothing runs any more, whether or not that can be written down.
    static_cast<void>(save());
    return {};
  }

  const PrivateFolder& folder_;
  const SupervisorTimes times_;
  std::vector<Slot> slots_;
  SteadyClock::time_point logs_checked_;
};

}  // namespace

Status run_supervisor(const PrivateFolder& folder, const std::vector<int>& programs, const SupervisorTimes& times) {
  SLIPWAY_ASSIGN(const files::Descriptor lock, folder.open_log(kSupervisorLock));
  // The holder may be one that was killed while it started a program: that program's process, not yet exec'd, holds the
  // lock for a moment longer.
  const auto deadline = SteadyClock::now() + times.lock_wait;
  while (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (SteadyClock::now() >= deadline)
      return fail(ErrorCode::kConflict, fmt::format("another supervisor runs in {}", folder.path().string()));
    poll(nullptr, 0, 20);
  }
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGCHLD}) sigaddset(&wanted, number);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  const files::Descriptor signals(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return fail(ErrorCode::kInternal, "signalfd failed");
  Supervisor supervisor(folder, times);
  SLIPWAY_TRY(supervisor.load(programs));
  return supervisor.run(signals.get());
}

Status stop_recorded_processes(const PrivateFolder& folder, std::chrono::milliseconds grace) {
  SLIPWAY_ASSIGN(const std::optional<std::string> text, folder.read(kProcessesFile));
  if (!text) return {};
  SLIPWAY_ASSIGN(const std::vector<RecordedProcess> recorded, processes_from_json(*text));
  for (auto process = recorded.rbegin(); process != recorded.rend(); ++process)
    SLIPWAY_TRY(stop(process->identity, folder.owner().user, grace));
  return {};
}

}  // namespace slipway::kube
