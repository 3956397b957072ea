#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/source_folder_for_tests.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/event_log.h"
#include "image/prediction.h"
#include "slipway_command.h"

// "slipway inspect image" and "slipway predict" as a person runs them, on a disk of sgdisk, mkfs.vfat, mtools and
// veritysetup, and on the recorded boots.
namespace slipway {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;

constexpr const char* kFirmware = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
constexpr std::string_view kFirmwareSha256 = "d50189a486d22af418198226a3a5bcb6ddac775590f6a808bd629474ee034d62";
const std::string kBoots = "boots/";  // below tests/corpus, where the commands run

class ImageVerbs : public SlipwayCommand {
 protected:
  static void run(const std::string& command) {
    ASSERT_EQ(std::system(("export PATH=$PATH:/usr/sbin:/sbin; " + command).c_str()), 0) << command;
  }

  // A disk of 64 MiB: a boot partition with two files, an empty partition, a hash tree. Gives the tree's root hash.
  std::string make_disk(const std::string& disk) const {
    run(
        fmt::format("cd '{}' && truncate -s 64M {} && sgdisk --clear --new=1:2048:+36M --typecode=1:ef00 --new=2:0:+4M "
                    "--new=3:0:+4M {} > log",
                    folder_.string(), disk, disk));
    run(
        fmt::format("cd '{}' && truncate -s 36M esp && mkfs.vfat -F 32 --invariant esp > log && mmd -i esp ::/EFI "
                    "::/EFI/debian && printf 'set timeout=0\\n' > grub.cfg && mcopy -i esp grub.cfg "
                    "::/EFI/debian/grub.cfg && dd if=esp of={} bs=1M seek=1 conv=notrunc,sparse status=none",
                    folder_.string(), disk));
    run(
        fmt::format("cd '{}' && truncate -s 1M data && veritysetup format --salt=0011 data tree | awk '$1 == \"Root\" "
                    "{{ printf \"%s\", $3 }}' > root && dd if=tree of={} bs=1M seek=41 conv=notrunc status=none",
                    folder_.string(), disk));
    std::ifstream file(path("root"));
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(ImageVerbs, ADiskIsShownTheSameRawAndAsQcow2) {
  const std::string root_hash = make_disk("disk.raw");
  ASSERT_EQ(root_hash.size(), 64u) << "is cryptsetup-bin installed?";
  const Ran raw = slipway("inspect image " + path("disk.raw") + " -o json");
  ASSERT_EQ(raw.status, 0) << raw.complaint;
  const json::value shown = json::parse(raw.output);
  EXPECT_EQ(shown.at("rootHash").as_string(), root_hash);
  EXPECT_EQ(shown.at("virtualSize").to_number<int>(), 64 << 20);
  ASSERT_EQ(shown.at("partitions").as_array().size(), 3u);
  EXPECT_EQ(shown.at("partitions").at(0).at("kind").as_string(), "EFI system partition");
  EXPECT_EQ(shown.at("partitions").at(2).at("kind").as_string(), "dm-verity hash tree");
  EXPECT_EQ(shown.at("files").at(0).at("path").as_string(), "/EFI/debian/grub.cfg");
  EXPECT_THAT(std::string(shown.at("problem").as_string()), HasSubstr("no root hash"));

  run(fmt::format("qemu-img convert -f raw -O qcow2 '{}' '{}'", path("disk.raw"), path("a, disk.qcow2")));
  const Ran qcow2 = slipway("inspect image '" + path("a, disk.qcow2") + "' -o json");
  EXPECT_EQ(qcow2.status, 0) << qcow2.complaint;
  EXPECT_EQ(qcow2.output, raw.output);
  // Nothing is left behind.
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_EQ(entry.path().filename().string().find("slipway-image-"), std::string::npos);
  EXPECT_THAT(slipway("inspect image " + path("disk.raw")).output, HasSubstr("/EFI/debian/grub.cfg"));
}

// What a stranger's image names is a file of the reader's, or a server.
TEST_F(ImageVerbs, WhatAnImageNamesIsNotOpened) {
  make_disk("disk.raw");
  run(fmt::format("qemu-img convert -f raw -O qcow2 '{0}' '{1}' && qemu-img create -q -f qcow2 -F qcow2 -b '{1}' '{2}'",
                  path("disk.raw"), path("disk.qcow2"), path("overlay.qcow2")));
  const Ran overlay = slipway("inspect image " + path("overlay.qcow2"));
  EXPECT_EQ(overlay.status, 2);
  EXPECT_EQ(overlay.output, "");
  EXPECT_THAT(overlay.complaint, HasSubstr("names a backing file"));
  run(fmt::format("qemu-img convert -f raw -O qcow2 -o data_file='{}',data_file_raw=on '{}' '{}'", path("data.raw"),
                  path("disk.raw"), path("outside.qcow2")));
  const Ran outside = slipway("inspect image " + path("outside.qcow2"));
  EXPECT_EQ(outside.status, 2);
  EXPECT_EQ(outside.output, "");
  EXPECT_THAT(outside.complaint, HasSubstr("names another file"));
}

TEST_F(ImageVerbs, AMalformedDiskIsOneLineWithItsOffset) {
  make_disk("disk.raw");
  run(fmt::format("printf X | dd of='{}' bs=1 seek=520 conv=notrunc status=none", path("disk.raw")));
  const Ran table = slipway("inspect image " + path("disk.raw"));
  EXPECT_EQ(table.status, 2);
  EXPECT_EQ(table.output, "");
  EXPECT_THAT(table.complaint, HasSubstr("disk.raw: "));
  EXPECT_EQ(std::count(table.complaint.begin(), table.complaint.end(), '\n'), 1);

  make_disk("other.raw");
  run(fmt::format("printf X | dd of='{}' bs=1 seek={} conv=notrunc status=none", path("other.raw"), (1 << 20) + 13));
  const Ran sector = slipway("predict " + path("other.raw") + " --firmware " + kFirmware);
  EXPECT_EQ(sector.status, 2);
  EXPECT_EQ(sector.output, "");
  EXPECT_THAT(sector.complaint, HasSubstr("partition 1: at offset 13 of the FAT volume"));

  const Ran cut = slipway("inspect image " + write("cut.qcow2", as_bytes("QFI\xfb and no more")));
  EXPECT_EQ(cut.status, 2);
  EXPECT_EQ(cut.output, "");
  EXPECT_EQ(slipway("inspect image " + path("nothing")).status, 3);
  EXPECT_EQ(slipway("inspect image " + folder_.string()).output, "");
}

// What the recorded boot's firmware measured of its PEI volume stands for its calibration.
std::string calibration_of(const std::string& boot, bool secure_boot) {
  const auto log = bootchain::parse_event_log(bootchain::read_corpus("boots/" + boot + "/log.bin"));
  json::array events;
  for (const auto& event : log->events)
    if (event.pcr == 0 && event.type != bootchain::kEvNoAction)
      events.emplace_back(to_hex(*bootchain::find_digest(event, bootchain::kSha256Bank)));
  return json::serialize(json::object{{"firmwareSha256", kFirmwareSha256},
                                      {"qemuVersion", "7.2.22"},
                                      {"machineType", "pc-q35-7.2"},
                                      {"vcpus", 2},
                                      {"memoryMib", 1536},
                                      {"secureBoot", secure_boot},
                                      {"pcr0Events", events}});
}

TEST_F(ImageVerbs, ARecordedBootIsAsPredicted) {
  if (!fs::exists(kFirmware)) GTEST_SKIP() << "the package ovmf is not installed";
  for (const bool on : {true, false}) {
    const std::string boot = std::string("debian12-ovmf-minimal-secureboot-") + (on ? "on" : "off");
    const std::string words =
        fmt::format("predict --manifest {0}{1}/manifest.json --secure-boot {2} --calibration {3} ", kBoots, boot,
                    on ? "on" : "off", write("calibration.json", as_bytes(calibration_of(boot, on))));
    const Ran printed = slipway(words + "-o json");
    ASSERT_EQ(printed.status, 0) << printed.complaint;
    const auto prediction = image::prediction_from_json(printed.output);
    ASSERT_TRUE(prediction) << prediction.error().message;
    EXPECT_EQ(prediction->secure_boot, on);

    const Ran equal = slipway(words + "--compare " + kBoots + boot + "/log.bin");
    EXPECT_EQ(equal.status, 0) << equal.complaint << equal.output;
    EXPECT_THAT(equal.output, HasSubstr(" 4 may vary, 0 differ"));

    Bytes log = bootchain::read_corpus("boots/" + boot + "/log.bin");
    log[log.size() - 45] ^= 1;  // in the last event
    const Ran changed = slipway(words + "-o json --compare " + write("changed.bin", log));
    EXPECT_EQ(changed.status, 1);
    EXPECT_FALSE(json::parse(changed.output).at("asPredicted").as_bool());
    EXPECT_THAT(changed.complaint, HasSubstr("not as predicted"));

    log.resize(log.size() - 1);
    const Ran cut = slipway(words + "--compare " + write("cut.bin", log));
    EXPECT_EQ(cut.status, 2);
    EXPECT_EQ(cut.output, "");
  }
}

TEST_F(ImageVerbs, TheCalibrationMustBeOfThisFirmwareAndStore) {
  if (!fs::exists(kFirmware)) GTEST_SKIP() << "the package ovmf is not installed";
  const std::string boot = "debian12-ovmf-minimal-secureboot-on";
  const std::string words = fmt::format("predict --manifest {}{}/manifest.json ", kBoots, boot);
  EXPECT_THAT(slipway(words + "--secure-boot off --variables /usr/share/OVMF/OVMF_VARS_4M.ms.fd").complaint,
              HasSubstr("Secure Boot is on"));
  EXPECT_THAT(
      slipway(words + "--secure-boot off --calibration " + write("on.json", as_bytes(calibration_of(boot, true))))
          .complaint,
      HasSubstr("is a calibration of firmware"));
  EXPECT_THAT(slipway(words + "--vcpus 2").complaint, HasSubstr("go together"));
  EXPECT_THAT(slipway(words + "--vcpus 2 --memory 1").complaint, HasSubstr("no calibration of this firmware"));
  EXPECT_EQ(slipway("predict").status, 1);
  const Ran open = slipway(words + "--compare " + kBoots + boot + "/log.bin");
  EXPECT_EQ(open.status, 1);
  EXPECT_THAT(open.output, HasSubstr("notCalibrated"));
  const Ran swapped = slipway(words + "--firmware " + write("firmware.fd", Bytes(4096, 0)));
  EXPECT_EQ(swapped.status, 2);
  EXPECT_THAT(swapped.complaint, HasSubstr("firmware.fd: at offset 16"));
}

}  // namespace
}  // namespace slipway
