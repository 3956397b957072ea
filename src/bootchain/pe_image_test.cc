#include "bootchain/pe_image.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "base/refusals_for_tests.h"
#include "bootchain/pe_image_for_tests.h"
#include "crypto/digest.h"
#include "crypto/signing_for_tests.h"

namespace slipway::bootchain {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kPeOffset = 0x40;
constexpr std::size_t kOptional = kPeOffset + 24;
constexpr std::size_t kOptionalSize = 112 + 16 * 8;
constexpr std::size_t kHeadersSizeField = kOptional + 60;
constexpr std::size_t kChecksum = kOptional + 64;
constexpr std::size_t kCertificateEntry = kOptional + 112 + 4 * 8;
constexpr std::size_t kSectionTable = kOptional + kOptionalSize;
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
  set_u32(image, kHeadersSizeField, kHeaders);
  set_u32(image, kOptional + 108, 16);
  set_u32(image, kChecksum, 0x11223344);
  const std::size_t table = kSectionTable;
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

void place(Bytes& image, std::size_t section, std::uint32_t size, std::uint32_t offset) {
  set_u32(image, kSectionTable + 40 * section + 16, size);
  set_u32(image, kSectionTable + 40 * section + 20, offset);
}

// The digest counts the sizes of all sections, as EDK II's does, so bytes that are counted twice would hide others.
TEST(Authenticode, RefusesWhatLiesOverSomethingElse) {
  const auto placed = [](std::uint32_t size, std::uint32_t offset) {
    Bytes image = with_certificates(small_image(), to_bytes("sixteen bytes of"));
    place(image, 0, size, offset);
    return refusal_of(authenticode_sha256(image));
  };
  Bytes long_headers = with_certificates(small_image(), to_bytes("sixteen bytes of"));
  set_u16(long_headers, kPeOffset + 6, 0);
  set_u32(long_headers, kHeadersSizeField, kHeaders + 0xb0);
  ASSERT_EQ(refusal_of(authenticode_sha256(long_headers)), "");
  long_headers[kHeadersSizeField] += 1;
  ASSERT_EQ(placed(0x40, kHeaders + 0x60), "");
  ASSERT_EQ(placed(0x50, kHeaders + 0x60), "");
  const char* const words = "of which none lies over another one";
  expect_refusals({
      {"a section over the one before it", placed(0x40, kHeaders + 0x5f), words},
      {"a section inside of another one", placed(0x10, kHeaders), words},
      {"a section over the headers", placed(0x40, kHeaders - 1), words},
      {"a section over the signatures", placed(0x51, kHeaders + 0x60), words},
      {"headers over the signatures", refusal_of(authenticode_sha256(long_headers)), words},
  });
}

// Nothing is loaded from there, and EDK II measures as many bytes from the end twice.
TEST(Authenticode, LeavesOutGapsBetweenSectionsAsEdk2Does) {
  Bytes image = small_image();
  place(image, 0, 0x30, kHeaders + 0x70);
  Bytes digested(image.begin(), image.begin() + kHeaders + 0x60);
  digested.insert(digested.end(), image.begin() + kHeaders + 0x70, image.begin() + kHeaders + 0xa0);
  digested.insert(digested.end(), image.begin() + kHeaders + 0x90, image.end());
  EXPECT_EQ(*authenticode_sha256(image), expected_digest(digested));
}

// The most work that a file of this size can ask for: each of its sections is the whole of it.
TEST(Authenticode, RefusesNinetySixSectionsOverTheWholeFile) {
  constexpr std::uint16_t kSections = 96;
  Bytes image = small_image();
  image.resize(0x2000, 0);
  set_u32(image, kHeadersSizeField, 0x1100);  // headers with room for the table
  std::fill(image.begin() + kSectionTable, image.begin() + 0x1100, std::uint8_t{0});
  set_u16(image, kPeOffset + 6, kSections);
  EXPECT_EQ(refusal_of(authenticode_sha256(image)), "");
  for (std::size_t i = 0; i < kSections; ++i) place(image, i, 0x2000, 0);
  ASSERT_TRUE(parse_pe_image(image));
  EXPECT_THAT(refusal_of(authenticode_sha256(image)), HasSubstr("of which none lies over another one"));
  set_u16(image, kPeOffset + 6, kSections + 1);
  EXPECT_THAT(refusal_of(parse_pe_image(image)), HasSubstr("at most 96 sections, but there are 97"));
}

template <typename Change>
std::string changed_image(Change change) {
  Bytes image = with_certificates(small_image(), to_bytes("sixteen bytes of"));
  change(image);
  return refusal_of(parse_pe_image(image));
}

// With as many directories, in an optional header of this size.
std::string with_optional_header(std::uint16_t size, std::uint32_t directories) {
  Bytes image = small_image();
  set_u16(image, kPeOffset + 6, 0);
  set_u16(image, kPeOffset + 20, size);
  set_u32(image, kOptional + 108, directories);
  return refusal_of(parse_pe_image(image));
}

TEST(PeImage, RefusesHeadersThatLie) {
  const std::uint32_t headers_end = kSectionTable + 2 * 40;
  const auto with_headers_size = [](std::size_t size) {
    return changed_image([size](Bytes& it) { set_u32(it, kHeadersSizeField, static_cast<std::uint32_t>(size)); });
  };
  const std::size_t whole = with_certificates(small_image(), to_bytes("sixteen bytes of")).size();
  ASSERT_EQ(changed_image([](Bytes&) {}), "");
  ASSERT_EQ(with_optional_header(112, 4), "");
  ASSERT_EQ(with_optional_header(152, 5), "");
  ASSERT_EQ(with_headers_size(headers_end), "");
  ASSERT_EQ(with_headers_size(whole), "");
  expect_refusals({
      {"another magic of DOS", changed_image([](Bytes& it) { it[0] = 'N'; }), "\"MZ\", with which a PE image begins"},
      {"a PE header outside", changed_image([](Bytes& it) { it[0x3e] = 1; }), "a PE header inside the file"},
      {"another signature", changed_image([](Bytes& it) { it[kPeOffset] = 'Q'; }), "the PE signature"},
      {"another kind of optional header", changed_image([](Bytes& it) { it[kOptional] = 7; }), "0x10b or 0x20b"},
      {"an optional header of 63 bytes", with_optional_header(63, 16), "size of headers"},
      {"one of 111 bytes", with_optional_header(111, 4), "the number of data directories"},
      {"one of 151 bytes", with_optional_header(151, 5), "the certificate table's entry"},
      {"headers that end in the section table", with_headers_size(headers_end - 1), "a size of headers that covers"},
      {"headers longer than the file", with_headers_size(whole + 1), "a size of headers that covers"},
      {"a section that ends outside",
       changed_image([&](Bytes& it) { place(it, 0, static_cast<std::uint32_t>(whole - kHeaders + 1), kHeaders); }),
       "a section inside the file"},
      {"a section that begins outside",
       changed_image([&](Bytes& it) { place(it, 0, 1, static_cast<std::uint32_t>(whole + 1)); }),
       "a section inside the file"},
  });
}

TEST(PeImage, RefusesSignaturesBeyondTheirLimits) {
  const Bytes image = testing::make_pe_image({{".text", Bytes(64, 't')}});
  const auto signed_times = [&](std::size_t count) {
    return refusal_of(parse_pe_image(testing::with_signatures(image, std::vector<Bytes>(count, Bytes(8, 1)))));
  };
  // Behind a length of 8 the content is itself an entry of 8 bytes.
  const auto with_length = [](std::uint32_t length) {
    Bytes changed = with_certificates(small_image(), Bytes{8, 0, 0, 0, 0, 2, 2, 0});
    set_u32(changed, small_image().size(), length);
    return refusal_of(parse_pe_image(changed));
  };
  ASSERT_EQ(signed_times(16), "");
  ASSERT_EQ(with_length(8), "");
  ASSERT_EQ(with_length(16), "");
  expect_refusals({
      {"17 signatures", signed_times(17), "at most 16 signatures"},
      {"a length of 7", with_length(7), "the length of a WIN_CERTIFICATE, 8 at least, but it is 7"},
      {"a length of 17", with_length(17), "content of WIN_CERTIFICATE"},
  });
}

// The optional header of PE32 is 16 bytes shorter before its directories.
TEST(PeImage, OfThirtyTwoBitsHasItsDirectoriesSixteenBytesEarlier) {
  Bytes image = with_certificates(small_image(), to_bytes("sixteen bytes of"));
  image.erase(image.begin() + kOptional + 92, image.begin() + kOptional + 108);
  image.insert(image.begin() + kSectionTable - 16, 16, 0);
  set_u16(image, kOptional, 0x10b);
  const auto parsed = parse_pe_image(image);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->certificate_entry_offset, kCertificateEntry - 16);
  ASSERT_EQ(parsed->signatures.size(), 1u);
  EXPECT_EQ(as_text(parsed->signatures[0]), "sixteen bytes of");
  EXPECT_EQ(section_of(*parsed, ".data").front(), 'd');
  Bytes digested(image.begin(), image.begin() + kChecksum);
  digested.insert(digested.end(), image.begin() + kChecksum + 4, image.begin() + kCertificateEntry - 16);
  digested.insert(digested.end(), image.begin() + kCertificateEntry - 8,
                  image.begin() + static_cast<std::ptrdiff_t>(parsed->certificates_offset));
  EXPECT_EQ(*authenticode_sha256(image), crypto::sha256(digested));
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
