#include "attestation/evidence_bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "attestation/evidence_for_tests.h"

namespace slipway::attestation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

EvidenceBundle bundle_of(const SimulatedMachine& machine) {
  EvidenceBundle bundle;
  bundle.node = "aks-pool-1-vmss000000";
  bundle.instance = "11111111-1111-4111-8111-111111111111";
  bundle.evidence = machine.evidence();
  bundle.expectation = machine.expectation();
  bundle.purpose = "attest";
  bundle.nonce = Bytes(32, 5);
  bundle.client_request = Bytes(3, 1);
  bundle.serving_request = Bytes(4, 2);
  bundle.circumstances = {kNow, kNow - seconds(1), Bytes(32, 9), std::nullopt, false};
  bundle.circumstances.previous = appraise(machine, verity_references()).sighting;
  bundle.endorsement = EndorsementCertificates{Bytes(3, 4), Bytes(4, 5)};
  bundle.references = verity_references();
  bundle.references.predictions[0].expires = kNow + seconds(60);
  bundle.references.revocations.image_sha256 = {Bytes(32, 1)};
  bundle.references.revocations.certificates = {Bytes(10, 1)};
  bundle.references.revocations.certificate_sha256 = {Bytes(32, 2)};
  bundle.verdict = to_json(appraise_again(bundle).value());
  return bundle;
}

TEST(EvidenceBundle, GivesTheSameVerdictOnAnotherMachine) {
  SimulatedMachine lying = verity_machine();
  lying.event(9, std::string(kInitrd)).digests[0].digest[0] ^= 1;
  SimulatedMachine broken = verity_machine();
  broken.unlogged = {{9, Bytes(32, 7)}};
  for (const SimulatedMachine& machine : {verity_machine(), lying, broken}) {
    const EvidenceBundle bundle = bundle_of(machine);
    const auto again = bundle_from_json(to_json(bundle));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(to_json(*appraise_again(*again)), bundle.verdict);
    EXPECT_EQ(again->verdict, bundle.verdict);
    EXPECT_EQ(to_json(*again), to_json(bundle));
    EXPECT_EQ(again->nonce, bundle.nonce);
    EXPECT_EQ(again->serving_request, bundle.serving_request);
    ASSERT_TRUE(again->endorsement);
    EXPECT_EQ(again->endorsement->certificate, bundle.endorsement->certificate);
    EXPECT_EQ(again->endorsement->authority, bundle.endorsement->authority);
  }
}

// A tool that put the JSON in another shape did not change what it says.
TEST(EvidenceBundle, WhiteSpaceMakesNoDifference) {
  const EvidenceBundle bundle = bundle_of(verity_machine());
  std::string spaced;
  bool in_string = false, escaped = false;
  for (const char character : to_json(bundle)) {
    spaced += character;
    if (character == '"' && !escaped) in_string = !in_string;
    escaped = character == '\\' && !escaped;
    if (!in_string && std::string_view("{},:[]").find(character) != std::string_view::npos) spaced += "\n  ";
  }
  const auto again = bundle_from_json(spaced);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), to_json(bundle));
}

TEST(EvidenceBundle, GivesAnotherVerdictUnderAnotherPolicy) {
  SimulatedMachine machine = verity_machine();
  machine.event(9, std::string(kInitrd)).digests[0].digest[0] ^= 1;
  EvidenceBundle bundle = bundle_from_json(to_json(bundle_of(machine))).value();
  EXPECT_EQ(appraise_again(bundle)->verdict_class, VerdictClass::kUntrusted);
  bundle.references.policy.set(Claim::kBootFiles, Enforcement::kWarn);
  EXPECT_EQ(appraise_again(bundle)->verdict_class, VerdictClass::kTrusted);
  bundle.references.revocations.image_sha256.push_back(hex(kShim));
  EXPECT_EQ(appraise_again(bundle)->verdict_class, VerdictClass::kUntrusted);
}

// A guest's root quotes few PCRs with the real key, and lays the log of a good boot beside it.
TEST(EvidenceBundle, DoesNotChooseWhichPcrsAreQuoted) {
  for (const std::vector<int>& pcrs : {std::vector<int>{0, 7}, std::vector<int>{1}, std::vector<int>{}}) {
    SimulatedMachine machine = verity_machine();
    machine.ima_log.clear();
    machine.quoted_pcrs = pcrs;
    EvidenceBundle bundle = bundle_of(machine);
    bundle.expectation.pcrs = pcrs;
    const auto verdict = appraise_again(bundle);
    ASSERT_TRUE(verdict) << verdict.error().message;
    EXPECT_EQ(verdict->verdict_class, VerdictClass::kEvidenceBroken);
    EXPECT_THAT(rules_of(*verdict), ElementsAre("quote.selection"));
  }
}

TEST(EvidenceBundle, EveryCutIsRefusedWithItsOffset) {
  SimulatedMachine machine = verity_machine();
  machine.ima_log.clear();
  const std::string json = to_json(bundle_of(machine));
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    const std::size_t size = random() % (json.size() - 2);
    const auto cut = bundle_from_json(std::string_view(json).substr(0, size));
    ASSERT_FALSE(cut) << size;
    EXPECT_THAT(cut.error().message, HasSubstr("at byte "));
  }
}

TEST(EvidenceBundle, RefusesOtherForms) {
  const std::string json = to_json(bundle_of(verity_machine()));
  const auto refused = [&](const std::string& what, const std::string& with) {
    std::string other = json;
    other.replace(other.find(what), what.size(), with);
    const auto bundle = bundle_from_json(other);
    EXPECT_FALSE(bundle) << what;
    if (!bundle) {
      EXPECT_THAT(bundle.error().message, HasSubstr("at byte "));
    }
  };
  refused("slipway-evidence", "other-evidence");
  refused(R"("version":2,"node")", R"("version":0,"node")");
  refused(R"("version":2,"node")", R"("version":3,"node")");
  refused(R"("version":2,"node")", R"("version":1,"node")");  // which has no endorsement
  refused(R"("endorsement":{"certificate":"BAQE")", R"("endorsement":{"certificate":"")");
  refused(R"("authority":"BQUFBQ==")", R"("authority":"")");
  refused(R"("authority")", R"("issuer")");
  refused(R"("node")", R"("name")");
  refused(R"("purpose":"attest")", R"("purpose":"other")");
  refused(R"("pcrs":[0)", R"("pcrs":[24)");
  refused(R"("hostRestarted":false)", R"("hostRestarted":0)");
  refused(R"("expires":")", R"("expires":"x)");
  refused(R"("policy":{)", R"("policy":{"more":1,)");
  refused(R"("imageVersion")", R"("imageversion")");
  refused(R"("firmwareVersion":"0)", R"("firmwareVersion":"x)");
  refused(R"("images":[")", R"("images":["!)");
  refused(R"("verdict":{)", R"("verdict":{"more":1,)");
  EXPECT_FALSE(bundle_from_json(json + "x"));
  EXPECT_FALSE(bundle_from_json(""));
}

TEST(TpmSightingJson, ComesBackAsItWas) {
  TpmSighting sighting{Bytes(32, 1), Bytes(34, 2),     {0xffffffffffffffff, 4, 5, true}, 0xfedcba9876543210, 77,
                       kNow,         kNow + seconds(1)};
  const auto again = sighting_from_json(to_json(sighting));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), to_json(sighting));
  EXPECT_EQ(again->firmware_version, sighting.firmware_version);
  EXPECT_EQ(again->clock.restart_count, 5u);
  EXPECT_FALSE(sighting_from_json("{}"));
}

// Any evidence, references and circumstances that can be written can be read to the same.
TEST(EvidenceBundle, RoundTripsWhateverItHolds) {
  std::mt19937 random(11);
  const auto bytes = [&](std::size_t most) {
    Bytes out(random() % (most + 1));
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
    return out;
  };
  for (int round = 0; round < 100; ++round) {
    EvidenceBundle bundle;
    bundle.node = "n\"\\\n\x01/" + to_hex(bytes(8));
    bundle.instance = to_hex(bytes(8));
    bundle.evidence = {bytes(64), bytes(64), bytes(400), bytes(400)};
    bundle.expectation = {bytes(32), bytes(64), {}};
    for (int pcr = 0; pcr < 24; ++pcr)
      if (random() % 2 == 0) bundle.expectation.pcrs.push_back(pcr);
    bundle.purpose = random() % 2 == 0 ? "enrol" : "attest";
    bundle.nonce = bytes(32);
    bundle.circumstances = {kNow + seconds(random() % 1000), kNow, bytes(32), std::nullopt, random() % 2 == 0};
    if (random() % 2 == 0)
      bundle.circumstances.previous = TpmSighting{
          bytes(32), bytes(34), {random(), static_cast<std::uint32_t>(random()), 0, true}, random(), random(),
          kNow,      kNow};
    if (random() % 2 == 0) bundle.endorsement = EndorsementCertificates{Bytes(1 + random() % 9, 1), Bytes(2, 3)};
    for (std::size_t at = 0; at < kClaimCount; ++at)
      bundle.references.policy.enforcements[at] = static_cast<Enforcement>(random() % 3);
    bundle.verdict = to_json(Verdict());
    const auto again = bundle_from_json(to_json(bundle));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(to_json(*again), to_json(bundle));
  }
}

}  // namespace
}  // namespace slipway::attestation
