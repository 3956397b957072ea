#include "image/qcow2_header.h"

#include <gtest/gtest.h>

#include "base/byte_reader.h"

namespace slipway::image {
namespace {

struct Header {
  std::uint32_t version = 3;
  std::uint64_t backing_offset = 0;
  std::uint32_t backing_size = 0;
  std::uint64_t incompatible = 0;

  Bytes bytes() const {
    Bytes out = to_bytes("QFI\xfb");
    put_u32_be(out, version);
    put_u64_be(out, backing_offset);
    put_u32_be(out, backing_size);
    put_u32_be(out, 16);
    put_u64_be(out, 64U << 20);
    out.resize(72);
    if (version == 2) return out;
    put_u64_be(out, incompatible);
    out.resize(kQcow2HeaderBytes);
    return out;
  }
};

TEST(Qcow2Header, SaysHowLargeTheDiskIs) {
  for (const std::uint32_t version : {2U, 3U}) {
    const auto header = read_qcow2_header(Header{.version = version}.bytes());
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_EQ(header->virtual_size, 64U << 20);
    EXPECT_FALSE(header->names_backing_file || header->names_data_file);
  }
}

TEST(Qcow2Header, SaysThatItNamesOtherFiles) {
  EXPECT_TRUE(
      read_qcow2_header(Header{.version = 2, .backing_offset = 500, .backing_size = 9}.bytes())->names_backing_file);
  EXPECT_TRUE(read_qcow2_header(Header{.backing_size = 9}.bytes())->names_backing_file);
  EXPECT_TRUE(read_qcow2_header(Header{.incompatible = 4}.bytes())->names_data_file);
  EXPECT_TRUE(read_qcow2_header(Header{.incompatible = 0xff}.bytes())->names_data_file);
  EXPECT_FALSE(read_qcow2_header(Header{.incompatible = 3}.bytes())->names_data_file);
}

TEST(Qcow2Header, RefusesAnythingElse) {
  const Bytes good = Header{}.bytes();
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(read_qcow2_header(ByteView(good).first(size)).error().code, ErrorCode::kMalformed) << size;
  EXPECT_EQ(read_qcow2_header(Header{.version = 4}.bytes()).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(read_qcow2_header(Bytes(200, 0)).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace slipway::image
