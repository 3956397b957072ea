#include "bootchain/device_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/efi_guid.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"
#include "bootchain/events_for_tests.h"
#include "bootchain/load_option.h"

namespace slipway::bootchain {
namespace {

using ::testing::HasSubstr;

Bytes hex(std::string_view text) { return from_hex(text).value(); }
const Bytes kEnd = hex("7fff0400");

Bytes node(std::uint8_t type, std::uint8_t subtype, const Bytes& body) {
  Bytes bytes{type, subtype};
  put_u16_le(bytes, static_cast<std::uint16_t>(body.size() + 4));
  put_bytes(bytes, body);
  return bytes;
}

std::string text_of(Bytes path) {
  put_bytes(path, kEnd);
  const auto text = device_path_text(path);
  return text ? *text : "error: " + text.error().message;
}
std::string text_of(std::uint8_t type, std::uint8_t subtype, std::string_view body) {
  return text_of(node(type, subtype, hex(body)));
}

// The expected texts are those of UEFI 2.10, table 10.6 and 10.7, written out by hand.
TEST(DevicePathText, HasTheSpecificationsFormForEachNode) {
  EXPECT_EQ(text_of(1, 1, "021f"), "Pci(0x1f,0x2)");
  EXPECT_EQ(text_of(1, 2, "03"), "PcCard(0x3)");
  EXPECT_EQ(text_of(1, 3, "0b000000000082000000000000ff8f0000000000"), "MemoryMapped(0xb,0x820000,0x8fff00)");
  EXPECT_EQ(text_of(1, 4, "28732ac11ff8d211ba4b00a0c93ec93b"), "VenHw(c12a7328-f81f-11d2-ba4b-00a0c93ec93b)");
  EXPECT_EQ(text_of(1, 5, "07000000"), "Ctrl(0x7)");
  EXPECT_EQ(text_of(2, 1, "d041030a00000000"), "PciRoot(0x0)");
  EXPECT_EQ(text_of(2, 1, "d041080a02000000"), "PcieRoot(0x2)");
  EXPECT_EQ(text_of(2, 1, "d041010501000000"), "Serial(0x1)");
  EXPECT_EQ(text_of(2, 1, "d0410a0c01000000"), "Acpi(PNP0C0A,0x1)");
  EXPECT_EQ(text_of(2, 1, "d041040600000000"), "Floppy(0x0)");
  EXPECT_EQ(text_of(2, 3, "0001018000020180"), "AcpiAdr(0x80010100,0x80010200)");
  EXPECT_EQ(text_of(3, 1, "01000300"), "Ata(Secondary,Master,0x3)");
  EXPECT_EQ(text_of(3, 2, "01000200"), "Scsi(0x1,0x2)");
  EXPECT_EQ(text_of(3, 5, "0301"), "USB(0x3,0x1)");
  EXPECT_EQ(text_of(3, 0x0b,
                    "5254001234560000000000000000000000000000000000000000000000000000"
                    "01"),
            "MAC(525400123456,0x1)");
  EXPECT_EQ(text_of(3, 0x0c,
                    "0a000002"
                    "0a000001"
                    "0000"
                    "0000"
                    "0600"
                    "00"
                    "00000000"
                    "00000000"),
            "IPv4(10.0.0.1,TCP,DHCP,10.0.0.2,0.0.0.0,0.0.0.0)");
  EXPECT_EQ(text_of(3, 0x0d,
                    "fe80000000000000000000000000000100000000000000000000000000000000"
                    "0000"
                    "0000"
                    "1100"
                    "01"
                    "40"
                    "00000000000000000000000000000000"),
            "IPv6(0:0:0:0:0:0:0:0,UDP,StatelessAutoConfigure,fe80:0:0:0:0:0:0:1)");
  EXPECT_EQ(text_of(3, 0x0e,
                    "0000000000c20100000000000801"
                    "01"),
            "Uart(115200,8,N,1)");
  EXPECT_EQ(text_of(3, 0x12, "0200ffff0000"), "Sata(0x2,0xffff,0x0)");
  EXPECT_EQ(text_of(3, 0x17, "010000000807060504030201"), "NVMe(0x1,01-02-03-04-05-06-07-08)");
  EXPECT_EQ(text_of(3, 0x18, to_hex(as_bytes("http://10.0.0.1/boot.efi"))), "Uri(http://10.0.0.1/boot.efi)");
  EXPECT_EQ(text_of(4, 1,
                    "01000000"
                    "0008000000000000"
                    "0000100000000000"
                    "28732ac11ff8d211ba4b00a0c93ec93b"
                    "02"
                    "02"),
            "HD(1,GPT,c12a7328-f81f-11d2-ba4b-00a0c93ec93b,0x800,0x100000)");
  EXPECT_EQ(text_of(4, 1,
                    "02000000"
                    "3f00000000000000"
                    "0010000000000000"
                    "78563412000000000000000000000000"
                    "01"
                    "01"),
            "HD(2,MBR,0x12345678,0x3f,0x1000)");
  EXPECT_EQ(text_of(4, 2,
                    "01000000"
                    "2300000000000000"
                    "0100000000000000"),
            "CDROM(0x1,0x23,0x1)");
  EXPECT_EQ(text_of(4, 4,
                    "5c00450046004900"
                    "0000"),
            "\\EFI");
  EXPECT_EQ(text_of(4, 6, "28732ac11ff8d211ba4b00a0c93ec93b"), "FvFile(c12a7328-f81f-11d2-ba4b-00a0c93ec93b)");
  EXPECT_EQ(text_of(4, 7, "28732ac11ff8d211ba4b00a0c93ec93b"), "Fv(c12a7328-f81f-11d2-ba4b-00a0c93ec93b)");
  EXPECT_EQ(text_of(4, 8,
                    "00000000"
                    "0010000000000000"
                    "ff1f000000000000"),
            "Offset(0x1000,0x1fff)");
  EXPECT_EQ(text_of(5, 1,
                    "0200"
                    "0000" +
                        to_hex(as_bytes("Disk")) + "00"),
            "BBS(HD,Disk,0x0)");
}

TEST(DevicePathText, ShowsAnyOtherNodeRaw) {
  EXPECT_EQ(text_of(1, 99, "abcd"), "Path(1,99,abcd)");
  EXPECT_EQ(text_of(9, 1, ""), "Path(9,1,)");
  // Too short for its type.
  EXPECT_EQ(text_of(3, 0x12, "0200"), "Path(3,18,0200)");
}

TEST(DevicePathText, JoinsNodesAndInstances) {
  Bytes path = node(2, 1, hex("d041030a00000000"));
  put_bytes(path, node(1, 1, hex("0001")));
  put_bytes(path, node(0x7f, 1, {}));
  put_bytes(path, node(1, 5, hex("01000000")));
  EXPECT_EQ(text_of(path), "PciRoot(0x0)/Pci(0x1,0x0),Ctrl(0x1)");
  EXPECT_EQ(device_path_text({}).value(), "");
}

TEST(DevicePathText, RefusesLengthsThatLie) {
  EXPECT_THAT(device_path_text(hex("01010300")).error().message, HasSubstr("at offset 0: expected a device path node"));
  EXPECT_THAT(device_path_text(hex("01010700ff")).error().message, HasSubstr("at offset 4: expected"));
  EXPECT_THAT(device_path_text(hex("7fff0400"
                                   "00"))
                  .error()
                  .message,
              HasSubstr("at offset 4: expected the end"));
  EXPECT_FALSE(device_path_text(hex("0101")));
}

TEST(DevicePathText, EndsInDotsWhereThereAreTooManyNodes) {
  Bytes path;
  for (std::size_t i = 0; i < 16000; ++i) put_bytes(path, node(1, 1, hex("0001")));
  const std::string text = text_of(path);
  EXPECT_LT(text.size(), 20 * kMaximumDevicePathNodes);
  EXPECT_TRUE(text.ends_with("Pci(0x1,0x0)/..."));
}

TEST(LoadOptions, OfARealBootAreInWords) {
  const auto log = parse_event_log(read_corpus("eventlogs/keylime-host.bin")).value();
  std::vector<std::string> shown;
  for (const UnverifiedEvent& event : log.events) {
    if (event.type != kEvEfiVariableBoot) continue;
    const auto variable = decode_variable_data(event.data);
    ASSERT_TRUE(variable);
    if (variable->name == "BootOrder") continue;
    const auto option = parse_load_option(variable->value);
    ASSERT_TRUE(option) << variable->name << ": " << option.error().message;
    const auto path = device_path_text(option->device_path);
    ASSERT_TRUE(path) << variable->name << ": " << path.error().message;
    EXPECT_EQ(encode_load_option(*option), variable->value) << variable->name;
    shown.push_back(option->description + " " + *path);
  }
  ASSERT_EQ(shown.size(), 13u);
  EXPECT_EQ(shown[0].substr(0, 13), "Fedora HD(1,G");
  EXPECT_TRUE(shown[0].ends_with("/\\EFI\\fedora\\shimx64.efi")) << shown[0];
}

TEST(LoadOptions, SurviveARoundTrip) {
  Arbitrary arbitrary(2);
  for (int round = 0; round < 500; ++round) {
    LoadOption option;
    option.attributes = arbitrary.number(0xffffffff);
    option.description = arbitrary.text(40);
    option.device_path = arbitrary.some_bytes(100);
    option.optional_data = arbitrary.some_bytes(60);
    const auto again = parse_load_option(encode_load_option(option));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->attributes, option.attributes);
    EXPECT_EQ(again->description, option.description);
    EXPECT_EQ(again->device_path, option.device_path);
    EXPECT_EQ(again->optional_data, option.optional_data);
  }
}

TEST(LoadOptions, RefuseWhatIsTruncated) {
  const Bytes value = encode_load_option({1, "Linux", kEnd, {}});
  for (std::size_t size = 0; size < value.size(); ++size)
    EXPECT_THAT(parse_load_option(ByteView(value).first(size)).error().message, HasSubstr("at offset ")) << size;
}

}  // namespace
}  // namespace slipway::bootchain
