#include "bootchain/event_text.h"

#include <gtest/gtest.h>

namespace slipway::bootchain {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

TEST(EventText, ReadsUcs2) {
  EXPECT_EQ(utf16_text(hex("41004200"
                           "0000"
                           "4300")),
            "AB");
  EXPECT_EQ(utf16_text(hex("fc00ac20")), "\xc3\xbc\xe2\x82\xac");
  EXPECT_EQ(utf16_text(hex("3dd800de")), "\xf0\x9f\x98\x80");
  EXPECT_EQ(utf16_text(hex("3dd84100")), "\\ud83dA");
  EXPECT_EQ(utf16_text(hex("00de41")), "\\ude00");
  EXPECT_EQ(utf16_text({}), "");
}

TEST(EventText, LeavesUtf8AloneAndEscapesTheRest) {
  EXPECT_EQ(utf8_text(as_bytes("\xc3\xbc\xe2\x82\xac\n")), "\xc3\xbc\xe2\x82\xac\n");
  for (const char* wrong : {"\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\x80"})
    EXPECT_EQ(utf8_text(as_bytes(wrong)).substr(0, 2), "\\x") << wrong;
  EXPECT_EQ(utf8_text(Bytes{'a', 0}), "a");
  EXPECT_EQ(utf8_text(Bytes{'a', 0xff}), "a\\xff");
}

TEST(EventText, TellsTextFromBytes) {
  EXPECT_EQ(ascii_text(as_bytes("ACPI DATA")), "ACPI DATA");
  EXPECT_EQ(ascii_text(Bytes{'a', 0}), "a");
  for (const Bytes& bytes : {Bytes{}, Bytes{0}, Bytes{'a', 0, 0}, Bytes{1}, Bytes{0xc3, 0xbc}})
    EXPECT_EQ(ascii_text(bytes), std::nullopt);
  EXPECT_EQ(printable_utf16_text(hex("41000000")), "A");
  EXPECT_EQ(printable_utf16_text(hex("4100")), "A");
  EXPECT_EQ(printable_utf16_text(hex("0000")), "");
  for (const char* bytes : {"", "41", "0100", "410000004200", "00d8"})
    EXPECT_EQ(printable_utf16_text(hex(bytes)), std::nullopt) << bytes;
}

TEST(EventText, IsMadeSafeForOneLine) {
  EXPECT_EQ(one_line("a\x1b[31mb\n\x7f"), "a\\x1b[31mb\\x0a\\x7f");
  EXPECT_EQ(one_line("\xc2\x9b"
                     "31m"),
            "\\x9b31m");
  EXPECT_EQ(one_line(std::string(300, 'x')), std::string(256, 'x') + "...");
  EXPECT_EQ(one_line("aa\xc3\xbc", 3), "aa\xc3\xbc");
  EXPECT_EQ(one_line("aa\xc3\xbcz", 3), "aa\xc3\xbc...");
}

}  // namespace
}  // namespace slipway::bootchain
