#include "bootchain/sbat.h"

#include <gtest/gtest.h>

#include "base/refusals_for_tests.h"

namespace slipway::bootchain {
namespace {

constexpr std::string_view kGrub =
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
    "grub,5,Free Software Foundation,grub,2.06,https://www.gnu.org/software/grub/\n"
    "grub.debian,4,Debian,grub2,2.06-13+deb12u2,https://tracker.debian.org/pkg/grub2\n";

TEST(SbatSection, GivesEachComponentAndItsGeneration) {
  const auto entries = read_sbat_section(as_bytes(kGrub));
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ(entries->at(1),
            (SbatEntry{"grub", 5, "Free Software Foundation", "grub", "2.06", "https://www.gnu.org/software/grub/"}));
  EXPECT_EQ(encode_sbat_section(*entries), kGrub);
}

TEST(SbatSection, EndsAtTheFirstNul) {
  Bytes padded = to_bytes(kGrub);
  padded.push_back(0);
  padded.insert(padded.end(), 20, 'x');
  EXPECT_EQ(read_sbat_section(padded)->size(), 3u);
  EXPECT_TRUE(read_sbat_section({})->empty());
}

TEST(SbatSection, ByteOrderMarkAndCarriageReturnsAreSkipped) {
  EXPECT_EQ(read_sbat_section(as_bytes("\xef\xbb\xbfgrub,1,a,b,c,d\r\n\r\nshim,2,a,b,c,d"))->at(0).component, "grub");
  EXPECT_EQ(read_sbat_section(as_bytes("grub,1,a,b,c,d\r\n\r\nshim,2,a,b,c,d"))->at(1).url, "d");
}

TEST(SbatSection, GenerationsAreReadAsShimReadsThem) {
  const auto generation = [](const std::string& text) {
    return read_sbat_section(as_bytes("grub," + text + ",a,b,c,d"))->at(0).generation;
  };
  EXPECT_EQ(generation("12"), 12u);
  EXPECT_EQ(generation(""), 0u);
  EXPECT_EQ(generation("x5"), 0u);
  EXPECT_EQ(generation("5x"), 5u);
  EXPECT_EQ(generation("99999999999999"), 0x7fffffffu);
}

TEST(SbatSection, RefusesALineOfFewerFieldsByItsOffset) {
  const auto broken = read_sbat_section(as_bytes("grub,1,a,b,c,d\nshim,2,a,b,c\n"));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message, "at offset 15: expected a line of SBAT with six fields, but it has 5");
}

TEST(SbatSection, IsBounded) {
  EXPECT_TRUE(read_sbat_section(Bytes(64U << 10, '\n')));
  EXPECT_FALSE(read_sbat_section(Bytes((64U << 10) + 1, '\n')));
  std::string lines;
  for (int i = 0; i < 256; ++i) lines += "a,1,b,c,d,e\n";
  EXPECT_TRUE(read_sbat_section(as_bytes(lines)));
  EXPECT_FALSE(read_sbat_section(as_bytes(lines + "a,1,b,c,d,e\n")));
}

TEST(SbatLevelText, GivesVersionDateAndMinimums) {
  const std::string text = "sbat,1,2024010900\nshim,4\ngrub,3\ngrub.debian,4\n";
  const auto level = read_sbat_level(as_bytes(text));
  ASSERT_TRUE(level) << level.error().message;
  EXPECT_EQ(level->version, 1u);
  EXPECT_EQ(level->date, "2024010900");
  ASSERT_EQ(level->minimums.size(), 4u);
  EXPECT_EQ(level->minimums[2], (SbatLevel::Minimum{"grub", 3}));
  EXPECT_EQ(encode_sbat_level(*level), text);
}

TEST(SbatLevelText, RefusesAnotherBeginning) {
  EXPECT_FALSE(read_sbat_level({}));
  EXPECT_FALSE(read_sbat_level(as_bytes("grub,1,2021030218\n")));
  EXPECT_FALSE(read_sbat_level(as_bytes("sbat,1\n")));
  EXPECT_EQ(read_sbat_level(as_bytes("sbat,1,2021030218\nshim\n")).error().message,
            "at offset 18: expected a component and its generation");
}

TEST(SbatLevelText, IsBounded) {
  const std::string first = "sbat,1,2021030218\n";
  const auto refused = [](const std::string& text) { return refusal_of(read_sbat_level(as_bytes(text))); };
  const std::string largest = first + std::string((64U << 10) - first.size(), '\n');
  EXPECT_EQ(refused(largest), "");
  EXPECT_EQ(refused(largest + "\n"),
            "at offset 65536: expected the end of an SBAT text of at most 64 KiB, but it has 65537 bytes");
  std::string lines = first;
  for (int i = 1; i < 256; ++i) lines += "a,1\n";
  EXPECT_EQ(refused(lines), "");
  EXPECT_EQ(refused(lines + "a,1\n"), "at offset 1038: expected the end, for 256 lines of SBAT are the most");
}

TEST(SbatLevelText, OfALaterVersionOrDateIsKept) {
  const auto level = [](std::uint32_t version, std::string date) { return SbatLevel{version, std::move(date), {}}; };
  EXPECT_TRUE(is_kept(level(1, "2024010900"), level(1, "2021030218")));
  EXPECT_TRUE(is_kept(level(1, "2021030218"), level(1, "2021030218")));
  EXPECT_FALSE(is_kept(level(1, "2021030218"), level(1, "2024010900")));
  EXPECT_TRUE(is_kept(level(2, "2021030218"), level(1, "2024010900")));
  EXPECT_FALSE(is_kept(level(9, "2024010900"), level(10, "2021030218")));
}

TEST(Sbat, ComponentsOfOlderGenerationsAreRevoked) {
  const auto entries = read_sbat_section(as_bytes(kGrub)).value();
  const auto revoked_by = [&](const std::string& text) {
    return find_revoked(entries, read_sbat_level(as_bytes("sbat,1,2024010900\n" + text)).value());
  };
  EXPECT_FALSE(revoked_by("grub,5\ngrub.debian,4\n"));
  EXPECT_FALSE(revoked_by("shim,9\n")) << "not in the image";
  const auto revoked = revoked_by("grub,5\ngrub.debian,5\n");
  ASSERT_TRUE(revoked);
  EXPECT_EQ(revoked->component, "grub.debian");
  EXPECT_EQ(revoked->generation, 4u);
  EXPECT_EQ(revoked->minimum, 5u);
  EXPECT_FALSE(find_revoked(entries, {})) << "no level, nothing is too old";
  EXPECT_FALSE(revoked_by("grub,5\ngrub,6\n")) << "as in shim, the first line of a component counts";
}

TEST(Sbat, ReadsBackWhatItWrote) {
  std::uint32_t state = 20261123;
  const auto random = [&] {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
  };
  const auto text = [&] {
    std::string made;
    for (std::uint32_t i = random() % 12; i-- > 0;) made.push_back(static_cast<char>('-' + random() % 70));
    return made;
  };
  for (int run = 0; run < 500; ++run) {
    std::vector<SbatEntry> entries;
    SbatLevel level{random() % 1000, text(), {{"sbat", 0}}};
    level.minimums[0].generation = level.version;
    for (std::uint32_t i = random() % 8; i-- > 0;) {
      entries.push_back({"c" + text(), random() % 100000, text(), text(), text(), text()});
      level.minimums.push_back({"c" + text(), random() % 100000});
    }
    ASSERT_EQ(read_sbat_section(as_bytes(encode_sbat_section(entries))).value(), entries);
    ASSERT_EQ(read_sbat_level(as_bytes(encode_sbat_level(level))).value(), level);
  }
}

}  // namespace
}  // namespace slipway::bootchain
