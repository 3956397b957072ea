#include "base/text.h"

#include <gtest/gtest.h>

#include "base/ascii.h"
#include "base/utf8.h"

namespace slipway {
namespace {

std::string utf8(std::uint32_t point) {
  std::string text;
  append_utf8(text, point);
  return text;
}

TEST(Ascii, FoldsLettersOfAsciiAlone) {
  EXPECT_EQ(lower_case("Standard_D2s_v3 \xc3\x84@[`{"), "standard_d2s_v3 \xc3\x84@[`{");
  EXPECT_TRUE(equal_without_case("AZaz", "azAZ"));
  EXPECT_FALSE(equal_without_case("a", "ab"));
  EXPECT_FALSE(equal_without_case("@", "`")) << "32 apart, and no letters";
}

// The boundaries of the table in RFC 3629 section 3.
TEST(Utf8, AppendsEachLength) {
  EXPECT_EQ(utf8(0x7f), "\x7f");
  EXPECT_EQ(utf8(0x80), "\xc2\x80");
  EXPECT_EQ(utf8(0x7ff), "\xdf\xbf");
  EXPECT_EQ(utf8(0x800), "\xe0\xa0\x80");
  EXPECT_EQ(utf8(0xffff), "\xef\xbf\xbf");
  EXPECT_EQ(utf8(0x10000), "\xf0\x90\x80\x80");
  EXPECT_EQ(utf8(0x10ffff), "\xf4\x8f\xbf\xbf");
}

TEST(Printable, KeepsAsciiAloneAndNoMoreThanItsLimit) {
  EXPECT_EQ(printable("abc ~"), "abc ~");
  EXPECT_EQ(printable("a\xff\n\x7f\x1b[1m\xc3\xa9"), "a????[1m??");
  EXPECT_EQ(printable("abcdef", 3), "abc");
  EXPECT_EQ(printable(std::string(1000, 'x')).size(), 256U);
}

TEST(BoundedHex, SaysHowMuchItLeavesOut) {
  EXPECT_EQ(bounded_hex(Bytes{1, 2}), "0102");
  EXPECT_EQ(bounded_hex(Bytes(64, 0xab)).size(), 128U);
  EXPECT_EQ(bounded_hex(Bytes{1, 2, 3}, 4), "0102... (3 bytes)");
}

TEST(ValidUtf8, LeavesUtf8AsItIs) {
  for (const std::string text :
       {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
    EXPECT_EQ(valid_utf8(text), text);
  }
}

TEST(ValidUtf8, ReplacesEachByteThatBelongsToNoSequence) {
  EXPECT_EQ(valid_utf8("a\xff"
                       "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(valid_utf8("\xc3"), "\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xe2\x82"
                       "x"),
            "\xef\xbf\xbd\xef\xbf\xbdx");
  // Overlong, a surrogate, above U+10FFFF.
  for (const std::string text : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_FALSE(is_utf8(text));
    EXPECT_TRUE(is_utf8(valid_utf8(text)));
  }
}

}  // namespace
}  // namespace slipway
