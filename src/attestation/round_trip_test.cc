#include <gtest/gtest.h>

#include <tuple>

#include "attestation/policy.h"
#include "attestation/verdict.h"
#include "bootchain/events_for_tests.h"

// What is written is read back to the same value, whatever it holds. Bundles have theirs beside their other tests.
namespace slipway::attestation {
namespace {

using bootchain::Arbitrary;

auto parts_of(const Finding& it) {
  return std::tie(it.rule, it.pcr, it.event, it.component, it.package, it.signer, it.expected, it.found, it.message,
                  it.remedy, it.severity);
}
auto parts_of(const Component& it) {
  return std::tie(it.name, it.path, it.package, it.pcr, it.measurement, it.signer, it.origin, it.matches);
}
auto parts_of(const Verdict& it) {
  return std::tie(it.verdict_class, it.appraised, it.secure_boot, it.policy, it.prediction, it.matches_prediction);
}

template <typename T>
void expect_same(const std::vector<T>& read, const std::vector<T>& written) {
  ASSERT_EQ(read.size(), written.size());
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_TRUE(parts_of(read[i]) == parts_of(written[i])) << i;
}

// -1, which stands for none, or a number.
int number_or_none(Arbitrary& arbitrary, std::uint32_t most) {
  return static_cast<int>(arbitrary.number(most + 2)) - 1;
}

Finding any_finding(Arbitrary& arbitrary) {
  Finding finding;
  for (std::string* text : {&finding.rule, &finding.component, &finding.package, &finding.signer, &finding.expected,
                            &finding.found, &finding.message, &finding.remedy})
    *text = arbitrary.unicode(20);
  finding.pcr = number_or_none(arbitrary, 23);
  finding.event = number_or_none(arbitrary, 1'000'000);
  finding.severity = arbitrary.flag() ? Severity::kError : Severity::kWarning;
  return finding;
}

Component any_component(Arbitrary& arbitrary) {
  Component component;
  for (std::string* text : {&component.name, &component.path, &component.package, &component.measurement,
                            &component.signer, &component.origin})
    *text = arbitrary.unicode(20);
  component.pcr = number_or_none(arbitrary, 23);
  component.matches = arbitrary.flag();
  return component;
}

TEST(RoundTrip, OfVerdicts) {
  Arbitrary arbitrary(145);
  constexpr std::int64_t kHundredYears = 3'155'760'000'000;  // in milliseconds, as a time is written
  for (int round = 0; round < 300; ++round) {
    Verdict written;
    written.verdict_class = static_cast<VerdictClass>(arbitrary.number(4));
    written.appraised =
        Time(std::chrono::milliseconds(static_cast<std::int64_t>(arbitrary.number64() % kHundredYears)));
    written.secure_boot = arbitrary.flag();
    written.policy = arbitrary.unicode(20);
    written.prediction = arbitrary.unicode(20);
    written.matches_prediction = arbitrary.flag();
    for (std::uint32_t i = arbitrary.number(5); i-- > 0;) written.findings.push_back(any_finding(arbitrary));
    for (std::uint32_t i = arbitrary.number(5); i-- > 0;) written.components.push_back(any_component(arbitrary));
    const std::string json = to_json(written);
    const auto read = verdict_from_json(json);
    ASSERT_TRUE(read) << read.error().message << "\n" << json;
    EXPECT_TRUE(parts_of(*read) == parts_of(written)) << json;
    expect_same(read->findings, written.findings);
    expect_same(read->components, written.components);
    EXPECT_EQ(to_json(*read), json);
  }
}

std::string any_text(Arbitrary& arbitrary, std::string_view characters, std::uint32_t at_least, std::uint32_t at_most) {
  std::string made(at_least + arbitrary.number(at_most - at_least + 1), ' ');
  for (char& character : made) character = characters[arbitrary.number(static_cast<std::uint32_t>(characters.size()))];
  return made;
}

TEST(RoundTrip, OfPolicies) {
  Arbitrary arbitrary(146);
  for (int round = 0; round < 300; ++round) {
    Policy written;
    written.name = any_text(arbitrary, "azAZ09._-", 1, 64);
    for (Enforcement& enforcement : written.enforcements) enforcement = static_cast<Enforcement>(arbitrary.number(3));
    written.allowed_programs.prefixes.clear();
    for (std::uint32_t i = arbitrary.number(65); i-- > 0;) {
      std::string path = "/";
      for (std::uint32_t j = 1 + arbitrary.number(4); j-- > 0;) path += any_text(arbitrary, "aZ9._-\"\\~", 3, 12) + "/";
      written.allowed_programs.prefixes.push_back(std::move(path));
    }
    const std::string json = to_json(written);
    const auto read = policy_from_json(json);
    ASSERT_TRUE(read) << read.error().message << "\n" << json;
    EXPECT_EQ(read->name, written.name);
    EXPECT_EQ(read->enforcements, written.enforcements);
    EXPECT_EQ(read->allowed_programs.prefixes, written.allowed_programs.prefixes);
    EXPECT_EQ(to_json(*read), json);
  }
}

}  // namespace
}  // namespace slipway::attestation
