#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/source_folder_for_tests.h"
#include "bench/goals.h"

extern char** environ;

// From nothing to "ready": slipwayd over an empty state folder, with neither VMs nor Kubernetes, by the clock.
namespace slipway::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kLimit = 1;
constexpr int kRepetitions = 5;
constexpr int kPatienceMilliseconds = 30'000;

// Reads until the word is there; false at the end of the stream or of patience.
bool reads(int descriptor, std::string_view word) {
  std::string text;
  std::array<char, 4096> piece{};
  for (pollfd wait{descriptor, POLLIN, 0}; ::poll(&wait, 1, kPatienceMilliseconds) == 1;) {
    const ssize_t count = ::read(descriptor, piece.data(), piece.size());
    if (count <= 0) return false;
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.find(word) != std::string::npos) return true;
  }
  return false;
}

// Seconds until it says that it is ready; nothing if it never does.
std::optional<double> start_once(const std::filesystem::path& state) {
  std::string words[] = {programs_folder() + "/slipwayd",
                         "--state",
                         state.string(),
                         "--listen",
                         "127.0.0.1:0",
                         "--host",
                         "memory:",
                         "--kubernetes",
                         "memory:"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  pid_t process = -1;
  const auto start = Clock::now();
  const bool started = ::posix_spawn(&process, arguments[0], &actions, nullptr, arguments.data(), environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  const bool ready = started && reads(ends[0], " ready endpoint=");
  const std::chrono::duration<double> taken = Clock::now() - start;
  ::close(ends[0]);
  if (started) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
  if (!ready) return std::nullopt;
  return taken.count();
}

}  // namespace

std::vector<Goal> start_goals() {
  Goal goal{"first start of slipwayd without VMs and Kubernetes", "it did not become ready", "1 s", false};
  std::string pattern = (std::filesystem::temp_directory_path() / "slipway-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return {goal};
  double slowest = 0;
  bool ready = true;
  for (int i = 0; ready && i < kRepetitions; ++i) {
    const auto taken = start_once(std::filesystem::path(pattern) / std::to_string(i));
    ready = taken.has_value();
    slowest = std::max(slowest, taken.value_or(0));
  }
  std::filesystem::remove_all(pattern);
  if (!ready) return {goal};
  goal.measured = fmt::format("{:.2f} s, the slowest of {}", slowest, kRepetitions);
  goal.reached = slowest <= kLimit;
  return {goal};
}

}  // namespace slipway::bench
