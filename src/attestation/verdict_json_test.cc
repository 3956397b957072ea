#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attestation/verdict.h"

namespace slipway::attestation {
namespace {

using ::testing::HasSubstr;

Verdict sample() {
  Verdict verdict;
  verdict.verdict_class = VerdictClass::kUntrusted;
  verdict.appraised = Time{std::chrono::milliseconds(1'795'000'000'123)};
  verdict.secure_boot = true;
  verdict.findings = {{"pcr9.initrd", 9, 51, "/EFI/debian/initrd", "initramfs", "", "aa", "bb", "changed", "re-image"}};
  verdict.components = {{"kernel", "/EFI/debian/vmlinuz", "linux 6.1", 4, "cc", "CN=Debian", "computed", true}};
  return verdict;
}

TEST(VerdictJson, ComesBackAsItWas) {
  const std::string json = to_json(sample());
  const auto again = verdict_from_json(json);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), json);
  EXPECT_EQ(again->appraised, sample().appraised);
  EXPECT_EQ(again->findings.at(0).event, 51);
  EXPECT_EQ(again->components.at(0).signer, "CN=Debian");
  EXPECT_EQ(again->verdict_class, VerdictClass::kUntrusted);
}

// Whatever a finding quotes: a verdict that is kept can be read again.
TEST(VerdictJson, OfBytesThatAreNoTextCanBeRead) {
  Verdict verdict = sample();
  Finding& finding = verdict.findings.at(0);
  for (std::string* text : {&finding.rule, &finding.component, &finding.package, &finding.signer, &finding.expected,
                            &finding.found, &finding.message, &finding.remedy, &verdict.components.at(0).name,
                            &verdict.components.at(0).path, &verdict.components.at(0).signer, &verdict.policy})
    *text += "\xff\xc3(";
  const auto again = verdict_from_json(to_json(verdict));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->findings.at(0).message, "changed\xef\xbf\xbd\xef\xbf\xbd(");
}

TEST(VerdictJson, RefusesOtherForms) {
  const std::string json = to_json(sample());
  const auto replaced = [&](const std::string& what, const std::string& with) {
    std::string other = json;
    other.replace(other.find(what), what.size(), with);
    return verdict_from_json(other);
  };
  EXPECT_FALSE(replaced("\"untrusted\"", "\"maybe\""));
  EXPECT_FALSE(replaced("\"secureBoot\":true", "\"secureBoot\":1"));
  EXPECT_FALSE(replaced("\"pcr\":9", "\"pcr\":\"9\""));
  EXPECT_FALSE(replaced("\"pcr\":9", "\"pcr\":-7"));
  EXPECT_FALSE(replaced("\"remedy\"", "\"other\""));
  EXPECT_FALSE(replaced("{\"verdict\"", "{\"more\":1,\"verdict\""));
  EXPECT_FALSE(verdict_from_json("{"));
  EXPECT_FALSE(verdict_from_json("[]"));
  const auto big = verdict_from_json(std::string((1U << 20) + 1, ' '));
  ASSERT_FALSE(big);
  EXPECT_THAT(big.error().message, HasSubstr("at most 1048576 bytes"));
}

TEST(ExpectedPcrs, AreAllThatFirmwareAndSystemUse) {
  EXPECT_EQ(expected_pcrs().size(), 16u);
  EXPECT_EQ(expected_pcrs().front(), 0);
  EXPECT_EQ(expected_pcrs().back(), 15);
}

}  // namespace
}  // namespace slipway::attestation
