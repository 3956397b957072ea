#include "apps/slipway/yaml_scalar.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

TEST(PlainScalarType, IsThatOfYamlOnePointOne) {
  for (const auto* word : {"true", "True", "TRUE", "false", "yes", "No", "on", "OFF", "y", "N"})
    EXPECT_EQ(plain_scalar_type(word), YamlScalar::kBoolean) << word;
  for (const auto* word :
       {"tRue", "truth", "yess", "o", "Trusted", "v1.25", "1.25.2", "a1", "-", "0xg", "1e", "e1", "."})
    EXPECT_EQ(plain_scalar_type(word), YamlScalar::kText) << word;
  for (const auto* word : {"0", "-17", "+3", "0x1F", "0b10", "0o17", "1_000", "007"})
    EXPECT_EQ(plain_scalar_type(word), YamlScalar::kInteger) << word;
  for (const auto* word : {"1.5", "-1.", ".5", "1e3", "1.5E-3", ".inf", "-.INF", ".NaN"})
    EXPECT_EQ(plain_scalar_type(word), YamlScalar::kFloat) << word;
  for (const auto* word : {"", "~", "null", "NULL"}) EXPECT_EQ(plain_scalar_type(word), YamlScalar::kNull) << word;
  EXPECT_EQ(plain_scalar_type("2026-11-23"), YamlScalar::kTimestamp);
  EXPECT_EQ(plain_scalar_type("2026-11-23T10:00:00Z"), YamlScalar::kTimestamp);
  EXPECT_EQ(plain_scalar_type("2026-11"), YamlScalar::kText);
}

TEST(IsPlainYamlText, LeavesUnquotedOnlyWhatComesBack) {
  for (const auto* text : {"Succeeded", "1.20.2", "/subscriptions/s", "https://h:1/x", "a b"})
    EXPECT_TRUE(is_plain_yaml_text(text)) << text;
  for (const auto* text : {"true", "12", "", "a: b", "a #b", "- a", "*a", "a\nb", "a ", "a:", "@x"})
    EXPECT_FALSE(is_plain_yaml_text(text)) << text;
  EXPECT_TRUE(is_plain_yaml_text("gr\xc3\xb6\xc3\x9f"));
  for (const char* text : {"a\xc2\x85", "a\xe2\x80\xa8z", "a\xe2\x80\xa9z", "\xef\xbb\xbfz"})
    EXPECT_FALSE(is_plain_yaml_text(text)) << text;
}

}  // namespace
}  // namespace slipway::cli
