#include "host/libvirt/disk_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "base/byte_reader.h"
#include "bootchain/gpt.h"
#include "crypto/digest.h"
#include "files/file.h"
#include "host/process.h"

namespace slipway::host {
namespace {

namespace fs = std::filesystem;

std::uint32_t crc32(ByteView bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  return ~crc;
}

struct Span {
  std::uint64_t first, last;
};

// The beginning of a disk with these partitions.
Bytes partition_table(const std::vector<Span>& partitions) {
  Bytes entries;
  for (const Span& span : partitions) {
    entries.insert(entries.end(), 32, static_cast<std::uint8_t>(1 + entries.size() / 128));
    put_u64_le(entries, span.first);
    put_u64_le(entries, span.last);
    entries.resize((entries.size() + 127) / 128 * 128);
  }
  entries.resize(128 * 128);
  const auto header = [&](std::uint32_t crc) {
    Bytes out = to_bytes("EFI PART");
    for (const std::uint32_t word : {0x10000U, 92U, crc, 0U}) put_u32_le(out, word);
    for (const std::uint64_t block : {1, 0, 34, 0}) put_u64_le(out, block);
    out.resize(72);
    put_u64_le(out, 2);
    for (const std::uint32_t word : {128U, 128U, crc32(entries)}) put_u32_le(out, word);
    return out;
  };
  Bytes start(512);
  put_bytes(start, header(crc32(header(0))));
  start.resize(1024);
  put_bytes(start, entries);
  return start;
}

class ReadDisk : public testing::Test {
 protected:
  static constexpr std::uint64_t kSize = 64ULL << 30;

  void SetUp() override {
    if (!run_process({.argv = {"qemu-img", "--version"}})) GTEST_SKIP() << "there is no qemu-img";
    std::string pattern = (fs::temp_directory_path() / "slipway-read-disk-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    manifest_.virtual_size = kSize;
    manifest_.root_hash = Bytes(32, 7);
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  // A disk of 64 GiB that begins like this and is empty behind.
  fs::path make_image(const std::string& name, const Bytes& start) {
    const fs::path raw = folder_ / (name + ".raw"), image = folder_ / (name + ".qcow2");
    std::ofstream(raw, std::ios::binary) << as_text(start);
    fs::resize_file(raw, kSize);
    run({"qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw.native(), image.native()});
    fs::remove(raw);
    return image;
  }
  fs::path make_overlay(const fs::path& base) {
    run({"qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base.native(), overlay().native()});
    return overlay();
  }
  fs::path overlay() const { return folder_ / "disk.qcow2"; }
  static void run(std::vector<std::string> argv) {
    const auto ran = run_checked({.argv = std::move(argv)});
    ASSERT_TRUE(ran) << ran.error().message;
  }
  static Bytes measured(const Bytes& start) {
    return crypto::sha256(bootchain::read_partition_table(start)->event_data);
  }

  fs::path folder_;
  image::Manifest manifest_;
};

// A table of a guest's must not make the host copy its disk twice over.
TEST_F(ReadDisk, CopiesNoPartitionOfAnotherTable) {
  constexpr std::uint64_t kLast = kSize / 512 - 1;
  const Bytes hostile = partition_table({{2048, 4095}, {0, kLast}, {0, kLast}});
  const auto disk = read_disk(make_overlay(make_image("base", hostile)), folder_ / "base.qcow2", manifest_);
  ASSERT_TRUE(disk) << disk.error().message;
  EXPECT_EQ(disk->gpt_event_sha256, measured(hostile));
  EXPECT_FALSE(disk->root_checked);
  EXPECT_FALSE(disk->root_matches);
  // Nothing is left behind.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 2);
}

TEST_F(ReadDisk, ReadsNoPartitionThatEndsBeforeItBeginsOrBehindTheDisk) {
  for (const Span& esp : {Span{4095, 2048}, Span{0, ~0ULL}, Span{2048, kSize / 512}, Span{0, kSize / 512 - 1}}) {
    fs::remove(overlay());
    const auto disk =
        read_disk(make_overlay(make_image("base", partition_table({esp}))), folder_ / "base.qcow2", manifest_);
    ASSERT_TRUE(disk) << disk.error().message;
    EXPECT_THAT(disk->esp_detail, testing::HasSubstr("there is none, or it has more than"));
  }
}

// Whoever writes an overlay's header names any file of the host, or a server: the base that was noted counts.
TEST_F(ReadDisk, TheOverlaysHeaderNamesNothing) {
  const Bytes good = partition_table({{2048, 4095}}), secret = partition_table({{9999, 12345}});
  const fs::path base = make_image("base", good);
  make_image("secret", secret);
  make_overlay(base);
  for (const std::string& named : {(folder_ / "secret.qcow2").string(), std::string("nbd://127.0.0.1:1/x")}) {
    run({"qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "qcow2", "-b", named, overlay().native()});
    const auto disk = read_disk(overlay(), base, manifest_);
    ASSERT_TRUE(disk) << disk.error().message;
    EXPECT_EQ(disk->gpt_event_sha256, measured(good)) << named;
  }
}

TEST_F(ReadDisk, RefusesAnOverlayThatKeepsItsDataElsewhere) {
  const fs::path base = make_image("base", partition_table({{2048, 4095}}));
  run({"qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file=" + (folder_ / "outside").string(),
       overlay().native(), "1M"});
  const auto disk = read_disk(overlay(), base, manifest_);
  ASSERT_FALSE(disk);
  EXPECT_EQ(disk.error().code, ErrorCode::kMalformed);
  EXPECT_THAT(disk.error().message, testing::HasSubstr("another file for its data"));
}

}  // namespace
}  // namespace slipway::host
