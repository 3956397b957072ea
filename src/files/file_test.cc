#include "files/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/temporary_folder_for_tests.h"
#include "files/boot_id.h"

namespace slipway::files {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FilesTest : public testing::Test {
 protected:
  std::string content(const fs::path& path) const { return std::string(as_text(read_file(path, 1U << 20).value())); }
  static unsigned mode_of(const fs::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
  }
  std::ptrdiff_t entries() const { return std::distance(fs::directory_iterator(folder_), fs::directory_iterator()); }

  TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(FilesTest, AFileIsReplacedWholeWithItsMode) {
  const mode_t before = ::umask(077);
  std::ofstream(folder_ / "f") << "what was there, and longer";
  ASSERT_TRUE(replace_file(folder_ / "f", as_bytes("new"), 0644));
  EXPECT_EQ(content(folder_ / "f"), "new");
  EXPECT_EQ(mode_of(folder_ / "f"), 0644U) << "whatever the umask";
  ASSERT_TRUE(replace_file(folder_ / "f", as_bytes(""), 0400));
  EXPECT_EQ(mode_of(folder_ / "f"), 0400U);
  EXPECT_EQ(entries(), 1) << "no temporary file stays";
  ::umask(before);
}

TEST_F(FilesTest, ALinkIsReplacedAndNotFollowed) {
  std::ofstream(folder_ / "target") << "kept";
  fs::create_symlink(folder_ / "target", folder_ / "link");
  ASSERT_TRUE(replace_file(folder_ / "link", as_bytes("new"), 0600));
  EXPECT_EQ(content(folder_ / "target"), "kept");
  EXPECT_FALSE(fs::is_symlink(folder_ / "link"));
}

TEST_F(FilesTest, WhatCannotBeWrittenIsNamedAndLeavesNothing) {
  const auto nowhere = replace_file(folder_ / "none/f", as_bytes("x"), 0600);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(nowhere.error().message, HasSubstr((folder_ / "none/f").native()));
  fs::create_directory(folder_ / "taken");
  EXPECT_FALSE(replace_file(folder_ / "taken", as_bytes("x"), 0600));
  EXPECT_EQ(entries(), 1);
}

TEST_F(FilesTest, ANameWithoutAFolderIsOfTheWorkingFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  EXPECT_TRUE(replace_file("f", as_bytes("x"), 0600));
  fs::current_path(before);
  EXPECT_EQ(content(folder_ / "f"), "x");
}

TEST_F(FilesTest, ACreatedFileOverwritesNothing) {
  ASSERT_TRUE(create_file(folder_ / "f", as_bytes("one"), 0600));
  EXPECT_EQ(create_file(folder_ / "f", as_bytes("two"), 0600).error().code, ErrorCode::kConflict);
  EXPECT_EQ(content(folder_ / "f"), "one");
  EXPECT_EQ(entries(), 1);
}

TEST_F(FilesTest, ReadingIsBounded) {
  std::ofstream(folder_ / "large") << std::string(200000, 'x');
  EXPECT_EQ(read_file(folder_ / "large", 200000).value().size(), 200000U);
  EXPECT_EQ(read_file(folder_ / "large", 199999).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(read_file(folder_ / "absent", 10).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(read_file(folder_, 10)) << "a folder has no bytes";
  EXPECT_GT(read_file("/proc/self/status", 1U << 20).value().size(), 100U) << "a file whose size reads as 0";
  EXPECT_EQ(read_file_end(folder_ / "large", 7).value(), to_bytes(std::string_view("xxxxxxx")));
  EXPECT_EQ(read_file_end(folder_ / "absent", 7).value(), Bytes{});
}

TEST_F(FilesTest, APrivateFileIsClosedToOthers) {
  ASSERT_TRUE(create_file(folder_ / "f", as_bytes("secret"), 0600));
  EXPECT_EQ(read_private_file(folder_ / "f", 6).value(), "secret");
  EXPECT_EQ(read_private_file(folder_ / "f", 5).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(read_private_file(folder_ / "absent", 5).error().code, ErrorCode::kNotFound);
  fs::create_symlink(folder_ / "f", folder_ / "link");
  EXPECT_FALSE(read_private_file(folder_ / "link", 6));
  for (const mode_t open : {0640, 0604, 0660}) {
    ::chmod((folder_ / "f").c_str(), open);
    EXPECT_EQ(read_private_file(folder_ / "f", 6).error().code, ErrorCode::kPermissionDenied) << open;
  }
}

TEST_F(FilesTest, ACopyHasItsModeAndAbsentIsFineToRemove) {
  std::ofstream(folder_ / "from") << "bytes";
  std::ofstream(folder_ / "to.new") << "what an interrupted copy left";
  ASSERT_TRUE(copy_file(folder_ / "from", folder_ / "to", ::geteuid(), ::getegid(), 0440));
  EXPECT_EQ(content(folder_ / "to"), "bytes");
  EXPECT_EQ(mode_of(folder_ / "to"), 0440U);
  EXPECT_EQ(entries(), 2);
  EXPECT_TRUE(remove_path(folder_ / "to"));
  EXPECT_TRUE(remove_path(folder_ / "to"));
  ASSERT_TRUE(ensure_folder(folder_ / "a/b", 0711));
  EXPECT_EQ(mode_of(folder_ / "a/b"), 0711U);
}

TEST(BootId, IsAUuid) { EXPECT_EQ(read_boot_id().value().size(), 36U); }

}  // namespace
}  // namespace slipway::files
