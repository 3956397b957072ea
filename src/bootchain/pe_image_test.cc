#include "bootchain/pe_image.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "bootchain/pe_image_for_tests.h"
#include "crypto/digest.h"
#include "crypto/signing_for_tests.h"

namespace slipway::bootchain {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kPeOffset = 0x40;
constexpr std::size_t kOptional = kPeOffset + 24;
constexpr std::size_t kOptionalSize = 112 + 16 * 8;
constexpr std::size_t kChecksum = kOptional + 64;
constexpr std::size_t kCertificateEntry = kOptional + 112 + 4 * 8;
constexpr std::size_t kHeaders = 0x200;

void set_u32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}
void set_u16(Bytes& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value);
  bytes[at + 1] = static_cast<std::uint8_t>(value >> 8);
}

// A PE32+ image with two sections that stand in the file in the other order than in the table, and 16 bytes behind
// them.
Bytes small_image() {
  Bytes image(kHeaders, 0);
  image[0] = 'M';
  image[1] = 'Z';
  set_u32(image, 0x3c, kPeOffset);
  set_u32(image, kPeOffset, 0x00004550);
  set_u16(image, kPeOffset + 6, 2);
  set_u16(image, kPeOffset + 20, kOptionalSize);
  set_u16(image, kOptional, 0x20b);
  set_u32(image, kOptional + 60, kHeaders);
  set_u32(image, kOptional + 108, 16);
  set_u32(image, kChecksum, 0x11223344);
  const std::size_t table = kOptional + kOptionalSize;
  const std::string second = ".data", first = ".text";
  std::copy(second.begin(), second.end(), image.begin() + table);
  set_u32(image, table + 16, 0x40);
  set_u32(image, table + 20, kHeaders + 0x60);
  std::copy(first.begin(), first.end(), image.begin() + table + 40);
  set_u32(image, table + 40 + 16, 0x60);
  set_u32(image, table + 40 + 20, kHeaders);
  image.insert(image.end(), 0x60, 't');
  image.insert(image.end(), 0x40, 'd');
  image.insert(image.end(), 16, 'x');
  return image;
}

Bytes with_certificates(Bytes image, ByteView content, std::uint16_t type = 2) {
  const auto offset = static_cast<std::uint32_t>(image.size());
  put_u32_le(image, static_cast<std::uint32_t>(content.size() + 8));
  put_u16_le(image, 0x200);
  put_u16_le(image, type);
  put_bytes(image, content);
  while (image.size() % 8 != 0) image.push_back(0);
  set_u32(image, kCertificateEntry, offset);
  set_u32(image, kCertificateEntry + 4, static_cast<std::uint32_t>(image.size()) - offset);
  return image;
}

// The digest by the specification's words, for this image: headers without two fields, sections by offset, the rest.
Bytes expected_digest(const Bytes& image) {
  Bytes covered(image.begin(), image.begin() + kChecksum);
  covered.insert(covered.end(), image.begin() + kChecksum + 4, image.begin() + kCertificateEntry);
  covered.insert(covered.end(), image.begin() + kCertificateEntry + 8, image.end());
  return crypto::sha256(covered);
}

TEST(Authenticode, LeavesOutChecksumAndCertificateEntry) {
  const Bytes image = small_image();
  ASSERT_TRUE(authenticode_sha256(image)) << authenticode_sha256(image).error().message;
  EXPECT_EQ(*authenticode_sha256(image), expected_digest(image));
  Bytes other_checksum = image;
  other_checksum[kChecksum] ^= 0xff;
  EXPECT_EQ(*authenticode_sha256(other_checksum), expected_digest(image));
}

TEST(Authenticode, DoesNotChangeWhenTheImageIsSigned) {
  const Bytes image = small_image();
  const Bytes is_signed = with_certificates(image, to_bytes("sixteen bytes of"));
  EXPECT_EQ(*authenticode_sha256(is_signed), *authenticode_sha256(image));
  const auto signatures = pe_signatures(is_signed);
  ASSERT_TRUE(signatures);
  ASSERT_EQ(signatures->size(), 1u);
  EXPECT_EQ(as_text(signatures->front()), "sixteen bytes of");
  EXPECT_TRUE(pe_signatures(image)->empty());
}

TEST(Authenticode, ChangesWithEveryOtherByte) {
  const Bytes image = small_image();
  const Bytes digest = *authenticode_sha256(image);
  for (std::size_t at = kHeaders; at < image.size(); ++at) {
    Bytes changed = image;
    changed[at] ^= 1;
    ASSERT_NE(*authenticode_sha256(changed), digest) << at;
  }
}

TEST(Authenticode, RefusesBytesBehindTheCertificateTable) {
  Bytes image = with_certificates(small_image(), to_bytes("sixteen bytes of"));
  image.insert(image.end(), 8, 0);
  const auto digest = authenticode_sha256(image);
  ASSERT_FALSE(digest);
  EXPECT_THAT(digest.error().message, HasSubstr("does not end where the file ends"));
}

TEST(Authenticode, RefusesSectionsOutsideTheFileOrOverEachOther) {
  const std::size_t table = kOptional + kOptionalSize;
  Bytes outside = small_image();
  set_u32(outside, table + 16, 0x1000);
  EXPECT_FALSE(authenticode_sha256(outside));
  Bytes overlapping = small_image();
  set_u32(overlapping, table + 20, kHeaders);
  set_u32(overlapping, table + 16, 0xb0);
  EXPECT_FALSE(authenticode_sha256(overlapping));
}

// The most work that a file of this size can ask for: each of its sections is the whole of it.
TEST(Authenticode, RefusesNinetySixSectionsOverTheWholeFile) {
  constexpr std::size_t kSections = 96;
  const std::size_t table = kOptional + kOptionalSize;
  Bytes image = small_image();
  image.resize(0x2000, 0);
  set_u16(image, kPeOffset + 6, kSections);
  set_u32(image, kOptional + 60, 0x1100);  // headers with room for the table
  for (std::size_t i = 0; i < kSections; ++i) {
    std::fill_n(image.begin() + static_cast<std::ptrdiff_t>(table + 40 * i), 40, std::uint8_t{0});
    set_u32(image, table + 40 * i + 16, 0x2000);
  }
  const auto digest = authenticode_sha256(image);
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code, ErrorCode::kMalformed);
  EXPECT_THAT(digest.error().message, HasSubstr(fmt::format("add up to {}", 0x1100 + kSections * 0x2000)));
}

TEST(Authenticode, RefusesEveryTruncation) {
  const Bytes image = small_image();
  for (std::size_t size = 0; size < kHeaders + 0xa0; ++size)
    ASSERT_FALSE(authenticode_sha256(ByteView(image).subspan(0, size))) << size;
}

// Each takes time, in whichever signature it is.
TEST(PeSigners, AllSignaturesTogetherHaveThirtyTwoCertificates) {
  using crypto::testing::sign_image_digest;
  const crypto::Identity signer = crypto::testing::make_identity(crypto::testing::authority_shape("Signer"));
  const auto signature = [&](std::size_t more) {
    return sign_image_digest(Bytes(32, 1), signer, crypto::HashAlgorithm::kSha256,
                             std::vector<crypto::Certificate>(more, signer.certificate));
  };
  const Bytes image = testing::make_pe_image({{".text", Bytes(64, 't')}});
  EXPECT_TRUE(parse_pe_image(testing::with_signatures(image, {signature(15), signature(15)})));
  const auto refused = parse_pe_image(testing::with_signatures(image, {signature(15), signature(16)}));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("at most 32 certificates"));
}

TEST(PeSections, AreFoundByName) {
  const Bytes image = small_image();
  EXPECT_EQ(pe_section(image, ".text")->size(), 0x60u);
  EXPECT_EQ(pe_section(image, ".data")->front(), 'd');
  EXPECT_TRUE(pe_section(image, ".none")->empty());
}

TEST(PeSigners, OfASignatureThatIsNoneAreAnError) {
  EXPECT_FALSE(pe_signers(with_certificates(small_image(), to_bytes("no PKCS#7"))));
  EXPECT_TRUE(pe_signers(small_image())->empty());
  EXPECT_TRUE(pe_signers(with_certificates(small_image(), to_bytes("another type"), 0xef1))->empty());
}

}  // namespace
}  // namespace slipway::bootchain
