#include "image/disk_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "crypto/digest.h"
#include "image/boots_for_tests.h"

namespace slipway::image {
namespace {

using ::testing::HasSubstr;

// A hash tree of one block under a superblock, as veritysetup writes them.
Bytes verity_partition() {
  Bytes bytes = to_bytes(std::string_view("verity\0\0", 8));
  put_u32_le(bytes, 1);
  put_u32_le(bytes, 1);
  bytes.resize(32, 0x77);
  put_bytes(bytes, as_bytes("sha256"));
  bytes.resize(64);
  put_u32_le(bytes, 4096);
  put_u32_le(bytes, 4096);
  put_u64_le(bytes, 100);
  put_u16_le(bytes, 4);
  bytes.resize(88);
  put_bytes(bytes, Bytes{1, 2, 3, 4});
  bytes.resize(4096);
  bytes.resize(8192, 0x5a);
  return bytes;
}

std::string verity_refusal(const Bytes& bytes) {
  const auto tree = read_verity_tree(reader_of(bytes));
  return tree ? "" : tree.error().message;
}

TEST(Verity, RootHashIsThatOfSaltAndTopmostBlock) {
  const auto tree = read_verity_tree(reader_of(verity_partition()));
  ASSERT_TRUE(tree) << tree.error().message;
  Bytes hashed{1, 2, 3, 4};
  hashed.resize(4 + 4096, 0x5a);
  EXPECT_EQ(tree->root_hash, crypto::sha256(hashed));
  EXPECT_EQ(tree->data_blocks, 100u);
}

TEST(Verity, RefusesOtherTrees) {
  const auto changed = [](std::size_t at, std::uint8_t value) {
    Bytes bytes = verity_partition();
    bytes[at] = value;
    return verity_refusal(bytes);
  };
  EXPECT_EQ(changed(9000 % 8192, 0), "");
  EXPECT_THAT(changed(0, 'V'), HasSubstr("at offset 0"));
  EXPECT_THAT(changed(8, 2), HasSubstr("at offset 8"));
  EXPECT_THAT(changed(12, 0), HasSubstr("at offset 8"));
  EXPECT_THAT(changed(34, 'b'), HasSubstr("sha256 was expected"));
  EXPECT_THAT(changed(64, 1), HasSubstr("at offset 64"));
  EXPECT_THAT(changed(71, 1), HasSubstr("at offset 64"));
  EXPECT_THAT(changed(72, 0), HasSubstr("at offset 72"));
  EXPECT_THAT(changed(81, 2), HasSubstr("at offset 80"));
  EXPECT_THAT(verity_refusal(Bytes(600, 0)), HasSubstr("signature"));
  Bytes cut = verity_partition();
  cut.resize(5000);
  EXPECT_THAT(verity_refusal(cut), HasSubstr("ends at 5000"));
}

TEST(PartOf, StaysInside) {
  const Bytes bytes{0, 1, 2, 3, 4, 5, 6, 7};
  const DiskReader part = part_of(reader_of(bytes), 2, 4);
  EXPECT_EQ(part(0, 4).value(), (Bytes{2, 3, 4, 5}));
  EXPECT_EQ(part(4, 0).value(), Bytes{});
  EXPECT_FALSE(part(1, 4));
  EXPECT_FALSE(part(5, 0));
  EXPECT_FALSE(part(~std::uint64_t{0}, 2));
}

TEST(DiskImage, SaysWhatIsMissing) {
  EXPECT_THAT(read_disk_image(reader_of({}), 0).error().message, HasSubstr("at offset 0"));
  DiskImage image;
  image.virtual_size = 4096;
  const ImageName name{"V", true, {}};
  EXPECT_THAT(manifest_of(image, name).error().message, HasSubstr("/EFI/debian/grub.cfg"));
  Bytes& config = image.esp_files["/EFI/debian/grub.cfg"];
  config = to_bytes("linux /vmlinuz slipway.roothash=123\n");
  EXPECT_THAT(manifest_of(image, name).error().message, HasSubstr("no root hash"));
  config = to_bytes("linux /vmlinuz slipway.roothash=" + std::string(64, 'a') + "\n");
  EXPECT_THAT(manifest_of(image, name).error().message, HasSubstr("no dm-verity hash tree"));
  image.verity = VerityTree{};
  image.verity->root_hash = Bytes(32, 0xbb);
  EXPECT_THAT(manifest_of(image, name).error().message, HasSubstr("would not open"));
  // From here on it is build_manifest's to judge.
  image.verity->root_hash = Bytes(32, 0xaa);
  EXPECT_THAT(manifest_of(image, name).error().message, HasSubstr("partition table"));
}

TEST(FirstDifference, NamesTheKey) {
  const Manifest manifest = minimal_manifest(kMinimalOn);
  EXPECT_EQ(first_difference(manifest, manifest), "");
  Manifest other = manifest;
  other.boot_files[3].sha256[0] ^= 1;
  EXPECT_EQ(first_difference(manifest, other), "bootFiles[3]");
  other = manifest;
  other.root_hash[0] ^= 1;
  EXPECT_EQ(first_difference(manifest, other), "rootHash");
}

}  // namespace
}  // namespace slipway::image
