#include "attestation/evidence_bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "attestation/evidence_for_tests.h"
#include "bootchain/events_for_tests.h"
#include "image/predictions_for_tests.h"

namespace slipway::attestation {
namespace {

using bootchain::Arbitrary;
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

Time any_time(Arbitrary& arbitrary) {
  constexpr std::int64_t kHundredYears = 3'155'760'000'000;  // in milliseconds, as a time is written
  return Time(milliseconds(static_cast<std::int64_t>(arbitrary.number64() % kHundredYears)));
}

TpmSighting any_sighting(Arbitrary& arbitrary) {
  TpmSighting sighting;
  sighting.endorsement_key = arbitrary.some_bytes(32);
  sighting.attestation_key = arbitrary.some_bytes(64);
  sighting.clock.clock = arbitrary.number64();
  sighting.clock.reset_count = static_cast<std::uint32_t>(arbitrary.number64());
  sighting.clock.restart_count = static_cast<std::uint32_t>(arbitrary.number64());
  sighting.clock.safe = arbitrary.flag();
  sighting.firmware_version = arbitrary.number64();
  sighting.ima_entries = arbitrary.number64() >> 1;
  sighting.challenged = any_time(arbitrary);
  sighting.received = any_time(arbitrary);
  return sighting;
}

auto parts_of(const TpmSighting& it) {
  return std::tie(it.endorsement_key, it.attestation_key, it.clock.clock, it.clock.reset_count, it.clock.restart_count,
                  it.clock.safe, it.firmware_version, it.ima_entries, it.challenged, it.received);
}

TEST(TpmSightingJson, ComesBackWhateverItHolds) {
  Arbitrary arbitrary(148);
  for (int round = 0; round < 300; ++round) {
    TpmSighting written = any_sighting(arbitrary);
    if (round == 0) written.clock = {UINT64_MAX, UINT32_MAX, UINT32_MAX, true};
    if (round == 1) written.firmware_version = written.ima_entries = INT64_MAX;
    if (round == 2) written = TpmSighting();
    const std::string json = to_json(written);
    const auto read = sighting_from_json(json);
    ASSERT_TRUE(read) << read.error().message << "\n" << json;
    EXPECT_TRUE(parts_of(*read) == parts_of(written)) << json;
    EXPECT_EQ(to_json(*read), json);
  }
  EXPECT_FALSE(sighting_from_json("{}"));
}

std::vector<Bytes> some_of(Arbitrary& arbitrary, std::uint32_t largest) {
  std::vector<Bytes> made(arbitrary.number(5));
  for (Bytes& each : made) each = arbitrary.some_bytes(largest);
  return made;
}

References any_references(Arbitrary& arbitrary) {
  References references;
  for (std::uint32_t i = arbitrary.number(3); i-- > 0;) {
    ValidPrediction& valid = references.predictions.emplace_back();
    valid.prediction = image::any_prediction(arbitrary);
    if (arbitrary.flag()) valid.expires = any_time(arbitrary);
  }
  references.secure_boot_required = arbitrary.flag();
  references.policy.name = "p" + std::to_string(arbitrary.number(1000));
  for (Enforcement& enforcement : references.policy.enforcements)
    enforcement = static_cast<Enforcement>(arbitrary.number(3));
  references.revocations = {some_of(arbitrary, 32), some_of(arbitrary, 300), some_of(arbitrary, 32)};
  return references;
}

EvidenceBundle any_bundle(Arbitrary& arbitrary) {
  EvidenceBundle bundle;
  bundle.node = arbitrary.unicode(40);
  bundle.instance = arbitrary.unicode(40);
  bundle.evidence = {arbitrary.some_bytes(64), arbitrary.some_bytes(64), arbitrary.some_bytes(400),
                     arbitrary.some_bytes(400)};
  bundle.expectation = {arbitrary.some_bytes(32), arbitrary.some_bytes(64), {}};
  for (int pcr = 0; pcr < 24; ++pcr)
    if (arbitrary.flag()) bundle.expectation.pcrs.push_back(pcr);
  bundle.purpose = arbitrary.flag() ? "enrol" : "attest";
  bundle.nonce = arbitrary.some_bytes(32);
  bundle.client_request = arbitrary.some_bytes(300);
  bundle.serving_request = arbitrary.some_bytes(300);
  bundle.circumstances = {any_time(arbitrary), any_time(arbitrary), arbitrary.some_bytes(32), std::nullopt,
                          arbitrary.flag()};
  if (arbitrary.flag()) bundle.circumstances.previous = any_sighting(arbitrary);
  if (arbitrary.flag())
    bundle.endorsement = EndorsementCertificates{arbitrary.bytes(1 + arbitrary.number(40)), arbitrary.bytes(3)};
  bundle.references = any_references(arbitrary);
  Verdict verdict;
  verdict.prediction = arbitrary.unicode(20);
  bundle.verdict = to_json(verdict);
  return bundle;
}

auto parts_of(const EvidenceBundle& it) {
  const UnverifiedEvidence& evidence = it.evidence;
  return std::tie(it.node, it.instance, evidence.attest, evidence.signature, evidence.firmware_event_log,
                  evidence.ima_log, it.expectation.qualifying_data, it.expectation.attestation_key, it.expectation.pcrs,
                  it.purpose, it.nonce, it.client_request, it.serving_request, it.verdict);
}
auto parts_of(const Circumstances& it) {
  return std::tie(it.now, it.challenged, it.endorsement_key, it.host_restarted);
}
auto parts_of(const EndorsementCertificates& it) { return std::tie(it.certificate, it.authority); }
auto parts_of(const References& it) {
  return std::tie(it.secure_boot_required, it.policy.name, it.policy.enforcements, it.policy.allowed_programs.prefixes,
                  it.revocations.image_sha256, it.revocations.certificates, it.revocations.certificate_sha256);
}

template <typename T>
void expect_same(const std::optional<T>& read, const std::optional<T>& written) {
  ASSERT_EQ(read.has_value(), written.has_value());
  if (read) {
    EXPECT_TRUE(parts_of(*read) == parts_of(*written));
  }
}

TEST(EvidenceBundle, RoundTripsWhateverItHolds) {
  Arbitrary arbitrary(11);
  for (int round = 0; round < 100; ++round) {
    const EvidenceBundle written = any_bundle(arbitrary);
    const std::string json = to_json(written);
    const auto read = bundle_from_json(json);
    ASSERT_TRUE(read) << read.error().message << "\n" << json;
    EXPECT_TRUE(parts_of(*read) == parts_of(written)) << json;
    EXPECT_TRUE(parts_of(read->circumstances) == parts_of(written.circumstances)) << json;
    expect_same(read->circumstances.previous, written.circumstances.previous);
    expect_same(read->endorsement, written.endorsement);
    EXPECT_TRUE(parts_of(read->references) == parts_of(written.references)) << json;
    ASSERT_EQ(read->references.predictions.size(), written.references.predictions.size());
    for (std::size_t i = 0; i < written.references.predictions.size(); ++i) {
      EXPECT_EQ(read->references.predictions[i].expires, written.references.predictions[i].expires);
      expect_same(read->references.predictions[i].prediction, written.references.predictions[i].prediction);
    }
    EXPECT_EQ(to_json(*read), json);
  }
}

}  // namespace
}  // namespace slipway::attestation
