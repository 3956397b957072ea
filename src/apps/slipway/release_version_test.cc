#include "apps/slipway/release_version.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

TEST(ReleaseVersion, SortsAsPythonPackagesDo) {
  const char* const in_order[] = {"0.5.139",  "1.0.0.dev1", "1.0.0a1", "1.0.0b6.dev2", "1.0.0b6",
                                  "1.0.0b10", "1.0.0rc1",   "1.0.0",   "1.0.0.post1",  "1.0.1",
                                  "1.2",      "1.10",       "2.44.1"};
  for (std::size_t i = 0; i < std::size(in_order); ++i)
    for (std::size_t j = 0; j < std::size(in_order); ++j)
      EXPECT_EQ(ReleaseVersion::parse(in_order[i]).value() < ReleaseVersion::parse(in_order[j]).value(), i < j)
          << in_order[i] << " and " << in_order[j];
  EXPECT_EQ(ReleaseVersion::parse("1.0").value(), ReleaseVersion::parse("1.0.0").value());
}

TEST(ReleaseVersion, RefusesWhatIsNone) {
  for (const std::string& text :
       {std::string(), std::string("b6"), std::string("1.0.0b"), std::string("1..0"), std::string("1.0x"),
        std::string("-1"), std::string("1.0+local"), std::string("99999999999999999999"), std::string(101, '1')})
    EXPECT_FALSE(ReleaseVersion::parse(text)) << text;
}

}  // namespace
}  // namespace slipway::cli
