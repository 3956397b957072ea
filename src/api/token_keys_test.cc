#include "api/token_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/temporary_folder_for_tests.h"

namespace slipway::api {
namespace {

namespace fs = std::filesystem;

const Time kNow = from_rfc3339("2026-11-23T12:00:00Z").value();
constexpr std::chrono::hours kHour{1};

TEST(TokenKeyPlan, FirstKeySignsAtOnceAndALaterOneOnlyAfterItsLead) {
  const TokenKeyTimes times;
  EXPECT_EQ(plan_token_keys({kNow}, times, kNow).signer, 0U);
  EXPECT_FALSE(plan_token_keys({kNow}, times, kNow + 24 * kHour - seconds(1)).make_one);
  EXPECT_TRUE(plan_token_keys({kNow}, times, kNow + 24 * kHour).make_one);

  const std::vector<Time> two = {kNow, kNow + 24 * kHour};
  EXPECT_EQ(plan_token_keys(two, times, two[1]).signer, 0U);
  EXPECT_EQ(plan_token_keys(two, times, two[1] + kHour - seconds(1)).signer, 0U);
  EXPECT_EQ(plan_token_keys(two, times, two[1] + kHour).signer, 1U);
}

// The last token of the old key is issued just before the new one signs, and lives kTokenLifetime.
TEST(TokenKeyPlan, OldKeyIsKeptUntilItsLastTokenEnds) {
  const TokenKeyTimes times;
  const std::vector<Time> two = {kNow, kNow + 24 * kHour};
  const Time switched = two[1] + times.lead;
  EXPECT_EQ(plan_token_keys(two, times, switched + kTokenLifetime).drop, 0U);
  EXPECT_EQ(plan_token_keys(two, times, switched + times.kept).drop, 1U);
  // After a long pause all but the signer go.
  EXPECT_EQ(plan_token_keys({kNow, kNow + 24 * kHour, kNow + 48 * kHour}, times, kNow + 2000 * kHour).drop, 2U);
}

TEST(TokenKeyPlan, AClockThatJumpsBackLeavesSomebodyToSign) {
  const TokenKeyPlan plan = plan_token_keys({kNow, kNow + 24 * kHour}, {}, kNow - 100 * kHour);
  EXPECT_EQ(plan.signer, 0U);
  EXPECT_EQ(plan.drop, 0U);
  EXPECT_FALSE(plan.make_one);
}

class TokenKeyFiles : public testing::Test {
 protected:
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_ + "/token-keys")) {
      struct stat status {};
      EXPECT_EQ(::stat(entry.path().c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 0777U, 0600U) << entry.path();
      ++count;
    }
    return count;
  }
  TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

TEST_F(TokenKeyFiles, RotateOnDiskAndOutliveARestart) {
  std::string first, second;
  {
    auto keys = TokenKeys::open(folder_, kNow).value();
    first = keys->signer(kNow).id;
    EXPECT_EQ(keys->published(kNow + 25 * kHour).size(), 2U);
    second = keys->published(kNow + 25 * kHour)[1].id;
    EXPECT_EQ(keys->signer(kNow + 25 * kHour).id, first);
    EXPECT_EQ(files(), 2U);
  }
  auto keys = TokenKeys::open(folder_, kNow + 26 * kHour).value();
  EXPECT_EQ(keys->signer(kNow + 26 * kHour).id, second);
  EXPECT_TRUE(keys->find(first, kNow + 26 * kHour));
  EXPECT_FALSE(keys->find(first, kNow + 29 * kHour));
  EXPECT_EQ(files(), 1U);
  EXPECT_FALSE(keys->find("", kNow));
}

TEST_F(TokenKeyFiles, ABrokenOneIsNeverReplaced) {
  fs::create_directory(folder_ + "/token-keys");
  const std::string path = folder_ + "/token-keys/000000000001.pem";
  std::ofstream(path) << "not a key";
  ::chmod(path.c_str(), 0600);
  const auto broken = TokenKeys::open(folder_, kNow);
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find(path), std::string::npos);
  EXPECT_TRUE(fs::exists(path));
  ::chmod(path.c_str(), 0644);
  EXPECT_EQ(TokenKeys::open(folder_, kNow).error().code, ErrorCode::kPermissionDenied);
}

}  // namespace
}  // namespace slipway::api
