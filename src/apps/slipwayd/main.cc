#include <fmt/core.h>
#include <poll.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>

#include "apps/slipwayd/daemon.h"
#include "apps/slipwayd/options.h"

namespace {

// Written to by the signal handler. A handler and no blocked signals: what this process starts must not inherit a mask
// under which it could not be stopped.
int stop_event = -1;

void on_stop_signal(int) {
  const int saved = errno;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(stop_event, &one, sizeof(one)));
  errno = saved;
}

void wait_for_stop_signal() {
  pollfd wait{stop_event, POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {
  }
}

void log_to_standard_error() {
  auto logger = spdlog::stderr_logger_mt("slipwayd");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace slipway;
  const slipwayd::CommandLine line = slipwayd::parse_command_line(argc, argv, SLIPWAY_VERSION);
  if (!line.run) {
    fmt::print(line.exit_status == 0 ? stdout : stderr, "{}", line.text);
    return line.exit_status;
  }
  log_to_standard_error();
  stop_event = ::eventfd(0, EFD_CLOEXEC);
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);

  auto daemon = slipwayd::Daemon::start(line.options);
  if (!daemon) {
    spdlog::critical("cannot start: {}", daemon.error().message);
    return 1;
  }
  spdlog::info("ready endpoint={} state={} version={}", (*daemon)->endpoint(), line.options.state.string(),
               SLIPWAY_VERSION);
  wait_for_stop_signal();
  spdlog::info("stopping; VMs and control planes go on");
  daemon->reset();
  spdlog::info("stopped");
  return 0;
}
