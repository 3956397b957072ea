#include <fmt/core.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/agent.h"
#include "agent/esys_attester.h"
#include "files/file.h"

namespace {

using namespace slipway;

constexpr std::string_view kHelp =
    R"(slipway-agent proves this machine's boot to Slipway and keeps the kubelet's certificates fresh.

Usage: slipway-agent [options]

  --bootstrap FILE  how to reach the server (default: $CREDENTIALS_DIRECTORY/slipway.bootstrap)
  --state DIR       where keys and the kubelet's files go (default: /var/lib/slipway)
  --cni DIR         where the pod network's configuration goes (default: /etc/cni/net.d)
  --tcti TEXT       the TPM (default: device:/dev/tpmrm0)
  --event-log FILE  the firmware's event log (default: the kernel's)
  --ima-log FILE    the kernel's IMA log (default: the kernel's)
  --version
  --help

Example, against a TPM simulator:
  slipway-agent --tcti swtpm:path=/run/swtpm.sock --bootstrap bootstrap.json --state /tmp/node --cni /tmp/node/cni
)";

constexpr std::size_t kMaximumBootstrap = 4096;

struct Options {
  std::string bootstrap;
  agent::NodePaths paths;
  agent::EsysOptions tpm;
};

void log_line(const std::string& line) {
  fmt::print(stderr, "slipway-agent: {}\n", line);
  std::fflush(stderr);
}

int usage_error(const std::string& message) {
  log_line(message + " See slipway-agent --help.");
  return 2;
}

// An exit status instead of options where the command line asks for text or is wrong.
std::optional<int> parse(int argc, char** argv, Options& options) {
  if (const char* folder = std::getenv("CREDENTIALS_DIRECTORY")) {
    options.bootstrap = std::string(folder) + "/slipway.bootstrap";
  }
  for (int at = 1; at < argc; ++at) {
    const std::string_view name = argv[at];
    if (name == "--help") {
      fmt::print("{}", kHelp);
      return 0;
    }
    if (name == "--version") {
      fmt::print("slipway-agent {}\n", SLIPWAY_VERSION);
      return 0;
    }
    if (at + 1 == argc) return usage_error(fmt::format("{} is not an option, or lacks its value.", name));
    const std::string value = argv[++at];
    if (name == "--bootstrap") {
      options.bootstrap = value;
    } else if (name == "--state") {
      options.paths.state = value;
    } else if (name == "--cni") {
      options.paths.cni = value;
    } else if (name == "--tcti") {
      options.tpm.tcti = value;
    } else if (name == "--event-log") {
      options.tpm.firmware_event_log = value;
    } else if (name == "--ima-log") {
      options.tpm.ima_log = value;
    } else {
      return usage_error(fmt::format("{} is not an option.", name));
    }
  }
  if (options.bootstrap.empty()) {
    return usage_error("No bootstrap credential: neither --bootstrap nor $CREDENTIALS_DIRECTORY is set.");
  }
  return {};
}

// Waits that a signal cuts short: SIGTERM and SIGINT are blocked and taken here.
bool wait_for(milliseconds delay) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  const timespec timeout{delay.count() / 1000, delay.count() % 1000 * 1000000};
  const int signal = ::sigtimedwait(&ends, nullptr, &timeout);
  return signal != SIGTERM && signal != SIGINT;
}

void prepare_process() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  // Private keys are in this process: no core file.
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // tpm2-tss writes warnings of its own to stderr; what matters of them comes back as an error.
  ::setenv("TSS2_LOG", "all+NONE", 0);
}

Result<enrolment::Bootstrap> read_bootstrap(const std::string& path) {
  SLIPWAY_ASSIGN(const Bytes json, files::read_file(path, kMaximumBootstrap));
  return enrolment::bootstrap_from_json(as_text(json));
}

int run(const Options& options) {
  auto bootstrap = read_bootstrap(options.bootstrap);
  if (!bootstrap) {
    log_line("no way to reach the server: " + bootstrap.error().message);
    return 1;
  }
  std::unique_ptr<agent::EsysAttester> attester;
  if (bootstrap->secret.empty()) {
    auto opened = agent::EsysAttester::open(options.tpm);
    if (!opened) {
      log_line(opened.error().message);
      return 1;
    }
    attester = std::move(*opened);
  }
  log_line(fmt::format("instance {} enrols at {} by {}", bootstrap->instance, bootstrap->endpoint,
                       attester ? "attestation" : "one-time secret"));
  const SystemClock clock;
  SystemRandom random;
  const enrolment::Transport transport = agent::https_transport(*bootstrap);
  agent::run_agent(
      {std::move(*bootstrap), transport, attester.get(), options.paths, clock, random, wait_for, log_line});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  Options options;
  if (const auto status = parse(argc, argv, options)) return *status;
  return run(options);
}
