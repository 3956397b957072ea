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

TEST(Ascii, MasksWhatATerminalMightObey) {
  EXPECT_EQ(printable_ascii(" ~\x1b[2J\x7f\n\xc3\xa4"), " ~?[2J????");
  EXPECT_EQ(printable_ascii(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(printable_ascii("a\nbc", 3), "a?b");
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

}  // namespace
}  // namespace slipway
