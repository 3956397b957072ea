#include "image/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/boots_for_tests.h"

namespace slipway::image {
namespace {

using ::testing::HasSubstr;

// What a host recorded of 2 vCPU and 2048 MiB.
constexpr std::string_view kRecord =
    R"({"firmwareSha256":"d50189a486d22af418198226a3a5bcb6ddac775590f6a808bd629474ee034d62","qemuVersion":"7.2.22",)"
    R"("machineType":"pc-q35-7.2","vcpus":2,"memoryMib":2048,"secureBoot":true,"pcr0Events":[)"
    R"("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",)"
    R"("fee976dd7685334be57c327bd7d4bd8716efa85da5631eadbd4eb52474a8598e",)"
    R"("a644ed209b188dd428ea3e15c0b1dbbc1ad05d406bb2857cac4a73b98d0b6b4f",)"
    R"("df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"]})";

TEST(Calibration, GivesThePeiVolumeAloneWhereTheRestIsAsComputed) {
  const auto calibration = calibration_from_json(kRecord);
  ASSERT_TRUE(calibration) << calibration.error().message;
  EXPECT_EQ(calibration->vcpus, 2);
  EXPECT_EQ(calibration->memory_mib, 2048);
  EXPECT_TRUE(calibration->secure_boot);
  const FirmwareFacts facts = firmware_of(kMinimalOn);
  EXPECT_EQ(calibration->firmware_sha256, facts.code_sha256);
  const auto pei = calibrated_pei_volume(calibration->pcr0_events, facts.dxe_volume_sha256);
  ASSERT_TRUE(pei) << pei.error().message;
  EXPECT_EQ(to_hex(*pei), "fee976dd7685334be57c327bd7d4bd8716efa85da5631eadbd4eb52474a8598e");
}

TEST(Calibration, IsRefusedWhereItIsOfAnotherFirmware) {
  const auto events = calibration_from_json(kRecord)->pcr0_events;
  const Bytes dxe = firmware_of(kMinimalOn).dxe_volume_sha256;
  for (const std::size_t i : {0U, 2U, 3U}) {
    auto other = events;
    other[i][0] ^= 1;
    EXPECT_THAT(calibrated_pei_volume(other, dxe).error().message, HasSubstr("another firmware"));
  }
  auto more = events;
  more.push_back(events[0]);
  EXPECT_FALSE(calibrated_pei_volume(more, dxe));
  EXPECT_FALSE(calibrated_pei_volume({}, dxe));
}

TEST(Calibration, SaysWhichKeyIsWrong) {
  const auto replaced = [](const std::string& what, const std::string& with) {
    std::string json(kRecord);
    json.replace(json.find(what), what.size(), with);
    const auto read = calibration_from_json(json);
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(replaced("{", "{\"more\":1,"), "");
  EXPECT_THAT(replaced("\"vcpus\":2", "\"vcpus\":0"), HasSubstr("vcpus"));
  EXPECT_THAT(replaced("\"memoryMib\":2048", "\"memoryMib\":\"2\""), HasSubstr("memoryMib"));
  EXPECT_THAT(replaced("\"secureBoot\":true", "\"secureBoot\":1"), HasSubstr("secureBoot"));
  EXPECT_THAT(replaced("\"pcr0Events\":[\"96", "\"pcr0Events\":[\""), HasSubstr("pcr0Events"));
  EXPECT_FALSE(calibration_from_json("{"));
  const std::string padded = std::string(kRecord) + std::string((64U << 10) - kRecord.size(), ' ');
  EXPECT_TRUE(calibration_from_json(padded));
  EXPECT_THAT(calibration_from_json(padded + " ").error().message, HasSubstr("which has at most 65536 bytes"));
}

}  // namespace
}  // namespace slipway::image
