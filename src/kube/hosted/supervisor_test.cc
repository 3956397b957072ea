#include "kube/hosted/supervisor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/temporary_folder_for_tests.h"

namespace slipway::kube {
namespace {

using std::chrono::steady_clock;

// Supervisors in processes of their own, over shells instead of Kubernetes.
class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() { folder_ = std::make_unique<PrivateFolder>(*PrivateFolder::open(path_, own_account())); }
  ~SupervisorTest() override {
    if (supervisor_ > 0) end(SIGTERM);
    static_cast<void>(stop_recorded_processes(*folder_, std::chrono::milliseconds(100)));
  }

  void plan(const std::vector<std::pair<std::string, std::string>>& scripts, const std::string& after = "") {
    HostedPlan plan;
    for (const auto& [name, script] : scripts)
      plan.programs.push_back({name, "/bin/sh", {"-c", "touch " + name + ".runs; " + script}, "", after});
    count_ = plan.programs.size();
    ASSERT_TRUE(folder_->write(kPlanFile, to_json(plan)).has_value());
  }

  void start() {
    supervisor_ = fork();
    if (supervisor_ != 0) return;
    std::vector<int> programs;
    for (std::size_t i = 0; i < count_; ++i) programs.push_back(open("/bin/sh", O_PATH | O_CLOEXEC));
    SupervisorTimes times;
    times.first_backoff = std::chrono::milliseconds(50);
    times.lock_wait = std::chrono::milliseconds(1000);
    times.stop_grace = std::chrono::milliseconds(2000);
    const auto done = run_supervisor(*folder_, programs, times);
    _exit(done ? 0 : done.error().code == ErrorCode::kConflict ? 3 : 1);
  }
  int end(int signal) {
    if (signal != 0) kill(supervisor_, signal);
    int status = 0;
    waitpid(supervisor_, &status, 0);
    supervisor_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::map<std::string, ProcessIdentity> running() const {
    std::map<std::string, ProcessIdentity> result;
    const auto text = folder_->read(kProcessesFile);
    if (!text || !*text) return result;
    const auto recorded = processes_from_json(**text);
    if (!recorded) return result;
    for (const RecordedProcess& process : *recorded)
      if (is_running(process.identity, geteuid())) result[process.name] = process.identity;
    return result;
  }
  // So many programs are on record, and have got past exec.
  bool up(std::size_t count) const {
    const auto processes = running();
    for (const auto& [name, identity] : processes)
      if (!std::filesystem::exists(path_ / (name + ".runs"))) return false;
    return processes.size() == count;
  }
  template <typename Condition>
  static bool soon(Condition condition) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (steady_clock::now() > deadline) return false;
      poll(nullptr, 0, 20);
    }
    return true;
  }

  TemporaryFolder temporary_;
  const std::filesystem::path path_ = temporary_.path();
  std::unique_ptr<PrivateFolder> folder_;
  std::size_t count_ = 0;
  pid_t supervisor_ = -1;
};

TEST_F(SupervisorTest, StartsThePlanAndStopsAllAtSigterm) {
  plan({{"one", "exec sleep 600"}, {"two", "exec sleep 600"}});
  start();
  ASSERT_TRUE(soon([&] { return up(2); }));
  const auto before = running();
  EXPECT_EQ(end(SIGTERM), 0);
  for (const auto& [name, identity] : before) EXPECT_FALSE(is_running(identity, geteuid())) << name;
}

TEST_F(SupervisorTest, StartsAgainWhatDies) {
  plan({{"one", "exec sleep 600"}, {"two", "exec sleep 600"}});
  start();
  ASSERT_TRUE(soon([&] { return up(2); }));
  const auto before = running();
  ASSERT_TRUE(send_signal(before.at("one"), geteuid(), SIGKILL).has_value());
  ASSERT_TRUE(soon([&] { return running().size() == 2 && running().at("one") != before.at("one"); }));
  EXPECT_EQ(running().at("two"), before.at("two"));
}

TEST_F(SupervisorTest, ASuccessorAdoptsWhatAKilledOneLeft) {
  plan({{"one", "exec sleep 600"}});
  start();
  ASSERT_TRUE(soon([&] { return up(1); }));
  const auto before = running();
  end(SIGKILL);
  EXPECT_TRUE(is_running(before.at("one"), geteuid()));
  // The successor writes down what it has adopted.
  const auto written = std::filesystem::last_write_time(path_ / kProcessesFile);
  start();
  ASSERT_TRUE(soon([&] { return std::filesystem::last_write_time(path_ / kProcessesFile) != written; }));
  EXPECT_EQ(running(), before);
  // It watches the adopted one like a child: killed, it is started again.
  ASSERT_TRUE(send_signal(before.at("one"), geteuid(), SIGKILL).has_value());
  EXPECT_TRUE(soon([&] { return running().size() == 1 && running().at("one") != before.at("one"); }));
}

TEST_F(SupervisorTest, HandsOverAtSigusr1AndTheSuccessorReplacesWhatHasChanged) {
  plan({{"one", "exec sleep 600"}, {"two", "exec sleep 600"}});
  start();
  ASSERT_TRUE(soon([&] { return up(2); }));
  const auto before = running();
  EXPECT_EQ(end(SIGUSR1), 0);
  EXPECT_EQ(running(), before);
  plan({{"one", "exec sleep 600"}, {"two", "exec sleep 601"}});
  start();
  ASSERT_TRUE(soon([&] { return running().size() == 2 && running().at("two") != before.at("two"); }));
  EXPECT_EQ(running().at("one"), before.at("one"));
  EXPECT_FALSE(is_running(before.at("two"), geteuid()));
}

TEST_F(SupervisorTest, OneFolderHasOneSupervisor) {
  plan({{"one", "exec sleep 600"}});
  start();
  ASSERT_TRUE(soon([&] { return up(1); }));
  const pid_t first = supervisor_;
  start();
  EXPECT_EQ(end(0), 3);
  supervisor_ = first;
  EXPECT_EQ(end(SIGTERM), 0);
}

TEST_F(SupervisorTest, StopsAllWhenItsFolderIsRemoved) {
  *folder_ = *PrivateFolder::open(path_ / "inner", own_account());
  plan({{"one", "exec sleep 600"}});
  start();
  ASSERT_TRUE(soon([&] { return running().size() == 1; }));
  const auto before = running();
  // The supervisor may be writing a file there at this moment.
  ASSERT_TRUE(soon([&] {
    std::error_code error;
    std::filesystem::remove_all(path_ / "inner", error);
    return !std::filesystem::exists(path_ / "inner", error);
  }));
  EXPECT_EQ(end(0), 0);
  EXPECT_FALSE(is_running(before.at("one"), geteuid()));
}

TEST_F(SupervisorTest, WaitsForThePortThatAProgramNeeds) {
  plan({{"one", "exec sleep 600"}}, "127.0.0.1:1");
  start();
  ASSERT_TRUE(soon([&] { return std::filesystem::exists(path_ / "logs"); }));
  poll(nullptr, 0, 700);  // two looks at the port
  EXPECT_TRUE(running().empty());
}

TEST_F(SupervisorTest, WhatAKilledSupervisorLeftCanBeStopped) {
  plan({{"one", "exec sleep 600"}});
  start();
  ASSERT_TRUE(soon([&] { return up(1); }));
  const auto before = running();
  end(SIGKILL);
  ASSERT_TRUE(stop_recorded_processes(*folder_, std::chrono::milliseconds(2000)).has_value());
  EXPECT_FALSE(is_running(before.at("one"), geteuid()));
}

}  // namespace
}  // namespace slipway::kube
