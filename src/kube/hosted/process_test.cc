#include "kube/hosted/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/temporary_folder_for_tests.h"
#include "kube/hosted/log_rotation.h"

namespace slipway::kube {
namespace {

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() {
    folder_ = std::make_unique<PrivateFolder>(*PrivateFolder::open(path_ / "f", own_account()));
    log_ = *folder_->open_log("log");
  }

  Launch shell(const std::string& script) {
    program_ = files::Descriptor(open("/bin/sh", O_PATH | O_CLOEXEC));
    Launch result;
    result.arguments = {"sh", "-c", script};
    result.program = program_.get();
    result.folder = folder_->descriptor();
    result.log = log_.get();
    result.account = own_account();
    return result;
  }
  static Status keep(const ProcessIdentity&) { return {}; }
  std::string log() const { return **folder_->read("log"); }
  // Waits until a child of this test has ended, and gives its exit status.
  static int ended(const ProcessIdentity& identity) {
    int status = 0;
    waitpid(identity.pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  TemporaryFolder temporary_;
  const std::filesystem::path path_ = temporary_.path();
  std::unique_ptr<PrivateFolder> folder_;
  files::Descriptor log_, program_;
};

TEST_F(ProcessTest, RunsInItsFolderWithAClosedUmaskAndAlmostNoEnvironment) {
  setenv("SLIPWAY_TEST_SECRET", "x", 1);
  const auto started = launch(shell("touch made; env; umask"), keep);
  ASSERT_TRUE(started.has_value()) << started.error().message;
  EXPECT_EQ(ended(*started), 0);
  EXPECT_TRUE(std::filesystem::exists(path_ / "f/made"));
  EXPECT_THAT(log(), testing::HasSubstr("0077"));
  EXPECT_THAT(log(), testing::Not(testing::HasSubstr("SLIPWAY_TEST_SECRET")));
}

TEST_F(ProcessTest, InheritsTheGivenDescriptorsAndNoOthers) {
  const files::Descriptor given(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const files::Descriptor other(open("/dev/zero", O_RDONLY));  // not even close-on-exec
  Launch wanted = shell("ls -l /proc/self/fd");
  wanted.inherited = {given.get()};
  const auto started = launch(wanted, keep);
  ASSERT_TRUE(started.has_value());
  EXPECT_EQ(ended(*started), 0);
  EXPECT_THAT(log(), testing::HasSubstr("10 -> /dev/null"));
  EXPECT_THAT(log(), testing::Not(testing::HasSubstr("/dev/zero")));
}

TEST_F(ProcessTest, IsOnRecordBeforeItRuns) {
  bool on_record = false;
  const auto started = launch(shell("touch ran"), [&](const ProcessIdentity& identity) -> Status {
    EXPECT_FALSE(std::filesystem::exists(path_ / "f/ran"));
    EXPECT_TRUE(is_running(identity, geteuid()));
    on_record = true;
    return {};
  });
  ASSERT_TRUE(started.has_value());
  EXPECT_TRUE(on_record);
  EXPECT_EQ(ended(*started), 0);
  EXPECT_TRUE(std::filesystem::exists(path_ / "f/ran"));
}

TEST_F(ProcessTest, DoesNotRunWhereItCannotBeRecorded) {
  ProcessIdentity seen;
  const auto started = launch(shell("touch ran"), [&](const ProcessIdentity& identity) -> Status {
    seen = identity;
    return fail(ErrorCode::kResourceExhausted, "no space");
  });
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(std::filesystem::exists(path_ / "f/ran"));
  EXPECT_FALSE(is_running(seen, geteuid()));
}

TEST_F(ProcessTest, SaysWhenTheProgramCannotBeExecuted) {
  Launch wanted = shell("true");
  const files::Descriptor text(open("/proc/self/status", O_PATH | O_CLOEXEC));
  wanted.program = text.get();
  const auto started = launch(wanted, keep);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::kInternal);
}

TEST_F(ProcessTest, IsAdoptedOnAFullMatchAlone) {
  const auto started = launch(shell("sleep 60"), keep);
  ASSERT_TRUE(started.has_value());
  EXPECT_TRUE(is_running(*started, geteuid()));
  ProcessIdentity other = *started;
  other.start_ticks += 1;
  EXPECT_FALSE(is_running(other, geteuid()));
  EXPECT_FALSE(send_signal(other, geteuid(), SIGKILL).has_value());
  other = *started;
  other.boot_id = "00000000-0000-4000-8000-000000000000";
  EXPECT_FALSE(is_running(other, geteuid()));
  EXPECT_TRUE(stop(other, geteuid(), std::chrono::milliseconds(10)).has_value());
  EXPECT_FALSE(is_running(*started, geteuid() + 1));
  EXPECT_TRUE(is_running(*started, geteuid())) << "none of these may have touched it";
  EXPECT_TRUE(stop(*started, geteuid(), std::chrono::milliseconds(5000)).has_value());
  EXPECT_FALSE(is_running(*started, geteuid()));
}

TEST_F(ProcessTest, WhoIgnoresSigtermIsKilled) {
  const auto started = launch(shell("trap '' TERM; echo ready; while :; do sleep 1; done"), keep);
  ASSERT_TRUE(started.has_value());
  while (log().find("ready") == std::string::npos) poll(nullptr, 0, 10);
  EXPECT_TRUE(stop(*started, geteuid(), std::chrono::milliseconds(50)).has_value());
  EXPECT_FALSE(is_running(*started, geteuid()));
}

TEST_F(ProcessTest, AFolderIsClosedToOthersAndItsFilesAreReplacedWhole) {
  ASSERT_TRUE(folder_->write("a", "first").has_value());
  ASSERT_TRUE(folder_->write("a", "second").has_value());
  EXPECT_EQ(**folder_->read("a"), "second");
  struct stat status {};
  ASSERT_EQ(stat((path_ / "f/a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  ASSERT_EQ(stat((path_ / "f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
  EXPECT_FALSE((*folder_->read("absent")).has_value());
  EXPECT_EQ(folder_->read("a", 3).error().code, ErrorCode::kMalformed);
}

TEST_F(ProcessTest, AForeignFoldersLinkLeadsRootNowhere) {
  if (geteuid() != 0) GTEST_SKIP() << "only root writes for others";
  ASSERT_EQ(chmod(path_.c_str(), 0755), 0);
  const auto foreign = PrivateFolder::open(path_ / "foreign", Account{65534, 65534});
  ASSERT_TRUE(foreign.has_value());
  std::filesystem::create_directory(path_ / "mine");
  std::filesystem::create_directory_symlink(path_ / "mine", path_ / "foreign/pki");
  EXPECT_FALSE(foreign->write("pki/key", "x").has_value());
  EXPECT_TRUE(std::filesystem::is_empty(path_ / "mine"));
}

TEST_F(ProcessTest, ALongLogIsMovedAsideWhileItsWriterGoesOn) {
  const std::string line(1000, 'x');
  for (int i = 0; i < 5; ++i) ASSERT_EQ(write(log_.get(), line.data(), line.size()), 1000);
  ASSERT_TRUE(rotate_log(*folder_, "log", 10000).has_value());
  EXPECT_EQ(log().size(), 5000U);
  ASSERT_TRUE(rotate_log(*folder_, "log", 4000).has_value());
  EXPECT_EQ(log().size(), 0U);
  EXPECT_EQ((**folder_->read("log.1")).size(), 5000U);
  ASSERT_EQ(write(log_.get(), "on", 2), 2);
  EXPECT_EQ(log(), "on");
}

}  // namespace
}  // namespace slipway::kube
