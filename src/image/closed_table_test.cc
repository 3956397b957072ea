#include "image/closed_table.h"

#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "image/boots_for_tests.h"

namespace slipway::image {
namespace {

using bootchain::kEvEfiVariableBoot;

constexpr std::string_view kAutomatic = "8108ac4e-9f11-4d59-850e-e21a522c59b2";

Bytes load_option(std::string_view description, ByteView path, ByteView optional) {
  Bytes value;
  put_u32_le(value, 1);
  put_u16_le(value, static_cast<std::uint16_t>(path.size()));
  for (const char letter : description) put_u16_le(value, static_cast<std::uint8_t>(letter));
  put_u16_le(value, 0);
  put_bytes(value, path);
  put_bytes(value, optional);
  return value;
}

bool varies(std::string_view name, Bytes value, std::string_view vendor = bootchain::kEfiGlobalVariables) {
  return may_vary(1, kEvEfiVariableBoot,
                  bootchain::encode_variable_data(
                      {bootchain::guid_from_text(vendor).value(), std::string(name), std::move(value)}));
}

const Bytes kDiskPath = hex_bytes("02010c00d041030a000000000101060000017fff0400");
const Bytes kMark = to_bytes(ByteView(bootchain::guid_from_text(kAutomatic).value().bytes));

TEST(ClosedTable, HoldsTheBootEntriesOfEveryRecordedBoot) {
  int entries = 0;
  for (const char* boot : {kVerityBoot, kWritableBoot, kMinimalOn, kMinimalOff}) {
    for (const bootchain::UnverifiedEvent& event : events_of(boot)) {
      const bool entry = event.pcr == 1 && event.type == kEvEfiVariableBoot;
      EXPECT_EQ(may_vary(static_cast<int>(event.pcr), event.type, event.data), entry) << boot << event.index;
      entries += entry ? 1 : 0;
    }
  }
  EXPECT_EQ(entries, 28);
}

TEST(ClosedTable, AnEntryThatIsNotAutomaticDoesNotStandInIt) {
  EXPECT_TRUE(varies("Boot0001", load_option("UEFI Misc Device", kDiskPath, kMark)));
  EXPECT_TRUE(varies("Boot00AF", load_option("UEFI Misc Device", kDiskPath, {})));
  EXPECT_FALSE(varies("Boot001", load_option("x", kDiskPath, kMark)));
  EXPECT_FALSE(varies("Boot00af", load_option("x", kDiskPath, kMark)));
  EXPECT_FALSE(varies("BootNext", load_option("x", kDiskPath, kMark)));
  EXPECT_FALSE(varies("Boot0001", load_option("x", kDiskPath, kMark), bootchain::kShimVariables));
  EXPECT_FALSE(varies("Boot0001", load_option("x\ny", kDiskPath, kMark)));
  EXPECT_FALSE(varies("Boot0001", load_option(std::string(200, 'x'), kDiskPath, kMark)));
  EXPECT_FALSE(varies("Boot0001", load_option("x", kDiskPath, Bytes{1, 2})));
  EXPECT_FALSE(varies("Boot0001", load_option("x", kDiskPath, Bytes(16, 1))));
  EXPECT_FALSE(varies("Boot0001", load_option("x", ByteView(kDiskPath).first(12), kMark)));
  EXPECT_FALSE(varies("Boot0001", load_option("x", {}, kMark)));
  EXPECT_FALSE(varies("Boot0001", {}));
  // A file named on a disk, behind PCI devices and alone.
  const Bytes file = hex_bytes(
      "02010c00d041030a00000000"
      "0404080061000000"
      "7fff0400");
  EXPECT_FALSE(varies("Boot0001", load_option("x", file, kMark)));
  EXPECT_FALSE(varies("Boot0001", load_option("x", ByteView(file).subspan(12), kMark)));
  // A second path behind the first one's end.
  const Bytes two = hex_bytes(
      "02010c00d041030a000000007f010400"
      "02010c00d041030a000000007fff0400");
  EXPECT_TRUE(varies("Boot0001", load_option("x", two, kMark)));
  const Bytes behind = hex_bytes(
      "02010c00d041030a000000007fff0400"
      "02010c00d041030a000000007fff0400");
  EXPECT_FALSE(varies("Boot0001", load_option("x", behind, kMark)));
}

TEST(ClosedTable, AnOrderIsAListOfNumbers) {
  EXPECT_TRUE(varies("BootOrder", {1, 0, 0, 0}));
  EXPECT_FALSE(varies("BootOrder", {}));
  EXPECT_FALSE(varies("BootOrder", {1}));
  EXPECT_FALSE(varies("BootOrder", {1, 0, 1, 0}));
  Bytes many;
  for (std::uint16_t i = 0; i < 65; ++i) put_u16_le(many, i);
  EXPECT_FALSE(varies("BootOrder", many));
  many.resize(128);
  EXPECT_TRUE(varies("BootOrder", many));
}

TEST(ClosedTable, NothingOutsideOfPcr1) {
  const Bytes data = bootchain::encode_variable_data(
      {bootchain::guid_from_text(bootchain::kEfiGlobalVariables).value(), "BootOrder", {1, 0}});
  EXPECT_TRUE(may_vary(1, kEvEfiVariableBoot, data));
  EXPECT_TRUE(may_vary(1, bootchain::kEvEfiVariableBoot2, data));
  for (const int pcr : {0, 2, 3, 4, 5, 6, 7, 8, 9, 14}) EXPECT_FALSE(may_vary(pcr, kEvEfiVariableBoot, data));
  EXPECT_FALSE(may_vary(1, bootchain::kEvEfiVariableDriverConfig, data));
  EXPECT_FALSE(may_vary(1, bootchain::kEvEfiHandoffTables, data));
}

}  // namespace
}  // namespace slipway::image
