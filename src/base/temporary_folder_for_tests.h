#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace slipway {

// A folder of a test's own, gone afterwards with all that is in it.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& name = "slipway-test") {
    std::string pattern = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace slipway
