#include "bootchain/ovmf_firmware.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "base/byte_reader.h"
#include "base/refusals_for_tests.h"
#include "bootchain/efi_guid.h"
#include "bootchain/lzma.h"
#include "bootchain/ovmf_firmware_for_tests.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

using namespace slipway::bootchain::testing;
using ::testing::HasSubstr;

struct Parts {
  Bytes pei = volume(Bytes(200, 0x70));
  Bytes dxe = volume(Bytes(4000, 0xd8));
  std::string packing{kLzmaPacking};
  std::uint16_t data_offset = 24;
  std::function<void(Bytes&)> change_unpacked, change_packed;
};

Bytes firmware(const Parts& parts) {
  Bytes unpacked = section(0x19, Bytes(120, 0));
  put_bytes(unpacked, section(0x17, parts.pei));
  put_bytes(unpacked, section(0x19, Bytes(8, 0)));
  put_bytes(unpacked, section(0x17, parts.dxe));
  if (parts.change_unpacked) parts.change_unpacked(unpacked);
  Bytes packed = pack(unpacked);
  if (parts.change_packed) parts.change_packed(packed);
  return packed_firmware(packed, parts.packing, parts.data_offset);
}

std::string refusal(ByteView code) {
  const auto read = read_ovmf_firmware(code);
  return read ? "" : read.error().message;
}

TEST(OvmfFirmware, DigestsOfBothVolumes) {
  const Parts parts;
  const Bytes code = firmware(parts);
  const auto read = read_ovmf_firmware(code);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->code_sha256, crypto::sha256(code));
  EXPECT_EQ(read->pei_volume_sha256, crypto::sha256(parts.pei));
  EXPECT_EQ(read->dxe_volume_sha256, crypto::sha256(parts.dxe));
  EXPECT_EQ(read->dxe_volume_size, parts.dxe.size());
}

// The file that every boot of tests/corpus ran; the digest is the one in their logs.
TEST(OvmfFirmware, DebiansDxeVolumeIsTheOneThatRealBootsMeasured) {
  std::ifstream file("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", std::ios::binary);
  ASSERT_TRUE(file) << "the package ovmf is not installed; tools/install-packages unit";
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto read = read_ovmf_firmware(as_bytes(text));
  ASSERT_TRUE(read) << read.error().message;
  if (to_hex(read->code_sha256) != "d50189a486d22af418198226a3a5bcb6ddac775590f6a808bd629474ee034d62")
    GTEST_SKIP() << "another build of OVMF is installed: " << to_hex(read->code_sha256);
  EXPECT_EQ(to_hex(read->dxe_volume_sha256), "a644ed209b188dd428ea3e15c0b1dbbc1ad05d406bb2857cac4a73b98d0b6b4f");
  EXPECT_EQ(read->dxe_volume_size, 0xc00000u);
  EXPECT_EQ(read->pei_volume_size, 0xe0000u);
}

TEST(OvmfFirmware, SaysWhereItIsNotFirmware) {
  const Bytes code = firmware({});
  EXPECT_EQ(refusal(code), "");
  const auto changed = [&](std::size_t at) {
    Bytes other = code;
    other[at] ^= 1;
    return refusal(other);
  };
  EXPECT_THAT(changed(16), HasSubstr("at offset 16: a firmware volume of files"));
  EXPECT_THAT(changed(32), HasSubstr("at offset 32: a firmware volume of"));
  EXPECT_THAT(changed(40), HasSubstr("at offset 40: the signature _FVH"));
  EXPECT_THAT(changed(44), HasSubstr("at offset 50: the checksum"));
  EXPECT_THAT(changed(56), HasSubstr("at offset 72: the checksum of a firmware file's header"));
  EXPECT_THAT(refusal(ByteView(code).first(30)), HasSubstr("file system GUID"));
  EXPECT_THAT(refusal(ByteView(code).first(code.size() - 1)), HasSubstr("does not fit"));
  EXPECT_THAT(refusal(Bytes(kMaximumFirmware + 1, 0)), HasSubstr("more than"));
}

TEST(OvmfFirmware, SaysWhatItDoesNotHold) {
  EXPECT_THAT(refusal(volume(Bytes(512, 0xff))), HasSubstr("type 0x0b"));
  EXPECT_THAT(refusal(volume(file(0x07, Bytes(32, 0)))), HasSubstr("type 0x07 was not expected"));
  EXPECT_THAT(refusal(volume(file(0x0b, section(0x19, Bytes(8, 0))))), HasSubstr("one packed section"));
  Bytes oversized = section(0x02, Bytes(60, 0));
  oversized[0] = 0xf0;
  EXPECT_THAT(refusal(volume(file(0x0b, oversized))), HasSubstr("does not fit"));
  Parts parts;
  parts.packing = "a31280ad-481e-41b6-95e8-127f4c984779";
  EXPECT_THAT(refusal(firmware(parts)), HasSubstr("an LZMA section was expected"));
  parts = {};
  parts.data_offset = 0xffff;
  EXPECT_THAT(refusal(firmware(parts)), HasSubstr("outside of their section"));
}

TEST(OvmfFirmware, SaysWhatIsWrongWithTheUnpackedVolumes) {
  Parts parts;
  parts.change_unpacked = [](Bytes& bytes) { bytes[124 + 4 + 50] ^= 1; };
  EXPECT_THAT(refusal(firmware(parts)), HasSubstr("checksum"));
  parts.change_unpacked = [](Bytes& bytes) { put_bytes(bytes, section(0x17, volume(Bytes(8, 1)))); };
  EXPECT_THAT(refusal(firmware(parts)), HasSubstr("3 volumes"));
  parts.change_unpacked = [](Bytes& bytes) { put_bytes(bytes, section(0x10, Bytes(8, 1))); };
  EXPECT_THAT(refusal(firmware(parts)), HasSubstr("type 0x10"));
  parts = {};
  parts.dxe.push_back(0);
  EXPECT_THAT(refusal(firmware(parts)), HasSubstr("does not fill its section"));
  parts = {};
  parts.change_packed = [](Bytes& bytes) { bytes.resize(bytes.size() / 2); };
  EXPECT_THAT(refusal(firmware(parts)), HasSubstr("LZMA"));
  parts.change_packed = [](Bytes& bytes) { bytes.push_back(7); };
  EXPECT_THAT(refusal(firmware(parts)), HasSubstr("follow its end"));
}

// The firmware with an extended header of 24 bytes in front of its file, at this offset.
Bytes with_extended_header(std::uint16_t offset, std::uint32_t size = 24) {
  Bytes content(16, 0x33);
  put_u32_le(content, size);
  put_u32_le(content, 0);
  put_bytes(content, ByteView(firmware({})).subspan(56));
  Bytes code = volume(content);
  code[52] = static_cast<std::uint8_t>(offset);
  code[53] = static_cast<std::uint8_t>(offset >> 8);
  sum_up_volume(code, 0, 56);
  return code;
}

// The firmware with another file behind its own.
Bytes with_second_file(std::uint8_t type) {
  Bytes content = to_bytes(ByteView(firmware({})).subspan(56));
  content.resize(content.size() - 512);
  content.resize((content.size() + 7) & ~std::size_t{7}, 0);
  put_bytes(content, file(type, Bytes(8, 0)));
  return volume(content);
}

Bytes with_large_file() {
  Bytes code = firmware({});
  code[56 + 19] |= 0x01;
  code[56 + 16] = static_cast<std::uint8_t>(code[56 + 16] - 1);  // the checksum
  return code;
}

// Two of them are the volumes, two are there already.
Bytes with_sections(int count) {
  Parts parts;
  parts.change_unpacked = [count](Bytes& bytes) {
    for (int i = 4; i < count; ++i) put_bytes(bytes, section(0x19, Bytes(4, 0)));
  };
  return firmware(parts);
}

TEST(OvmfFirmware, RefusesOneThingAtATime) {
  const Bytes good = with_extended_header(56);
  ASSERT_EQ(refusal(good), "");
  const auto whole = static_cast<std::uint32_t>(good.size());
  ASSERT_LT(whole, 0xffffu);
  ASSERT_EQ(refusal(with_second_file(0xf0)), "");
  ASSERT_EQ(refusal(with_sections(64)), "");
  expect_refusals({
      {"an extended header in the header", refusal(with_extended_header(55)),
       "at offset 52: the volume's extended header lies outside of it"},
      {"one behind the volume", refusal(with_extended_header(static_cast<std::uint16_t>(whole + 1))),
       "at offset 52: the volume's extended header lies outside of it"},
      {"one that is longer than the volume", refusal(with_extended_header(56, whole - 56 + 1)),
       "at offset 72: the volume's extended header is longer than the volume"},
      {"a large file", refusal(with_large_file()), "at offset 75: a file of more than 16 MiB is not understood"},
      {"a second file of volumes", refusal(with_second_file(0x0b)), "a second file of firmware volumes"},
      {"65 sections", refusal(with_sections(65)), "no more than 64 sections were expected"},
  });
}

TEST(Lzma, UnpacksWhatWasPackedAndNoMoreThanTheLimit) {
  const Bytes bytes(70000, 'a');
  const Bytes packed = pack(bytes);
  EXPECT_EQ(unpack_lzma(packed, bytes.size()).value(), bytes);
  const auto refused = unpack_lzma(packed, bytes.size() - 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  Bytes named = packed;  // the size, where the stream names it
  for (std::size_t i = 5; i < 13; ++i) named[i] = i < 8 ? 0xff : 0;
  EXPECT_EQ(unpack_lzma(named, 70000).error().code, ErrorCode::kResourceExhausted);
  Bytes dictionary = packed;
  dictionary[4] = 0x40;  // 1 GiB
  EXPECT_THAT(unpack_lzma(dictionary, bytes.size()).error().message, HasSubstr("dictionary"));
  EXPECT_FALSE(unpack_lzma({}, 100));
}

}  // namespace
}  // namespace slipway::bootchain
