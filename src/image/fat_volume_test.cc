#include "image/fat_volume.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "image/fat_layout.h"

namespace slipway::image {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kSector = 512;

// A volume with clusters of one sector, two tables, and whatever the test writes into it.
class Volume {
 public:
  explicit Volume(FatKind kind) : kind_(kind) {
    const std::size_t clusters = kind == FatKind::k12 ? 200 : kind == FatKind::k16 ? 5000 : 66000;
    const std::size_t bits = kind == FatKind::k12 ? 12 : kind == FatKind::k16 ? 16 : 32;
    reserved_ = kind == FatKind::k32 ? 32 : 1;
    table_sectors_ = ((clusters + 2) * bits / 8 + kSector) / kSector;
    root_sectors_ = kind == FatKind::k32 ? 0 : 2;
    const std::size_t total = reserved_ + 2 * table_sectors_ + root_sectors_ + clusters;
    bytes.resize(total * kSector);
    put(11, kSector, 2);
    put(13, 1, 1);
    put(14, reserved_, 2);
    put(16, 2, 1);
    put(17, root_sectors_ * 16, 2);
    put(19, total < 65536 ? total : 0, 2);
    put(22, kind == FatKind::k32 ? 0 : table_sectors_, 2);
    put(32, total < 65536 ? 0 : total, 4);
    if (kind == FatKind::k32) {
      put(36, table_sectors_, 4);
      put(44, 2, 4);
      link(2, kEndOfChain);
    }
    bytes[510] = 0x55;
    bytes[511] = 0xaa;
  }

  void put(std::size_t at, std::size_t value, int size) {
    for (int i = 0; i < size; ++i) bytes[at + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> 8 * i);
  }
  std::size_t cluster_at(std::size_t cluster) const {
    return (reserved_ + 2 * table_sectors_ + root_sectors_ + cluster - 2) * kSector;
  }
  // Where the root folder's first entry is.
  std::size_t root_at() const {
    return kind_ == FatKind::k32 ? cluster_at(2) : (reserved_ + 2 * table_sectors_) * kSector;
  }
  void link(std::size_t cluster, std::uint32_t next) {
    const std::size_t table = reserved_ * kSector;
    if (kind_ == FatKind::k12) {
      const std::size_t at = table + cluster + cluster / 2;
      const unsigned old = bytes[at] | unsigned{bytes[at + 1]} << 8;
      put(at, cluster % 2 == 0 ? (old & 0xf000) | (next & 0xfff) : (old & 0xf) | (next & 0xfff) << 4, 2);
    } else {
      const std::size_t size = kind_ == FatKind::k16 ? 2 : 4;
      put(table + cluster * size, next, static_cast<int>(size));
    }
  }
  void entry(std::size_t at, const std::string& name, std::uint8_t attributes, std::size_t cluster, std::size_t size) {
    for (std::size_t i = 0; i < 11; ++i) bytes[at + i] = static_cast<std::uint8_t>(name[i]);
    bytes[at + 11] = attributes;
    put(at + 26, cluster & 0xffff, 2);
    put(at + 20, cluster >> 16, 2);
    put(at + 28, size, 4);
  }
  // The part of a long name in front of a short one; `units` has at most 13 characters.
  void long_part(std::size_t at, std::uint8_t order, const std::u16string& units, const std::string& short_name) {
    std::uint8_t sum = 0;
    for (const char letter : short_name)
      sum = static_cast<std::uint8_t>(((sum & 1) != 0 ? 0x80 : 0) + (sum >> 1) + static_cast<std::uint8_t>(letter));
    bytes[at] = order;
    bytes[at + 11] = 0x0f;
    bytes[at + 13] = sum;
    static constexpr std::array<std::size_t, 13> kUnitAt{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    for (std::size_t i = 0; i < 13; ++i)
      put(at + kUnitAt[i], i < units.size() ? units[i] : i == units.size() ? 0 : 0xffff, 2);
  }

  Result<std::map<std::string, Bytes>> read() const { return read_fat_files(reader_of(bytes), bytes.size()); }
  std::string refusal() const {
    const auto files = read();
    return files ? "" : files.error().message;
  }

  Bytes bytes;

 private:
  FatKind kind_;
  std::size_t reserved_ = 0, table_sectors_ = 0, root_sectors_ = 0;
};

// /EFI/a.txt of 600 bytes in clusters 4 and 6, and /EMPTY.
Volume small_volume(FatKind kind) {
  Volume volume(kind);
  volume.entry(volume.root_at(), "LABEL      ", 0x08, 0, 0);
  volume.entry(volume.root_at() + 32, "EFI        ", 0x10, 3, 0);
  volume.entry(volume.root_at() + 64, "EMPTY      ", 0, 0, 0);
  volume.link(3, kEndOfChain);
  volume.entry(volume.cluster_at(3), ".          ", 0x10, 3, 0);
  volume.entry(volume.cluster_at(3) + 32, "..         ", 0x10, 0, 0);
  volume.entry(volume.cluster_at(3) + 64, "A       TXT", 0x20, 4, 600);
  volume.bytes[volume.cluster_at(3) + 64 + 12] = 0x18;
  volume.link(4, 6);
  volume.link(6, kEndOfChain);
  for (std::size_t i = 0; i < 600; ++i)
    volume.bytes[volume.cluster_at(i < kSector ? 4 : 6) + i % kSector] = static_cast<std::uint8_t>(i * 7);
  return volume;
}

class FatKinds : public ::testing::TestWithParam<FatKind> {};
INSTANTIATE_TEST_SUITE_P(All, FatKinds, ::testing::Values(FatKind::k12, FatKind::k16, FatKind::k32));

TEST_P(FatKinds, ReadsFilesInFolders) {
  const Volume volume = small_volume(GetParam());
  const auto layout = read_fat_layout(ByteView(volume.bytes).first(512), volume.bytes.size());
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(layout->kind, GetParam());
  const auto files = volume.read();
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 2u);
  EXPECT_TRUE(files->at("/EMPTY").empty());
  const Bytes& text = files->at("/EFI/a.txt");
  ASSERT_EQ(text.size(), 600u);
  for (std::size_t i = 0; i < 600; ++i) ASSERT_EQ(text[i], static_cast<std::uint8_t>(i * 7)) << i;
}

TEST_P(FatKinds, RefusesChainsThatLie) {
  const auto refused = [&](const std::function<void(Volume&)>& change) {
    Volume volume = small_volume(GetParam());
    change(volume);
    return volume.refusal();
  };
  EXPECT_THAT(refused([](Volume& it) { it.link(6, 4); }), HasSubstr("cluster 4 belongs to this or another file"));
  EXPECT_THAT(refused([](Volume& it) { it.link(6, 7); }), HasSubstr("cluster 7 is beyond the 1024 bytes"));
  EXPECT_THAT(refused([](Volume& it) { it.link(4, kEndOfChain); }), HasSubstr("512 bytes, but the file has 600"));
  EXPECT_THAT(refused([](Volume& it) { it.link(4, 0); }), HasSubstr("cluster 0 does not exist"));
  EXPECT_THAT(refused([](Volume& it) { it.link(4, 1); }), HasSubstr("cluster 1 does not exist"));
  EXPECT_THAT(refused([](Volume& it) {
                it.link(4, GetParam() == FatKind::k12 ? 202 : GetParam() == FatKind::k16 ? 5002 : 66002);
              }),
              HasSubstr("does not exist"));
  EXPECT_THAT(refused([](Volume& it) { it.entry(it.cluster_at(3) + 64, "A       TXT", 0x10, 3, 0); }),
              HasSubstr("cluster 3 belongs"));
  EXPECT_THAT(refused([](Volume& it) { it.entry(it.root_at() + 64, "B          ", 0, 4, 512); }), HasSubstr("cluster"));
  EXPECT_THAT(refused([](Volume& it) { it.entry(it.root_at() + 64, "EMPTY      ", 0, 9, 0); }),
              HasSubstr("a file of no bytes"));
  EXPECT_THAT(refused([](Volume& it) { it.entry(it.root_at() + 64, "LARGE      ", 0, 9, 0xffffffff); }),
              HasSubstr("more than"));
}

TEST(FatVolume, ReadsLongNames) {
  Volume volume(FatKind::k12);
  const std::string small = "GRUBX6~1EFI";
  volume.long_part(volume.root_at(), 0x42, u"e.\u00e9\U0001f600", small);
  volume.long_part(volume.root_at() + 32, 0x01, u"grubx64-and-m", small);
  volume.entry(volume.root_at() + 64, small, 0x20, 0, 0);
  // Parts that belong to nothing: a wrong checksum, a gap, no beginning.
  volume.long_part(volume.root_at() + 96, 0x41, u"other", "OTHER      ");
  volume.entry(volume.root_at() + 128, "SHORT      ", 0x20, 0, 0);
  volume.long_part(volume.root_at() + 160, 0x43, u"gap", "GAP        ");
  volume.long_part(volume.root_at() + 192, 0x01, u"gap", "GAP        ");
  volume.entry(volume.root_at() + 224, "GAP        ", 0x20, 0, 0);
  volume.bytes[volume.root_at() + 256] = 0xe5;
  volume.entry(volume.root_at() + 288, "LAST    BIN", 0x20, 0, 0);
  const auto files = volume.read();
  ASSERT_TRUE(files) << files.error().message;
  std::vector<std::string> names;
  for (const auto& file : *files) names.push_back(file.first);
  EXPECT_THAT(names,
              ::testing::UnorderedElementsAre("/grubx64-and-me.\u00e9\U0001f600", "/SHORT", "/GAP", "/LAST.BIN"));
}

TEST(FatVolume, RefusesNamesThatMislead) {
  const auto refused = [](const std::u16string& name) {
    Volume volume(FatKind::k12);
    volume.long_part(volume.root_at(), 0x41, name, "A          ");
    volume.entry(volume.root_at() + 32, "A          ", 0x20, 0, 0);
    return volume.refusal();
  };
  EXPECT_EQ(refused(u"fine"), "");
  for (const char16_t* name : {u"a/b", u"..", u"", u"a\nb", u"a\\b", u"\xd800x", u"\xdc00"})
    EXPECT_THAT(refused(name), HasSubstr("can stand in a path"));
  Volume twice(FatKind::k12);
  twice.entry(twice.root_at(), "GRUB    CFG", 0x20, 0, 0);
  twice.long_part(twice.root_at() + 32, 0x41, u"grub.cfg", "GRUB~1  CFG");
  twice.entry(twice.root_at() + 64, "GRUB~1  CFG", 0x20, 0, 0);
  EXPECT_THAT(twice.refusal(), HasSubstr("a second time"));
}

TEST(FatVolume, FoldersEndSomewhere) {
  Volume volume(FatKind::k12);
  std::size_t at = volume.root_at();
  for (std::size_t cluster = 2; cluster < 30; ++cluster) {
    volume.entry(at, "D          ", 0x10, cluster, 0);
    volume.link(cluster, kEndOfChain);
    at = volume.cluster_at(cluster);
  }
  EXPECT_THAT(volume.refusal(), HasSubstr("lie in each other"));
}

// A folder of empty files over as many clusters as they take.
TEST(FatVolume, HasAtMost4096FilesAndFolders) {
  const auto refused = [](std::size_t files) {
    constexpr std::size_t kFirst = 10, kPerCluster = kSector / kFatEntrySize;
    Volume volume(FatKind::k16);
    volume.entry(volume.root_at(), "MANY       ", 0x10, kFirst, 0);
    for (std::size_t i = 0; i < files; ++i) {
      const std::size_t cluster = kFirst + i / kPerCluster;
      if (i % kPerCluster == 0) volume.link(cluster, kEndOfChain);
      if (i % kPerCluster == 0 && i != 0) volume.link(cluster - 1, static_cast<std::uint32_t>(cluster));
      volume.entry(volume.cluster_at(cluster) + i % kPerCluster * kFatEntrySize, fmt::format("{:011}", i), 0, 0, 0);
    }
    return volume.refusal();
  };
  EXPECT_EQ(refused(4095), "");
  EXPECT_THAT(refused(4096), HasSubstr("of the folder /MANY/: the FAT volume has more than 4096 files and folders"));
}

TEST(FatVolume, IsOfAtMostTwoGib) {
  const Volume volume = small_volume(FatKind::k12);
  EXPECT_TRUE(read_fat_files(reader_of(volume.bytes), kMaximumFatVolume));
  const auto refused = read_fat_files(reader_of(volume.bytes), kMaximumFatVolume + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().message,
            "at offset 2147483648 of the FAT volume: its end was expected, but it has 2147483649 bytes");
}

TEST(FatLayout, RefusesFieldsThatContradictEachOther) {
  const auto refused = [](FatKind kind, std::size_t at, std::size_t value, int size) {
    Volume volume(kind);
    volume.put(at, value, size);
    return volume.refusal();
  };
  EXPECT_EQ(refused(FatKind::k12, 13, 1, 1), "");
  EXPECT_THAT(refused(FatKind::k12, 510, 0, 2), HasSubstr("at offset 510"));
  EXPECT_THAT(refused(FatKind::k12, 11, 100, 2), HasSubstr("sector size"));
  EXPECT_THAT(refused(FatKind::k12, 13, 3, 1), HasSubstr("at offset 13"));
  EXPECT_THAT(refused(FatKind::k12, 14, 0, 2), HasSubstr("reserved"));
  EXPECT_THAT(refused(FatKind::k12, 16, 9, 1), HasSubstr("1 or 2 tables"));
  EXPECT_THAT(refused(FatKind::k12, 17, 0, 2), HasSubstr("root folder"));
  EXPECT_THAT(refused(FatKind::k12, 19, 60000, 2), HasSubstr("do not fit"));
  EXPECT_THAT(refused(FatKind::k12, 22, 60000, 2), HasSubstr("no room"));
  EXPECT_THAT(refused(FatKind::k32, 36, 1, 4), HasSubstr("too short"));
  EXPECT_THAT(refused(FatKind::k32, 17, 16, 2), HasSubstr("FAT16"));
  EXPECT_FALSE(read_fat_files(reader_of({}), 0));
  EXPECT_FALSE(read_fat_layout({}, 0));
}

}  // namespace
}  // namespace slipway::image
