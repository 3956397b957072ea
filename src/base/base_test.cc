#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "base/http_status.h"
#include "base/random.h"
#include "base/time.h"

namespace slipway {
namespace {

TEST(Hex, RoundTripsAndNamesTheBadDigit) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0xab, 0xff}), "00abff");
  EXPECT_EQ(from_hex("00ABff").value(), (Bytes{0x00, 0xab, 0xff}));
  EXPECT_EQ(from_hex("abc").error().code, ErrorCode::kMalformed);
  EXPECT_NE(from_hex("abcx").error().message.find("offset 3"), std::string::npos);
}

// The vectors of RFC 4648 section 10.
TEST(Base64, TakesTheVectorsOfTheRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(from_base64(encoded).value(), to_bytes(std::string_view(plain)));
  }
  EXPECT_EQ(to_base64url(Bytes{0xfb, 0xff}), "-_8");
  EXPECT_EQ(from_base64url("-_8").value(), (Bytes{0xfb, 0xff}));
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (const char* bad : {"Zg=", "Zg", "Zh==", "Z===", "Zm9v\n", "Zm-v", "===="}) EXPECT_FALSE(from_base64(bad)) << bad;
  for (const char* bad : {"Zg==", "Zh", "Z", "Zm+v"}) EXPECT_FALSE(from_base64url(bad)) << bad;
}

TEST(Time, RoundTripsAndRefusesOtherForms) {
  const Time time = from_rfc3339("2024-02-29T23:59:58.5Z").value();
  EXPECT_EQ(to_rfc3339(time), "2024-02-29T23:59:58.500Z");
  EXPECT_EQ(to_rfc3339(from_rfc3339("1970-01-01T00:00:00Z").value()), "1970-01-01T00:00:00.000Z");
  for (const char* bad :
       {"", "2024-02-30T00:00:00Z", "2024-02-29 00:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29T00:00:00+00:00",
        "2024-02-29T00:00:00", "2024-02-29T00:00:00.Z", "2024-02-29T00:00:00ZZ"})
    EXPECT_FALSE(from_rfc3339(bad)) << bad;
}

TEST(ByteReader, NamesTheOffsetAndMovesNothingOnFailure) {
  const Bytes bytes{1, 0, 0, 2, 9};
  ByteReader reader(bytes, 100);
  EXPECT_EQ(reader.u16_le("a").value(), 1);
  EXPECT_EQ(reader.u16_be("b").value(), 2);
  const auto failed = reader.u32_be("the count");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "at offset 104: expected the count (4 bytes), but 1 are left");
  EXPECT_FALSE(reader.expect_end("the record"));
  EXPECT_EQ(reader.u8("c").value(), 9);
  EXPECT_TRUE(reader.expect_end("the record"));
}

TEST(Uuid, HasVersionAndVariantOfTheRfc) {
  SystemRandom random;
  const std::string first = make_uuid(random), second = make_uuid(random);
  EXPECT_EQ(first.size(), 36U);
  EXPECT_EQ(first[14], '4');
  EXPECT_NE(std::string("89ab").find(first[19]), std::string::npos);
  EXPECT_NE(first, second);
}

TEST(ErrorCodes, OfHttpStatuses) {
  EXPECT_EQ(error_code_of_http(400), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_code_of_http(401), ErrorCode::kUnauthenticated);
  EXPECT_EQ(error_code_of_http(404), ErrorCode::kNotFound);
  EXPECT_EQ(error_code_of_http(429), ErrorCode::kResourceExhausted);
  EXPECT_EQ(error_code_of_http(500), ErrorCode::kInternal);
  for (const int other : {0, 302, 418, 502, 503})
    EXPECT_EQ(error_code_of_http(other), ErrorCode::kUnavailable) << other;
}

TEST(ConstantTime, ComparesLengthsAndBytes) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace
}  // namespace slipway
