#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

// A real TPM 2.0 without a machine, for the tests that need one.
namespace slipway::testing {

namespace fs = std::filesystem;

inline fs::path make_folder() {
  std::string path = (fs::temp_directory_path() / "slipway-test-XXXXXX").string();
  EXPECT_NE(::mkdtemp(path.data()), nullptr);
  return path;
}

// Runs a program to its end and gives its exit status, or leaves it running if `child` is given. Its output goes to
// `output`.
inline int run(std::vector<std::string> arguments, pid_t* child = nullptr, const std::string& output = "/dev/null") {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return failure;
  if (child != nullptr) {
    *child = pid;
    return 0;
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

// A swtpm of our own behind a unix socket, made as a host makes a VM's: EK at its persistent handle, sha256 bank alone.
class Simulator {
 public:
  explicit Simulator(bool persistent_endorsement_key) : folder_(make_folder()) {
    std::vector<std::string> setup{"swtpm_setup", "--tpm2", "--tpmstate", folder_.string(),
                                   "--pcr-banks", "sha256", "--overwrite"};
    if (persistent_endorsement_key) setup.push_back("--createek");
    EXPECT_EQ(run(setup), 0) << "swtpm_setup failed";
    start();
  }
  ~Simulator() {
    stop();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  void start() {
    const std::string socket = (folder_ / "tpm.sock").string();
    fs::remove(socket);
    EXPECT_EQ(run({"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + folder_.string(), "--server",
                   "type=unixio,path=" + socket, "--ctrl", "type=unixio,path=" + socket + ".ctrl", "--flags",
                   "not-need-init,startup-clear"},
                  &process_),
              0);
    bool listens = false;
    for (int tries = 0; tries < 1000 && !listens; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      listens = answers(socket);
    }
    ASSERT_TRUE(listens) << "swtpm does not listen";
  }
  void stop() { end(SIGTERM); }
  void cut_power() { end(SIGKILL); }
  std::string tcti() const { return "swtpm:path=" + (folder_ / "tpm.sock").string(); }
  fs::path folder() const { return folder_; }

 private:
  // The socket's file is there before swtpm listens on it.
  static bool answers(const std::string& path) {
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const bool connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(probe);
    return connected;
  }

  void end(int signal) {
    if (process_ == 0) return;
    ::kill(process_, signal);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }

  fs::path folder_;
  pid_t process_ = 0;
};

}  // namespace slipway::testing
