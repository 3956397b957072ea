#include "api/activity_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/temporary_folder_for_tests.h"

namespace slipway::api {
namespace {

namespace fs = std::filesystem;
using Series = ActivityLog::Series;

const Time kStart = from_rfc3339("2026-11-23T12:00:00Z").value();

class ActivityLogFiles : public testing::Test {
 protected:
  static ActivityEvent event(int number) {
    ActivityEvent made;
    made.time = kStart + seconds(number);
    made.id = std::to_string(number);
    made.message = "it said \"no\"\nand\x01 more\xff\xc3";
    return made;
  }
  std::string path(const std::string& name) const { return folder_ + "/activity/" + name; }
  TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

TEST_F(ActivityLogFiles, NewestFirstAcrossBothSeriesAndARestart) {
  {
    auto log = ActivityLog::open(folder_).value();
    ASSERT_TRUE(log->record(Series::kChanges, event(1)));
    ASSERT_TRUE(log->record(Series::kRefusals, event(2)));
    ASSERT_TRUE(log->record(Series::kChanges, event(3)));
  }
  auto log = ActivityLog::open(folder_).value();
  const auto all = log->list(kStart, kStart + seconds(10)).value();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].id + all[1].id + all[2].id, "321");
  EXPECT_EQ(all[0].message, "it said \"no\"?and? more??");
  EXPECT_EQ(log->list(kStart + seconds(2), kStart + seconds(2)).value().size(), 1U);
  for (const char* name : {"changes.jsonl", "refusals.jsonl"}) {
    struct stat status {};
    ASSERT_EQ(::stat(path(name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
  }
}

TEST_F(ActivityLogFiles, IsBoundedAndRefusalsDoNotPushOutChanges) {
  auto log = ActivityLog::open(folder_, 4096).value();
  ASSERT_TRUE(log->record(Series::kChanges, event(0)));
  for (int i = 1; i <= 500; ++i) ASSERT_TRUE(log->record(Series::kRefusals, event(i)));
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder_ + "/activity")) bytes += entry.file_size();
  EXPECT_LE(bytes, 4096U * (ActivityLog::kKeptFiles + 2));
  const auto all = log->list(kStart, kStart + seconds(1000)).value();
  EXPECT_EQ(all.front().id, "500");
  EXPECT_EQ(all.back().id, "0");
  EXPECT_LT(all.size(), 400U);
}

TEST_F(ActivityLogFiles, ALineCutShortIsLeftOutAndSpoilsNoOther) {
  { ASSERT_TRUE(ActivityLog::open(folder_).value()->record(Series::kChanges, event(1))); }
  std::ofstream(path("changes.jsonl"), std::ios::app) << R"({"time":"2026-11-23T12:0)";
  auto log = ActivityLog::open(folder_).value();
  ASSERT_TRUE(log->record(Series::kChanges, event(2)));
  EXPECT_EQ(log->list(kStart, kStart + seconds(9)).value().size(), 2U);
}

TEST_F(ActivityLogFiles, OpenToOthersIsRefused) {
  { ASSERT_TRUE(ActivityLog::open(folder_)); }
  ::chmod(path("changes.jsonl").c_str(), 0640);
  EXPECT_EQ(ActivityLog::open(folder_).error().code, ErrorCode::kPermissionDenied);
}

TEST_F(ActivityLogFiles, LongTextsAreCut) {
  auto log = ActivityLog::open(folder_).value();
  ActivityEvent long_one = event(1);
  long_one.uri = std::string(100000, 'x');
  ASSERT_TRUE(log->record(Series::kRefusals, long_one));
  EXPECT_EQ(log->list(kStart, kStart + seconds(9)).value().at(0).uri.size(), 2000U);
}

}  // namespace
}  // namespace slipway::api
