#include "attestation/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "attestation/json_cursor.h"
#include "bootchain/corpus_for_tests.h"

namespace slipway::attestation {
namespace {

using ::testing::HasSubstr;

std::string read_policy(const std::string& name) {
  return std::string(as_text(bootchain::read_corpus("../../data/policies/" + name)));
}

void expect_refused(const std::string& json, const std::string& why) {
  const auto policy = policy_from_json(json);
  ASSERT_FALSE(policy) << json;
  EXPECT_THAT(policy.error().message, HasSubstr(why));
  EXPECT_THAT(policy.error().message, HasSubstr("at byte "));
}

TEST(Policy, TheDefaultFileIsTheDefault) {
  const auto policy = policy_from_json(read_policy("default.json"));
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(to_json(*policy), to_json(Policy()));
}

TEST(Policy, TheStrictFileRequiresEverything) {
  const auto policy = policy_from_json(read_policy("strict.json"));
  ASSERT_TRUE(policy) << policy.error().message;
  for (const Enforcement enforcement : policy->enforcements) EXPECT_EQ(enforcement, Enforcement::kRequire);
  EXPECT_TRUE(policy->allowed_programs.prefixes.empty());
}

// What was judged before there were policies is required.
TEST(Policy, TheDefaultRequiresTheWholeBootChain) {
  const Policy policy;
  for (const std::string_view rule : {"pcr0.firmware",
                                      "pcr1.unexpected",
                                      "pcr2.unexpected",
                                      "pcr3.separator",
                                      "pcr4.shim",
                                      "pcr5.partitionTable",
                                      "pcr6.unexpected",
                                      "secureBoot.disabled",
                                      "secureBoot.variables",
                                      "secureBoot.authority",
                                      "secureBoot.sbat",
                                      "secureBoot.unexpected",
                                      "pcr7.separator",
                                      "pcr8.kernelCommandLine",
                                      "pcr9.initrd",
                                      "pcr11.unexpected",
                                      "pcr12.unexpected",
                                      "pcr13.unexpected",
                                      "pcr14.machineOwnerKeys",
                                      "pcr15.unexpected",
                                      "reference.expired",
                                      "ima.module",
                                      "ima.firmware",
                                      "ima.kexec",
                                      "ima.aggregate",
                                      "clock.rollback",
                                      "vtpm.swapped",
                                      "ima.rollback"}) {
    const auto claim = claim_of(rule);
    ASSERT_TRUE(claim) << rule;
    EXPECT_EQ(policy.of(*claim), Enforcement::kRequire) << rule;
  }
}

TEST(Policy, NoPolicyRelaxesTheQuoteOrTheLogs) {
  for (const std::string_view rule : {"quote.nonce", "quote.signature", "log.replay", "log.form", "ima.form",
                                      "pcr10.unexpected", "pcr0.referenceMissing", "reference.missing", "unheard.of"})
    EXPECT_FALSE(claim_of(rule)) << rule;
}

TEST(Policy, EachClaimHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t at = 0; at < kClaimCount; ++at) names.insert(to_string(static_cast<Claim>(at)));
  EXPECT_EQ(names.size(), kClaimCount);
  EXPECT_EQ(to_string(Claim::kFirmware), "firmware");
  EXPECT_EQ(to_string(Claim::kRevokedComponents), "revokedComponents");
}

TEST(Policy, ComesBackAsItWas) {
  Policy policy;
  policy.name = "some.name";
  for (std::size_t at = 0; at < kClaimCount; ++at) policy.set(static_cast<Claim>(at), static_cast<Enforcement>(at % 3));
  policy.allowed_programs.prefixes = {"/opt/tools/"};
  const auto again = policy_from_json(to_json(policy));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), to_json(policy));
  EXPECT_EQ(again->of(Claim::kOptionRoms), policy.of(Claim::kOptionRoms));
}

TEST(Policy, WhatIsNotNamedKeepsItsDefault) {
  const auto policy = policy_from_json(R"({"version":1,"name":"x","claims":{"bootFiles":"warn"}})");
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->of(Claim::kBootFiles), Enforcement::kWarn);
  EXPECT_EQ(policy->of(Claim::kBootImages), Enforcement::kRequire);
  EXPECT_EQ(policy->allowed_programs.prefixes, Policy().allowed_programs.prefixes);
}

TEST(Policy, RefusesWhatItDoesNotKnow) {
  expect_refused(R"({"version":1,"name":"x","claims":{"bootFile":"warn"}})",
                 "at byte 34 of the policy: expected a claim");
  expect_refused(R"({"version":1,"name":"x","claims":{"bootFiles":"maybe"}})", "\"require\", \"warn\" or \"ignore\"");
  expect_refused(R"({"version":1,"name":"x","claims":{"bootFiles":"warn","bootFiles":"ignore"}})", "a second time");
  expect_refused(R"({"version":1,"name":"x","more":1})", "expected one of");
  expect_refused(R"({"version":1,"version":1,"name":"x"})", "each once");
  expect_refused(R"({"version":2,"name":"x"})", "from 1 to 1");
  expect_refused(R"({"name":"x"})", "needs");
  expect_refused(R"({"version":1})", "needs");
  expect_refused(R"({"version":1,"name":"a b"})", "expected a name");
  expect_refused(R"({"version":1,"name":"x"} x)", "expected the end");
  expect_refused("[]", "expected an object");
  expect_refused("", "expected an object");
  expect_refused(std::string((64U << 10) + 1, ' '), "64 KiB");
}

TEST(Policy, RefusesPathsThatReachFurtherThanTheySay) {
  for (const std::string path : {"", "/", "opt/", "/opt", "/opt/../", "/opt/./", "//", "/o p/", "/opt//x/"}) {
    std::string json = R"({"version":1,"name":"x","allowedProgramPaths":[")";
    json.append(path).append("\"]}");
    expect_refused(json, "expected an absolute path");
  }
}

TEST(AllowedPaths, AreWholeFolders) {
  const AllowedPaths allowed{{"/opt/tools/"}};
  EXPECT_TRUE(allowed.allows("/opt/tools/x"));
  EXPECT_FALSE(allowed.allows("/opt/tools/"));
  EXPECT_FALSE(allowed.allows("/opt/toolsx"));
  EXPECT_FALSE(allowed.allows("/opt/tools/../x"));
  EXPECT_FALSE(allowed.allows("opt/tools/x"));
}

TEST(JsonCursor, ReadsStringsWithTheirEscapes) {
  JsonCursor cursor(R"( "a\"\\\/\b\f\n\r\tA\u00e9\u20ac\ud83d\ude00" )", "the text");
  const auto text = cursor.string(100);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "a\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_TRUE(cursor.finish());
}

TEST(JsonCursor, NamesTheByteWhereAStringEndsBadly) {
  const auto offset_of = [](std::string_view json) { return JsonCursor(json, "it").string(4).error().message; };
  EXPECT_THAT(offset_of("\"ab"), HasSubstr("at byte 3 of it: expected the end of the string"));
  EXPECT_THAT(offset_of("\"a\nb\""), HasSubstr("at byte 2 of it: a control character"));
  EXPECT_THAT(offset_of(R"("a\x")"), HasSubstr("at byte 3 of it: expected an escape"));
  EXPECT_THAT(offset_of(R"("\udc00")"), HasSubstr("low surrogate"));
  EXPECT_THAT(offset_of(R"("\ud800x")"), HasSubstr("low surrogate"));
  EXPECT_THAT(offset_of(R"("\u12g4")"), HasSubstr("four hexadecimal digits"));
  EXPECT_THAT(offset_of("\"abcde\""), HasSubstr("more than 4 bytes"));
}

TEST(JsonCursor, TakesWholeNumbersAlone) {
  for (const std::string_view json : {"01", "1.0", "1e3", "-", "", "x", "9223372036854775808", "11"})
    EXPECT_FALSE(JsonCursor(json, "it").integer(-10, 10)) << json;
  EXPECT_EQ(JsonCursor("-10", "it").integer(-10, 10).value(), -10);
  EXPECT_EQ(JsonCursor("0", "it").integer(-10, 10).value(), 0);
}

TEST(JsonCursor, GivesAWholeValueAsItStands) {
  JsonCursor cursor(R"({"a": {"b":[1,true,null,"]"]} ,"c":2})", "it");
  ASSERT_TRUE(cursor.enter_object());
  ASSERT_TRUE(cursor.expect_key("a"));
  EXPECT_EQ(cursor.raw_value().value(), R"({"b":[1,true,null,"]"]})");
  ASSERT_TRUE(cursor.expect_key("c"));
  EXPECT_EQ(cursor.integer(0, 9).value(), 2);
  EXPECT_TRUE(cursor.leave_object());
  EXPECT_TRUE(cursor.finish());
  EXPECT_FALSE(JsonCursor(std::string(100, '[') + std::string(100, ']'), "it").raw_value());
}

}  // namespace
}  // namespace slipway::attestation
