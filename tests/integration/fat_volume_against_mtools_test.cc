#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

#include "image/fat_volume.h"

// Volumes that mkfs.vfat and mtools wrote, read back.
namespace slipway::image {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "slipway-fat-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code error;
    fs::remove_all(path, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path path;
};

void run(const std::string& command) {
  ASSERT_EQ(std::system(("MTOOLS_SKIP_CHECK=1 " + command).c_str()), 0) << command;
}

DiskReader reader_of_file(const fs::path& path) {
  return [file = std::make_shared<std::ifstream>(path, std::ios::binary)](std::uint64_t offset,
                                                                          std::size_t size) -> Result<Bytes> {
    Bytes bytes(size);
    file->seekg(static_cast<std::streamoff>(offset));
    if (!file->read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size)))
      return fail(ErrorCode::kMalformed, "the volume ends");
    return bytes;
  };
}

struct Kind {
  int bits;
  int mebibytes;
  const char* options;
};

class FatAgainstMtools : public ::testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, FatAgainstMtools,
                         ::testing::Values(Kind{12, 4, ""}, Kind{12, 16, "-s 16"}, Kind{16, 24, ""},
                                           Kind{16, 64, "-s 8"}, Kind{32, 64, ""}, Kind{32, 128, "-n ESP --invariant"},
                                           Kind{32, 300, "-S 4096"}),
                         [](const auto& kind) {
                           return fmt::format("Fat{}Of{}MiB", kind.param.bits, kind.param.mebibytes);
                         });

TEST_P(FatAgainstMtools, EveryFileComesBack) {
  const Folder folder;
  const fs::path volume = folder.path / "volume";
  run(fmt::format("truncate -s {}M {} && mkfs.vfat -F {} {} {} > /dev/null", GetParam().mebibytes, volume.string(),
                  GetParam().bits, GetParam().options, volume.string()));
  std::mt19937 random(static_cast<unsigned>(GetParam().mebibytes));
  std::map<std::string, Bytes> expected;
  const fs::path tree = folder.path / "tree";
  const auto put = [&](const std::string& path, std::size_t size) {
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const fs::path file = tree.string() + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(size));
    expected[path] = std::move(bytes);
  };
  const auto copy_tree = [&] {
    run(fmt::format("mcopy -s -o -i {} {}/* ::/", volume.string(), tree.string()));
    fs::remove_all(tree);
  };
  put("/EFI/BOOT/BOOTX64.EFI", 100001);
  put("/EFI/BOOT/grubx64.efi", 512);
  put("/EFI/debian/grub.cfg", 1);
  put("/EFI/debian/EMPTY", 0);
  put("/EFI/A folder with a long name/and a file whose name is longer than one part.of.it", 4096);
  for (int i = 0; i < 60; ++i) put(fmt::format("/EFI/debian/file number {}.dat", i), random() % 9000);
  copy_tree();
  // Holes, and files that lie in them in pieces.
  std::string removed;
  for (int i = 0; i < 60; i += 2) {
    const std::string path = fmt::format("/EFI/debian/file number {}.dat", i);
    removed += fmt::format(" '::{}'", path);
    expected.erase(path);
  }
  run(fmt::format("mdel -i {}{}", volume.string(), removed));
  put("/EFI/debian/initrd", 150000);
  put("/EFI/BOOT/grubx64.efi", 77777);
  copy_tree();

  const auto files = read_fat_files(reader_of_file(volume), fs::file_size(volume));
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), expected.size());
  for (const auto& [path, content] : expected) {
    ASSERT_EQ(files->count(path), 1u) << path;
    EXPECT_TRUE(files->at(path) == content) << path;
  }
}

}  // namespace
}  // namespace slipway::image
