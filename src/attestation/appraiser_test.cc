#include "attestation/appraiser.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attestation/evidence_for_tests.h"
#include "base/refusals_for_tests.h"
#include "bootchain/signature_list.h"
#include "crypto/certificate.h"
#include "crypto/certificate_details.h"

namespace slipway::attestation {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

References with(Claim claim, Enforcement enforcement) {
  References references = verity_references();
  references.policy.set(claim, enforcement);
  return references;
}

// One lie for each claim, with the rule that finds it.
struct Lie {
  Claim claim;
  std::string rule;
  std::function<void(SimulatedMachine&)> tell;
};

void flip(SimulatedMachine& machine, std::uint32_t pcr, std::string_view digest) {
  machine.event(pcr, std::string(digest)).digests[0].digest[0] ^= 1;
}

void add(SimulatedMachine& machine, std::uint32_t pcr) { machine.append(pcr, bootchain::kEvIpl, to_bytes("more")); }

std::vector<Lie> lies() {
  return {
      {Claim::kFirmware, "pcr0.firmware",
       [](auto& machine) { flip(machine, 0, "98e1adf6b161fbaaf6ac371f5ea1326afafb39826795a5da8e26160cd76389cd"); }},
      {Claim::kFirmwareConfiguration, "pcr1.unexpected", [](auto& machine) { add(machine, 1); }},
      {Claim::kOptionRoms, "pcr2.unexpected", [](auto& machine) { add(machine, 2); }},
      {Claim::kBootImages, "pcr4.grub", [](auto& machine) { flip(machine, 4, kGrub); }},
      {Claim::kPartitionTable, "pcr5.unexpected", [](auto& machine) { add(machine, 5); }},
      {Claim::kSecureBootAuthorities, "secureBoot.unexpected", [](auto& machine) { add(machine, 7); }},
      {Claim::kBootCommands, "pcr8.unexpected", [](auto& machine) { add(machine, 8); }},
      {Claim::kBootFiles, "pcr9.initrd", [](auto& machine) { flip(machine, 9, kInitrd); }},
      {Claim::kMachineOwnerKeys, "pcr14.unexpected", [](auto& machine) { add(machine, 14); }},
      {Claim::kUnusedPcrs, "pcr12.unexpected", [](auto& machine) { add(machine, 12); }},
  };
}

TEST(AppraiserPolicy, RequireMakesALieAnError) {
  for (const Lie& lie : lies()) {
    SimulatedMachine machine = verity_machine();
    lie.tell(machine);
    const Verdict verdict = judge(machine, with(lie.claim, Enforcement::kRequire));
    EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted) << lie.rule;
    ASSERT_FALSE(verdict.findings.empty()) << lie.rule;
    EXPECT_EQ(verdict.findings[0].rule, lie.rule);
    EXPECT_EQ(verdict.findings[0].severity, Severity::kError);
  }
}

// What is warned of still stands in the verdict, and the component still does not match.
TEST(AppraiserPolicy, WarnLeavesTheNodeTrusted) {
  for (const Lie& lie : lies()) {
    SimulatedMachine machine = verity_machine();
    lie.tell(machine);
    const Verdict verdict = judge(machine, with(lie.claim, Enforcement::kWarn));
    EXPECT_EQ(verdict.verdict_class, VerdictClass::kTrusted) << lie.rule;
    ASSERT_THAT(rules_of(verdict), ElementsAre(lie.rule));
    EXPECT_EQ(verdict.findings[0].severity, Severity::kWarning);
    EXPECT_FALSE(verdict.matches_prediction);
  }
}

TEST(AppraiserPolicy, IgnoreGivesNoFinding) {
  for (const Lie& lie : lies()) {
    SimulatedMachine machine = verity_machine();
    lie.tell(machine);
    const Verdict verdict = judge(machine, with(lie.claim, Enforcement::kIgnore));
    EXPECT_EQ(verdict.verdict_class, VerdictClass::kTrusted) << lie.rule;
    EXPECT_THAT(rules_of(verdict), ElementsAre()) << lie.rule;
    EXPECT_FALSE(verdict.matches_prediction) << lie.rule;
  }
}

// A policy that relaxes one claim relaxes no other.
TEST(AppraiserPolicy, EachClaimStandsForItself) {
  for (const Lie& lie : lies()) {
    References references = verity_references();
    references.policy.enforcements.fill(Enforcement::kIgnore);
    references.policy.set(lie.claim, Enforcement::kRequire);
    references.policy.name = "one-claim";
    for (const Lie& told : lies()) {
      SimulatedMachine machine = verity_machine();
      told.tell(machine);
      const Verdict verdict = judge(machine, references);
      EXPECT_EQ(verdict.verdict_class == VerdictClass::kTrusted, told.rule != lie.rule) << lie.rule << told.rule;
      EXPECT_EQ(verdict.policy, "one-claim");
    }
  }
}

TEST(AppraiserPolicy, NothingRelaxesTheQuote) {
  References references = verity_references();
  references.policy.enforcements.fill(Enforcement::kIgnore);
  SimulatedMachine machine = verity_machine();
  machine.unlogged = {{9, Bytes(32, 7)}};
  EXPECT_EQ(judge(machine, references).verdict_class, VerdictClass::kEvidenceBroken);
}

// A guest that logs its IMA digests as firmware events, and sends an IMA log that nothing vouches for.
TEST(AppraiserPolicy, NothingRelaxesPcr10OfTheFirmwareLog) {
  References references = verity_references();
  references.policy.enforcements.fill(Enforcement::kIgnore);
  references.policy.set(Claim::kImaModules, Enforcement::kRequire);
  SimulatedMachine machine = verity_machine();
  add(machine, 10);
  const Verdict verdict = judge(machine, references);
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
  EXPECT_THAT(rules_of(verdict), ElementsAre("pcr10.unexpected"));
}

// The image that is to come: another initrd.
image::Prediction next_image() {
  image::Prediction next = verity_references().predictions[0].prediction;
  next.image_version = "next";
  for (image::PredictedEvent& event : next.events)
    if (event.rule == "pcr9.initrd") event.sha256[0] ^= 1;
  return next;
}

References old_and_next(std::optional<Time> old_expires) {
  References references = verity_references();
  references.predictions[0].expires = old_expires;
  references.predictions.insert(references.predictions.begin(), {next_image(), std::nullopt});
  return references;
}

SimulatedMachine next_machine() {
  SimulatedMachine machine = verity_machine();
  flip(machine, 9, kInitrd);
  return machine;
}

TEST(AppraiserPredictions, BothHoldDuringAnUpdate) {
  References references = old_and_next(kNow + seconds(1));
  const Verdict old = judge(verity_machine(), references);
  EXPECT_EQ(old.verdict_class, VerdictClass::kTrusted);
  EXPECT_EQ(old.prediction, verity_manifest().version);
  EXPECT_TRUE(old.matches_prediction);
  const Verdict next = judge(next_machine(), references);
  EXPECT_EQ(next.verdict_class, VerdictClass::kTrusted);
  EXPECT_EQ(next.prediction, "next");
}

TEST(AppraiserPredictions, TheOldOneExpires) {
  const Verdict verdict = judge(verity_machine(), old_and_next(kNow));
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
  ASSERT_THAT(rules_of(verdict), ElementsAre("reference.expired"));
  EXPECT_EQ(verdict.prediction, verity_manifest().version);
  EXPECT_TRUE(verdict.matches_prediction);
  EXPECT_THAT(verdict.findings[0].message, HasSubstr(to_rfc3339(kNow)));
}

TEST(AppraiserPredictions, AllOverIsNoReasonToTrust) {
  References references = verity_references();
  references.predictions[0].expires = kNow;
  EXPECT_THAT(rules_of(judge(verity_machine(), references)), ElementsAre("reference.expired"));
  SimulatedMachine machine = verity_machine();
  add(machine, 9);
  EXPECT_EQ(judge(machine, references).verdict_class, VerdictClass::kUntrusted);
}

// Halves of two images are no image: the kernel of one and the initrd of the other.
TEST(AppraiserPredictions, AMixtureOfTwoMatchesNeither) {
  References references = old_and_next(std::nullopt);
  for (image::PredictedEvent& event : references.predictions[0].prediction.events)
    if (event.rule == "pcr9.kernel") event.sha256[0] ^= 1;
  const Verdict verdict = judge(next_machine(), references);
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
  EXPECT_FALSE(verdict.matches_prediction);
}

TEST(AppraiserPredictions, FindingsAreThoseOfTheClosest) {
  SimulatedMachine machine = next_machine();
  flip(machine, 4, kGrub);
  References references = old_and_next(std::nullopt);
  const Verdict verdict = judge(machine, references);
  EXPECT_EQ(verdict.prediction, "next");
  EXPECT_THAT(rules_of(verdict), ElementsAre("pcr4.grub"));
}

TEST(AppraiserPredictions, RefusesThoseThatWouldAcceptTooMuch) {
  const auto refused = [](const std::function<void(image::PredictedEvent&)>& change) {
    References references = verity_references();
    change(references.predictions[0].prediction.events.back());
    return !Appraiser::make(std::move(references));
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto& event) { event.origin = image::Origin::kMayVary; }));
  EXPECT_TRUE(refused([](auto& event) { event.sha256.clear(); }));
  EXPECT_TRUE(refused([](auto& event) { event.sha256.resize(20); }));
  EXPECT_TRUE(refused([](auto& event) { event.pcr = 10; }));
  EXPECT_TRUE(refused([](auto& event) { event.pcr = 16; }));
  EXPECT_TRUE(refused([](auto& event) { event.pcr = -1; }));
  References many;
  many.predictions.resize(17);
  EXPECT_FALSE(Appraiser::make(std::move(many)));
}

// The same digest under another type was written by somebody: types are no part of what the TPM vouches for.
TEST(AppraiserPredictions, TheTypeOfAnEventCountsToo) {
  SimulatedMachine machine = verity_machine();
  machine.event(14, "MokList").type = bootchain::kEvEfiPlatformFirmwareBlob;
  const Verdict verdict = judge(machine);
  ASSERT_THAT(rules_of(verdict), ElementsAre("pcr14.machineOwnerKeys"));
  EXPECT_THAT(verdict.findings[0].message, HasSubstr("somebody wrote this log"));
}

TEST(AppraiserContinuity, IsHeldAgainstThePreviousSighting) {
  SimulatedMachine machine = verity_machine();
  const auto at = [&machine](std::uint64_t clock, std::uint32_t resets) {
    machine.change_quote = [=](tpm::QuoteBody& body) { body.clock = {clock, resets, 0, true}; };
  };
  Circumstances circumstances{kNow, kNow - seconds(1), Bytes(32, 9), std::nullopt, false};
  at(1'000'000, 5);
  const Appraisal first = appraise(machine, verity_references(), circumstances);
  ASSERT_TRUE(first.sighting);
  EXPECT_EQ(first.sighting->clock.reset_count, 5u);
  EXPECT_EQ(first.sighting->endorsement_key, Bytes(32, 9));
  EXPECT_EQ(first.sighting->ima_entries, bootchain::parse_ima_log(machine.ima_log)->size());
  EXPECT_EQ(first.verdict.verdict_class, VerdictClass::kTrusted);

  circumstances.previous = first.sighting;
  circumstances.challenged = kNow + seconds(299);
  circumstances.now = kNow + seconds(300);
  at(1'300'000, 5);
  EXPECT_EQ(appraise(machine, verity_references(), circumstances).verdict.verdict_class, VerdictClass::kTrusted);

  at(900'000, 4);
  const Appraisal back = appraise(machine, verity_references(), circumstances);
  EXPECT_EQ(back.verdict.verdict_class, VerdictClass::kUntrusted);
  EXPECT_THAT(rules_of(back.verdict), ElementsAre("clock.resetRollback"));
  // The next one is held against the same, or a copy would be forgiven by asking twice.
  EXPECT_EQ(back.sighting->clock.reset_count, 5u);

  circumstances.endorsement_key = Bytes(32, 8);
  at(1'300'000, 5);
  EXPECT_THAT(rules_of(appraise(machine, verity_references(), circumstances).verdict), ElementsAre("vtpm.swapped"));

  References lenient = verity_references();
  lenient.policy.set(Claim::kTpmContinuity, Enforcement::kWarn);
  EXPECT_EQ(appraise(machine, lenient, circumstances).verdict.verdict_class, VerdictClass::kTrusted);
}

TEST(AppraiserContinuity, SuspicionsAreWarnings) {
  SimulatedMachine machine = verity_machine();
  Circumstances circumstances{kNow, kNow, Bytes(32, 9), std::nullopt, false};
  circumstances.previous = appraise(machine, verity_references(), circumstances).sighting;
  circumstances.now = circumstances.challenged = kNow + seconds(10);
  machine.change_quote = [](tpm::QuoteBody& body) { body.clock.clock = 10'000'000; };
  const Verdict verdict = appraise(machine, verity_references(), circumstances).verdict;
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kTrusted);
  ASSERT_THAT(rules_of(verdict), ElementsAre("clock.ahead"));
  EXPECT_EQ(verdict.findings[0].severity, Severity::kWarning);
}

Bytes dbx_of(std::string_view type, const Bytes& data) {
  const bootchain::EfiGuid owner = bootchain::guid_from_text(bootchain::kImageSecurityDatabase).value();
  const bootchain::EfiGuid list = bootchain::guid_from_text(type).value();
  Bytes dbx(list.bytes.begin(), list.bytes.end());
  put_u32_le(dbx, static_cast<std::uint32_t>(28 + 16 + data.size()));
  put_u32_le(dbx, 0);
  put_u32_le(dbx, static_cast<std::uint32_t>(16 + data.size()));
  put_bytes(dbx, owner.bytes);
  put_bytes(dbx, data);
  return dbx;
}

Verdict judge_under(const Bytes& dbx) {
  References references = verity_references();
  const auto revocations = revocations_from_dbx(dbx);
  EXPECT_TRUE(revocations) << revocations.error().message;
  references.revocations = *revocations;
  return judge(verity_machine(), references);
}

// The certificate of db by which firmware let shim run, out of the log.
Bytes authority_certificate() {
  SimulatedMachine machine = verity_machine();
  const auto variable = bootchain::decode_variable_data(
                            machine.event(7, "4d4a8e2c74133bbdc01a16eaf2dbb5d575afeb36f5d8dfcf609ae043909e2ee9").data)
                            .value();
  return Bytes(variable.value.begin() + 16, variable.value.end());
}

TEST(Revocations, OfAnImageNameIt) {
  const Verdict verdict = judge_under(dbx_of(bootchain::kSha256Signature, hex(kGrub)));
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
  ASSERT_THAT(rules_of(verdict), ElementsAre("revoked.image"));
  EXPECT_EQ(verdict.findings[0].component, "/EFI/BOOT/grubx64.efi");
  EXPECT_EQ(verdict.findings[0].package, "grub-efi-amd64-signed 1");
  EXPECT_TRUE(verdict.matches_prediction);
  // The kernel stands twice in PCR 4 and once in the findings.
  const Verdict of_kernel = judge_under(dbx_of(bootchain::kSha256Signature, hex(kKernel)));
  ASSERT_THAT(rules_of(of_kernel), ElementsAre("revoked.image"));
  EXPECT_EQ(of_kernel.findings[0].signer, "CN=Debian Secure Boot Signer 2022 - linux");
}

TEST(Revocations, OfAnotherImageChangeNothing) {
  EXPECT_EQ(judge_under(dbx_of(bootchain::kSha256Signature, Bytes(32, 1))).verdict_class, VerdictClass::kTrusted);
}

TEST(Revocations, OfACertificateNameWhoVouched) {
  const Verdict verdict = judge_under(dbx_of(bootchain::kX509Signature, authority_certificate()));
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
  ASSERT_THAT(rules_of(verdict), ElementsAre("revoked.certificate"));
  EXPECT_THAT(verdict.findings[0].component, HasSubstr("Microsoft Corporation UEFI CA 2011"));
  EXPECT_EQ(verdict.findings[0].signer, verdict.findings[0].component);
}

TEST(Revocations, OfACertificateByItsDigest) {
  const auto certificate = crypto::Certificate::from_der(authority_certificate()).value();
  Bytes entry = tbs_digest(certificate, crypto::HashAlgorithm::kSha256);
  entry.resize(48, 0);
  const std::string type = "3bd2a492-96c0-4079-b420-fcf98ef103ed";
  EXPECT_THAT(rules_of(judge_under(dbx_of(type, entry))), ElementsAre("revoked.certificate"));
  entry[0] ^= 1;
  EXPECT_THAT(rules_of(judge_under(dbx_of(type, entry))), ElementsAre());
}

// EFI_VARIABLE_AUTHENTICATION_2 with a signature of five bytes.
Bytes authentication() {
  Bytes bytes(16, 0);  // EFI_TIME
  put_u32_le(bytes, 24 + 5);
  put_u16_le(bytes, 0x0200);
  put_u16_le(bytes, 0x0ef1);
  bytes.resize(16 + 24 + 5, 7);
  return bytes;
}

TEST(Revocations, AreReadBehindTheirAuthentication) {
  Bytes update = authentication();
  put_bytes(update, dbx_of(bootchain::kSha256Signature, hex(kShim)));
  EXPECT_THAT(rules_of(judge_under(update)), ElementsAre("revoked.image"));
}

TEST(Revocations, OfWrongFormAreNamedByTheirPlaceInTheFile) {
  Bytes update = authentication();
  put_bytes(update, dbx_of(bootchain::kSha256Signature, hex(kShim)));
  update.pop_back();
  const auto cut = revocations_from_dbx(update);
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().message, HasSubstr("at offset 73")) << "45 bytes of authentication, 28 of the list's header";
}

TEST(Revocations, OfNothingAreRefused) {
  for (const Bytes& empty : {Bytes(), authentication()}) {
    const auto none = revocations_from_dbx(empty);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::kMalformed);
    EXPECT_THAT(none.error().message, HasSubstr(fmt::format("at offset {}:", empty.size())));
  }
}

TEST(Revocations, OfAnotherKindAreNotOverlooked) {
  const auto refused = [](const Bytes& dbx) { return refusal_of(revocations_from_dbx(dbx)); };
  EXPECT_THAT(refused(dbx_of(bootchain::kSha1Signature, Bytes(20, 1))),
              HasSubstr("a revocation of the type " + std::string(bootchain::kSha1Signature) + " with 20 bytes"));
  EXPECT_THAT(refused(dbx_of(bootchain::kSha256Signature, Bytes(31, 1))), HasSubstr("expected signatures of 48 bytes"));
  EXPECT_THAT(refused(Bytes(30, 1)), HasSubstr("at offset 28: expected signature list"));
  // A certificate as long as there is room for.
  const std::size_t rest = dbx_of(bootchain::kX509Signature, {}).size();
  EXPECT_EQ(refused(dbx_of(bootchain::kX509Signature, Bytes((1U << 20) - rest, 1))), "");
  EXPECT_EQ(refused(dbx_of(bootchain::kX509Signature, Bytes((1U << 20) - rest + 1, 1))),
            "a list of revocations has at most 1 MiB");
}

}  // namespace
}  // namespace slipway::attestation
