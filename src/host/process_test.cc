#include "host/process.h"

#include <gtest/gtest.h>

#include <chrono>

namespace slipway::host {
namespace {

TEST(RunProcess, GivesBothStreamsAndTheExitCode) {
  const auto result = run_process({.argv = {"sh", "-c", "cat; echo warning >&2; exit 3"}, .input = "hello"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->output, "hello");
  EXPECT_EQ(result->error_output, "warning\n");
}

TEST(RunProcess, ProgramThatIsNotThereIsUnavailable) {
  const auto result = run_process({.argv = {"slipway-no-such-program"}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
}

TEST(RunProcess, KillsWhatTakesTooLong) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = run_process({.argv = {"sleep", "60"}, .timeout = milliseconds{100}});
  ASSERT_FALSE(result);
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds{20});
}

TEST(RunProcess, DoesNotWaitForADaemonThatItLeavesBehind) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = run_process({.argv = {"sh", "-c", "sleep 5 & echo started"}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "started\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds{4});
}

TEST(RunProcess, OutputIsBounded) {
  const auto result = run_process({.argv = {"head", "-c", "1000000", "/dev/zero"}, .maximum_output = 1000});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output.size(), 1000U);
}

TEST(RunProcess, InheritsNoDescriptorsAndNoEnvironment) {
  const auto descriptors = run_process({.argv = {"sh", "-c", "ls /proc/self/fd | wc -l; env | grep -c ^SLIPWAY_"}});
  ASSERT_TRUE(descriptors);
  EXPECT_EQ(descriptors->output, "4\n0\n") << "the three streams and the folder that ls reads";
}

TEST(RunChecked, SaysTheLastLineOfAFailure) {
  const auto result = run_checked({.argv = {"sh", "-c", "echo first >&2; echo no such disk >&2; exit 1"}});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("no such disk"), std::string::npos);
  EXPECT_EQ(run_checked({.argv = {"echo", "fine"}}).value(), "fine\n");
}

}  // namespace
}  // namespace slipway::host
