#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/bytes.h"
#include "base/source_folder_for_tests.h"

// slipway as a person runs it, in tests/corpus and with a folder of the test's own for what it writes.
namespace slipway {

struct Ran {
  int status = -1;
  std::string output, complaint;
};

class SlipwayCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "slipway-verbs-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  Ran slipway(const std::string& words) const {
    const std::string complaint = path("complaint");
    FILE* pipe = popen(fmt::format("env -i -C '{}/tests/corpus' PATH=/usr/bin:/bin TMPDIR='{}' '{}/slipway' {} 2>'{}'",
                                   source_folder(), folder_.string(), programs_folder(), words, complaint)
                           .c_str(),
                       "r");
    Ran ran;
    char buffer[4096];
    for (std::size_t count = 0; pipe != nullptr && (count = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
      ran.output.append(buffer, count);
    const int status = pclose(pipe);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::ifstream file(complaint);
    ran.complaint.assign(std::istreambuf_iterator<char>(file), {});
    return ran;
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::string write(const std::string& name, ByteView content) const {
    std::ofstream file(path(name), std::ios::binary);
    file << as_text(content);
    return path(name);
  }

  std::filesystem::path folder_;
};

}  // namespace slipway
