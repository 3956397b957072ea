#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "attestation/evidence_bundle.h"
#include "attestation/verdict.h"
#include "bootchain/corpus_for_tests.h"

// Boots of real nodes: VMs of libvirt with swtpm that booted Slipway's image, as slipwayd kept them
// (tests/corpus/evidence/README.md).
namespace slipway::attestation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

EvidenceBundle own_boot(const std::string& name) {
  auto bundle = bundle_from_json(as_text(bootchain::read_corpus("evidence/" + name + ".json")));
  EXPECT_TRUE(bundle) << bundle.error().message;
  return *std::move(bundle);
}

std::vector<std::string> rules_of(const Verdict& verdict) {
  std::vector<std::string> rules;
  for (const Finding& finding : verdict.findings) rules.push_back(finding.rule);
  return rules;
}

class GoodBoot : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Own, GoodBoot, ::testing::Values("secure-boot-on", "secure-boot-off", "second-machine"));

// The prediction was made before the VM was; nothing that it measured was unexpected.
TEST_P(GoodBoot, IsAsItWasPredicted) {
  const auto verdict = appraise_again(own_boot(GetParam()));
  ASSERT_TRUE(verdict) << verdict.error().message;
  EXPECT_EQ(verdict->verdict_class, VerdictClass::kTrusted);
  EXPECT_TRUE(verdict->matches_prediction);
  EXPECT_THAT(rules_of(*verdict), IsEmpty());
}

TEST_P(GoodBoot, IsOfNoOtherMachine) {
  EvidenceBundle bundle = own_boot(GetParam());
  bundle.expectation.attestation_key =
      own_boot(GetParam() == std::string("second-machine") ? "secure-boot-on" : "second-machine")
          .expectation.attestation_key;
  EXPECT_THAT(rules_of(appraise_again(bundle).value()), ElementsAre("quote.signature"));
}

// Another version of the image; containers had run on three of the nodes when they answered.
class GoodBootOfASecondImage : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Own, GoodBootOfASecondImage,
                         ::testing::Values("second-image", "second-image-secure-boot-off", "second-image-warm-reboot",
                                           "second-image-power-cut"));

TEST_P(GoodBootOfASecondImage, IsAsItWasPredicted) {
  const auto verdict = appraise_again(own_boot(GetParam()));
  ASSERT_TRUE(verdict) << verdict.error().message;
  EXPECT_EQ(verdict->verdict_class, VerdictClass::kTrusted);
  EXPECT_TRUE(verdict->matches_prediction);
  EXPECT_EQ(verdict->prediction, "SlipwayDebian-12-gen2TLcontainerd-202611.30.0");
  for (const Finding& finding : verdict->findings) {
    EXPECT_EQ(finding.rule, "ima.program");
    EXPECT_EQ(finding.severity, Severity::kWarning) << finding.message;
  }
}

// A bundle of version 1 is read as ever, and appraised again it gives the bytes that stand in it.
TEST(OwnBoot, KeepsItsVerdictsBytes) {
  for (const std::string name :
       {"secure-boot-on", "secure-boot-off", "second-machine", "module-from-outside", "second-image",
        "second-image-secure-boot-off", "second-image-warm-reboot", "second-image-power-cut"}) {
    const std::string file(as_text(bootchain::read_corpus("evidence/" + name + ".json")));
    ASSERT_NE(file.find(R"("version":1,)"), std::string::npos) << name;
    const EvidenceBundle bundle = own_boot(name);
    EXPECT_FALSE(bundle.endorsement) << name;
    const std::string verdict = to_json(appraise_again(bundle).value());
    EXPECT_NE(file.find("\"verdict\":" + verdict + "}"), std::string::npos) << name;
    const auto written = bundle_from_json(to_json(bundle));
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_EQ(to_json(appraise_again(*written).value()), verdict) << name;
  }
}

TEST(OwnBoot, WithAModuleFromOutsideIsNot) {
  const auto verdict = appraise_again(own_boot("module-from-outside"));
  ASSERT_TRUE(verdict) << verdict.error().message;
  EXPECT_EQ(verdict->verdict_class, VerdictClass::kUntrusted);
  EXPECT_TRUE(verdict->matches_prediction) << "the boot itself was a good one";
  EXPECT_THAT(rules_of(*verdict), ElementsAre("ima.program", "ima.program", "ima.module", "ima.module"));
}

}  // namespace
}  // namespace slipway::attestation
