#include "image/disk_contents.h"

#include <gmock/gmock.h>

namespace slipway::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CompareDisk : public ::testing::Test {
 protected:
  CompareDisk() {
    manifest.version = "test";
    manifest.grub_config = "set timeout=0\nlinux ($root)/vmlinuz ro\nboot\n";
    manifest.boot_files = {
        {BootFileRole::kShim, "/EFI/BOOT/BOOTX64.EFI", "shim-signed 1.44", 10, Bytes(32, 1), Bytes(32, 11), {"CN=MS"}},
        {BootFileRole::kGrubConfig, "/EFI/debian/grub.cfg", "", 10, Bytes(32, 2), {}, {}},
    };
    manifest.root_hash = Bytes(32, 7);
    manifest.gpt_event_sha256 = Bytes(32, 8);
    disk.gpt_event_sha256 = Bytes(32, 8);
    disk.esp_sha256 = {{"/EFI/BOOT/BOOTX64.EFI", Bytes(32, 1)}, {"/EFI/debian/grub.cfg", Bytes(32, 2)}};
    disk.grub_config = manifest.grub_config;
    disk.root_matches = true;
  }
  Manifest manifest;
  DiskContents disk;
};

TEST_F(CompareDisk, TheImageItselfDiffersInNothing) { EXPECT_THAT(compare_disk(manifest, disk), IsEmpty()); }

// Of a root that nobody looked at nothing is said; that its partition table is another's is.
TEST_F(CompareDisk, ARootThatWasNotReadIsNoDifference) {
  disk.gpt_event_sha256 = Bytes(32, 9);
  disk.root_checked = disk.root_matches = false;
  const auto found = compare_disk(manifest, disk);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].component, "partition table");
}

TEST_F(CompareDisk, AChangedFileIsNamedWithItsPackageAndSigner) {
  disk.esp_sha256["/EFI/BOOT/BOOTX64.EFI"] = Bytes(32, 9);
  const auto found = compare_disk(manifest, disk);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].component, "/EFI/BOOT/BOOTX64.EFI");
  EXPECT_EQ(found[0].package, "shim-signed 1.44");
  EXPECT_EQ(found[0].signer, "CN=MS");
  EXPECT_THAT(found[0].message, HasSubstr(to_hex(Bytes(32, 9))));
}

TEST_F(CompareDisk, AChangedGrubConfigurationShowsItsLine) {
  disk.esp_sha256["/EFI/debian/grub.cfg"] = Bytes(32, 9);
  disk.grub_config = "set timeout=0\nlinux ($root)/vmlinuz ro init=/bin/sh\x1b[2J\nboot\n";
  const auto found = compare_disk(manifest, disk);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].message, HasSubstr("line 2 is 'linux ($root)/vmlinuz ro init=/bin/sh?[2J', and in the image "
                                          "'linux ($root)/vmlinuz ro'"));
}

// Found on a real VM: both lines were cut before the place where they differ.
TEST_F(CompareDisk, OfALongLineThePartThatDiffersIsShown) {
  const std::string line = "linux ($root)/vmlinuz ro " + std::string(400, 'x') + " lockdown=integrity";
  manifest.grub_config = line + "\nboot\n";
  disk.esp_sha256["/EFI/debian/grub.cfg"] = Bytes(32, 9);
  disk.grub_config = line + " init=/bin/sh\nboot\n";
  const auto found = compare_disk(manifest, disk);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].message,
              HasSubstr("line 1 is '...xxxxxxxxxxxxxxxxxxxxx lockdown=integrity init=/bin/sh', and in "
                        "the image '...xxxxxxxxxxxxxxxxxxxxx lockdown=integrity'"));
}

TEST_F(CompareDisk, AMissingAndAnAddedFileAreNamed) {
  disk.esp_sha256 = {{"/EFI/debian/grub.cfg", Bytes(32, 2)}, {"/EFI/debian/second", Bytes(32, 3)}};
  const auto found = compare_disk(manifest, disk);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_THAT(found[0].message, HasSubstr("BOOTX64.EFI is missing"));
  EXPECT_THAT(found[1].message, HasSubstr("/EFI/debian/second (SHA-256 "));
}

TEST_F(CompareDisk, ThePartitionTableAndTheRootAreHeldToo) {
  disk.gpt_event_sha256 = Bytes(32, 0);
  disk.root_matches = false;
  disk.root_detail = "Verification failed at position 4096.";
  const auto found = compare_disk(manifest, disk);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].component, "partition table");
  EXPECT_EQ(found[1].component, "root file system");
  EXPECT_THAT(found[1].message, HasSubstr("position 4096"));
}

TEST_F(CompareDisk, AFileSystemThatCannotBeReadIsOneDifference) {
  disk.esp_sha256.clear();
  disk.esp_detail = "a chain turns back at offset 512";
  const auto found = compare_disk(manifest, disk);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].message, HasSubstr("cannot be read: a chain turns back"));
}

// A guest may fill its partition with files: the report stays short.
TEST_F(CompareDisk, ManyDifferencesAreCut) {
  for (int i = 0; i < 100; ++i) disk.esp_sha256["/" + std::to_string(i)] = Bytes(32, 1);
  EXPECT_THAT(compare_disk(manifest, disk), SizeIs(32));
}

}  // namespace
}  // namespace slipway::image
