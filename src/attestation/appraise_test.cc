#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "attestation/evidence_for_tests.h"
#include "bootchain/efi_variable.h"

namespace slipway::attestation {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Every finding must help its reader.
void expect_words(const Verdict& verdict) {
  for (const Finding& finding : verdict.findings) {
    EXPECT_FALSE(finding.message.empty()) << finding.rule;
    EXPECT_FALSE(finding.remedy.empty()) << finding.rule;
    EXPECT_FALSE(finding.component.empty()) << finding.rule;
  }
}

void expect_untrusted(const SimulatedMachine& machine, const std::string& rule,
                      const References& reference = verity_references()) {
  const Verdict verdict = judge(machine, reference);
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
  EXPECT_THAT(rules_of(verdict), ElementsAre(rule));
  expect_words(verdict);
}

void expect_broken(const UnverifiedEvidence& evidence, const Expectation& expectation, const std::string& rule) {
  const auto appraiser = Appraiser::make(verity_references());
  const Appraisal appraisal = appraiser->appraise(evidence, expectation, {kNow, kNow, {}, std::nullopt, false});
  const Verdict& verdict = appraisal.verdict;
  EXPECT_FALSE(appraisal.sighting);
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kEvidenceBroken);
  EXPECT_THAT(rules_of(verdict), ElementsAre(rule));
  EXPECT_TRUE(verdict.components.empty());
  EXPECT_FALSE(verdict.secure_boot);
  expect_words(verdict);
}

TEST(Appraise, TrustsARealBoot) {
  const Verdict verdict = judge(verity_machine());
  EXPECT_THAT(rules_of(verdict), ElementsAre());
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kTrusted);
  EXPECT_TRUE(verdict.secure_boot);
  EXPECT_EQ(verdict.appraised, kNow);
  std::vector<std::string> names;
  for (const Component& component : verdict.components) {
    names.push_back(component.name);
    EXPECT_TRUE(component.matches) << component.name;
    EXPECT_FALSE(component.measurement.empty()) << component.name;
  }
  EXPECT_THAT(names, ElementsAre("firmware", "secure boot", "partition table", "shim", "grub", "grubConfig", "kernel",
                                 "initrd", "kernel command line", "root file system"));
  EXPECT_EQ(verdict.components[0].origin, "calibrated");
  EXPECT_THAT(verdict.components[1].signer, HasSubstr("Microsoft Corporation UEFI CA 2011"));
}

// The evidence as swtpm signed it, under its own key: nothing of it is made here.
TEST(Appraise, TrustsTheQuoteOfARealTpm) {
  const auto key = crypto::PublicKey::from_pem(as_text(bootchain::read_corpus("boots/debian12-ovmf-verity/ak.pub")));
  ASSERT_TRUE(key);
  const auto body = tpm::parse_quote(bootchain::read_corpus("boots/debian12-ovmf-verity/q.msg"));
  ASSERT_TRUE(body);
  UnverifiedEvidence evidence{bootchain::read_corpus("boots/debian12-ovmf-verity/q.msg"),
                              bootchain::read_corpus("boots/debian12-ovmf-verity/q.sig"),
                              bootchain::read_corpus("boots/debian12-ovmf-verity/log.bin"),
                              bootchain::read_corpus("boots/debian12-ovmf-verity/ima.bin")};
  const Expectation expectation{body->extra_data,
                                tpm::marshal_public_area(tpm::attestation_key_area(key->rsa_numbers().value())),
                                expected_pcrs()};
  const Verdict verdict = Appraiser::make(verity_references())
                              ->appraise(evidence, expectation, {kNow, kNow, {}, std::nullopt, false})
                              .verdict;
  EXPECT_THAT(rules_of(verdict), ElementsAre());
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kTrusted);
}

TEST(Appraise, AttestationKeyThatIsNotRestricted) {
  const SimulatedMachine machine = verity_machine();
  Expectation expectation = machine.expectation();
  auto area = tpm::attestation_key_area(machine.key.public_key().p256_point().value());
  area.attributes &= ~static_cast<std::uint32_t>(tpm::kRestricted);
  expectation.attestation_key = tpm::marshal_public_area(area);
  expect_broken(machine.evidence(), expectation, "quote.attestationKey");
}

TEST(Appraise, QuoteSignatureOfAnotherKey) {
  const SimulatedMachine machine = verity_machine();
  expect_broken(machine.evidence(), verity_machine().expectation(), "quote.signature");
}

TEST(Appraise, QuoteBodyChangedAfterSigning) {
  const SimulatedMachine machine = verity_machine();
  UnverifiedEvidence evidence = machine.evidence();
  evidence.attest.back() ^= 1;
  expect_broken(evidence, machine.expectation(), "quote.signature");
}

TEST(Appraise, QuoteMagicOfDataThatNoTpmGenerated) {
  const SimulatedMachine machine = verity_machine();
  Bytes attest = machine.evidence().attest;
  attest[0] = 0;
  expect_broken(machine.sign(attest), machine.expectation(), "quote.magic");
}

TEST(Appraise, QuoteMagicOfAnotherAttestation) {
  const SimulatedMachine machine = verity_machine();
  Bytes attest = machine.evidence().attest;
  attest[5] = 0x17;  // TPM_ST_ATTEST_CERTIFY
  expect_broken(machine.sign(attest), machine.expectation(), "quote.magic");
}

TEST(Appraise, QuoteFormTruncated) {
  const SimulatedMachine machine = verity_machine();
  Bytes attest = machine.evidence().attest;
  attest.pop_back();
  expect_broken(machine.sign(attest), machine.expectation(), "quote.form");
}

TEST(Appraise, QuoteNonceOfAnotherChallenge) {
  const SimulatedMachine machine = verity_machine();
  Expectation expectation = machine.expectation();
  expectation.qualifying_data[31] ^= 1;
  expect_broken(machine.evidence(), expectation, "quote.nonce");
}

TEST(Appraise, QuoteSelectionWithoutAPcr) {
  SimulatedMachine machine = verity_machine();
  machine.quoted_pcrs.erase(machine.quoted_pcrs.begin() + 9);
  expect_broken(machine.evidence(), machine.expectation(), "quote.selection");
}

TEST(Appraise, QuoteSelectionWithABankTwice) {
  SimulatedMachine machine = verity_machine();
  machine.change_quote = [](tpm::QuoteBody& body) { body.selections.push_back(body.selections[0]); };
  expect_broken(machine.evidence(), machine.expectation(), "quote.selection");
}

TEST(Appraise, QuoteSelectionOfAnotherBank) {
  SimulatedMachine machine = verity_machine();
  machine.change_quote = [](tpm::QuoteBody& body) { body.selections[0].hash = tpm::kAlgSha1; };
  expect_broken(machine.evidence(), machine.expectation(), "quote.selection");
}

TEST(Appraise, LogFormOfATruncatedLog) {
  const SimulatedMachine machine = verity_machine();
  UnverifiedEvidence evidence = machine.evidence();
  evidence.firmware_event_log.pop_back();
  expect_broken(evidence, machine.expectation(), "log.form");
}

TEST(Appraise, LogFormOfChangedData) {
  const SimulatedMachine machine = verity_machine();
  SimulatedMachine forged = machine;
  forged.event(7, "Microsoft").data[500] ^= 1;
  expect_broken(forged.evidence(), machine.expectation(), "log.form");
}

TEST(Appraise, ImaFormOfATruncatedLog) {
  const SimulatedMachine machine = verity_machine();
  UnverifiedEvidence evidence = machine.evidence();
  evidence.ima_log.pop_back();
  expect_broken(evidence, machine.expectation(), "ima.form");
}

TEST(Appraise, LogReplayOfALogOfAnotherBoot) {
  const SimulatedMachine machine = verity_machine();
  SimulatedMachine other = machine;
  other.remove(9, std::string(kInitrd));
  UnverifiedEvidence evidence = machine.evidence();
  evidence.firmware_event_log = other.evidence().firmware_event_log;
  expect_broken(evidence, machine.expectation(), "log.replay");
}

TEST(Appraise, LogReplayWithoutTheImaLog) {
  const SimulatedMachine machine = verity_machine();
  UnverifiedEvidence evidence = machine.evidence();
  evidence.ima_log.clear();
  expect_broken(evidence, machine.expectation(), "log.replay");
}

TEST(Appraise, LogReplayOfAPcrExtendedBehindTheLog) {
  for (const int pcr : {0, 4, 8, 10, 12, 15}) {
    SimulatedMachine machine = verity_machine();
    machine.unlogged = {{pcr, Bytes(32, 7)}};
    expect_broken(machine.evidence(), machine.expectation(), "log.replay");
  }
}

// The PEI volume's digest is known only where the firmware was calibrated.
References not_calibrated() {
  References references = verity_references();
  for (image::PredictedEvent& event : references.predictions.at(0).prediction.events) {
    if (event.origin != image::Origin::kCalibrated) continue;
    event.sha256.clear();
    return references;
  }
  return {};
}

TEST(Appraise, ReferenceMissing) {
  const Verdict verdict = judge(verity_machine(), {});
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kReferenceValuesMissing);
  EXPECT_THAT(rules_of(verdict), ElementsAre("reference.missing"));
  EXPECT_EQ(verdict.prediction, "");
  EXPECT_TRUE(verdict.secure_boot);
  expect_words(verdict);
}

TEST(Appraise, Pcr0ReferenceMissing) {
  const Verdict verdict = judge(verity_machine(), not_calibrated());
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kReferenceValuesMissing);
  EXPECT_THAT(rules_of(verdict), ElementsAre("pcr0.referenceMissing"));
  EXPECT_FALSE(verdict.components.at(0).matches);
  expect_words(verdict);
}

// A broken rule weighs more than a missing reference value.
TEST(Appraise, MissingReferenceValuesDoNotHideABrokenRule) {
  SimulatedMachine machine = verity_machine();
  machine.event(9, std::string(kInitrd)).digests[0].digest[0] ^= 1;
  EXPECT_EQ(judge(machine, not_calibrated()).verdict_class, VerdictClass::kUntrusted);
}

TEST(Appraise, Pcr0OfOtherFirmware) {
  SimulatedMachine machine = verity_machine();
  machine.event(0, "98e1adf6b161fbaaf6ac371f5ea1326afafb39826795a5da8e26160cd76389cd").digests[0].digest[0] ^= 1;
  expect_untrusted(machine, "pcr0.firmware");
}

TEST(Appraise, Pcr1AnythingButBootEntries) {
  SimulatedMachine machine = verity_machine();
  machine.append(1, bootchain::kEvIpl, to_bytes("something"));
  expect_untrusted(machine, "pcr1.unexpected");
}

TEST(Appraise, Pcr1BootEntriesMayVary) {
  SimulatedMachine machine = verity_machine();
  bootchain::UnverifiedEvent& entry =
      machine.event(1, "e0cb19ca992a1039ba743bb99cec01c1c53c194904ceb05bff5c18ba8f586117");
  auto variable = bootchain::decode_variable_data(entry.data).value();
  ASSERT_EQ(variable.name, "BootOrder");
  std::swap(variable.value[0], variable.value[2]);
  entry.data = bootchain::encode_variable_data(variable);
  entry.digests[0].digest = crypto::sha256(variable.value);
  EXPECT_EQ(judge(machine).verdict_class, VerdictClass::kTrusted);
}

// An entry with words for a loader would start something by name.
TEST(Appraise, Pcr1BootEntriesOutsideOfTheClosedTable) {
  SimulatedMachine machine = verity_machine();
  bootchain::UnverifiedEvent& entry =
      machine.event(1, "e0cb19ca992a1039ba743bb99cec01c1c53c194904ceb05bff5c18ba8f586117");
  auto variable = bootchain::decode_variable_data(entry.data).value();
  variable.value.push_back(9);
  entry.data = bootchain::encode_variable_data(variable);
  entry.digests[0].digest = crypto::sha256(variable.value);
  expect_untrusted(machine, "pcr1.unexpected");
}

TEST(Appraise, Pcr2And3And6AnythingButASeparator) {
  for (const std::uint32_t pcr : {2u, 3u, 6u}) {
    SimulatedMachine machine = verity_machine();
    machine.append(pcr, bootchain::kEvEfiBootServicesDriver, to_bytes("rom"));
    expect_untrusted(machine, "pcr" + std::to_string(pcr) + ".unexpected");
  }
}

TEST(Appraise, SeparatorMissingOrTwice) {
  SimulatedMachine twice = verity_machine();
  twice.append(6, bootchain::kEvSeparator, Bytes(4, 0));
  expect_untrusted(twice, "pcr6.separator");
  SimulatedMachine missing = verity_machine();
  missing.remove(6, to_hex(crypto::sha256(Bytes(4, 0))));
  expect_untrusted(missing, "pcr6.separator");
}

TEST(Appraise, Pcr4ShimGrubAndKernel) {
  struct Image {
    std::string_view digest;
    std::string path, signer;
  };
  const std::vector<Image> images{{kShim, "/EFI/BOOT/BOOTX64.EFI", "CN=MS"},
                                  {kGrub, "/EFI/BOOT/grubx64.efi", ""},
                                  {kKernel, "/EFI/debian/vmlinuz", "CN=Debian Secure Boot Signer 2022 - linux"}};
  for (const Image& image : images) {
    SimulatedMachine machine = verity_machine();
    machine.event(4, std::string(image.digest)).digests[0].digest[0] ^= 1;
    const Verdict verdict = judge(machine);
    ASSERT_EQ(verdict.findings.size(), 1u) << image.path;
    EXPECT_THAT(verdict.findings[0].rule, HasSubstr("pcr4."));
    EXPECT_EQ(verdict.findings[0].component, image.path);
    EXPECT_EQ(verdict.findings[0].signer, image.signer);
    EXPECT_EQ(verdict.findings[0].expected, image.digest);
    EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
  }
}

TEST(Appraise, Pcr4AnImageMore) {
  SimulatedMachine machine = verity_machine();
  machine.append(4, bootchain::kEvEfiBootServicesApplication, to_bytes("evil.efi"));
  expect_untrusted(machine, "pcr4.unexpected");
}

// The log may call an image an action: what counts is its digest.
TEST(Appraise, Pcr4AnImageThatTheLogCallsSomethingElse) {
  SimulatedMachine machine = verity_machine();
  machine.append(4, bootchain::kEvIpl, to_bytes("Calling EFI Application from Boot Option?"));
  expect_untrusted(machine, "pcr4.unexpected");
}

TEST(Appraise, Pcr4AnImageMissing) {
  SimulatedMachine machine = verity_machine();
  machine.remove(4, std::string(kKernel));
  expect_untrusted(machine, "pcr4.kernel");
}

TEST(Appraise, Pcr5AnotherPartitionTable) {
  SimulatedMachine machine = verity_machine();
  bootchain::UnverifiedEvent& event = machine.event(5, "EFI PART");
  event.data[120] ^= 1;
  event.digests[0].digest = crypto::sha256(event.data);
  expect_untrusted(machine, "pcr5.partitionTable");
}

void set_grub_text(bootchain::UnverifiedEvent& event, const std::string& prefix, const std::string& text) {
  event.data = to_bytes(prefix + text);
  event.data.push_back(0);
  event.digests[0].digest = crypto::sha256(as_bytes(text));
}

TEST(Appraise, Pcr8AnotherKernelCommandLine) {
  SimulatedMachine machine = verity_machine();
  set_grub_text(machine.event(8, "kernel_cmdline"), "kernel_cmdline: ", "(hd0,gpt1)/EFI/debian/vmlinuz init=/bin/sh");
  const Verdict verdict = judge(machine);
  ASSERT_THAT(rules_of(verdict), ElementsAre("pcr8.kernelCommandLine"));
  EXPECT_THAT(verdict.findings[0].found, HasSubstr("init=/bin/sh"));
  EXPECT_FALSE(verdict.components.back().matches) << "the root file system rests on the command line";
}

TEST(Appraise, Pcr8ACommandMore) {
  SimulatedMachine machine = verity_machine();
  bootchain::UnverifiedEvent more = machine.event(8, "grub_cmd: initrd");
  set_grub_text(more, "grub_cmd: ", "initrd (hd0,gpt1)/EFI/debian/evil");
  machine.log.events.insert(
      machine.log.events.begin() + (&machine.event(8, "grub_cmd: boot") - machine.log.events.data()), more);
  const Verdict verdict = judge(machine);
  ASSERT_THAT(rules_of(verdict), ElementsAre("pcr8.unexpected"));
  EXPECT_THAT(verdict.findings[0].message, HasSubstr("/EFI/debian/evil"));
}

TEST(Appraise, Pcr8ACommandMissing) {
  SimulatedMachine machine = verity_machine();
  machine.remove(8, "set timeout=0");
  expect_untrusted(machine, "pcr8.command");
}

TEST(Appraise, Pcr8CommandsInAnotherOrder) {
  SimulatedMachine machine = verity_machine();
  std::swap(machine.event(8, "set timeout=0"), machine.event(8, "grub_cmd: linux"));
  EXPECT_THAT(rules_of(judge(machine)), ElementsAre("pcr8.command", "pcr8.command"));
}

TEST(Appraise, Pcr9GrubConfigKernelAndInitrd) {
  const image::Manifest manifest = verity_manifest();
  for (const auto role :
       {image::BootFileRole::kGrubConfig, image::BootFileRole::kKernel, image::BootFileRole::kInitrd}) {
    const image::BootFile& file = *find_boot_file(manifest, role);
    SimulatedMachine machine = verity_machine();
    machine.event(9, to_hex(file.sha256)).digests[0].digest[0] ^= 1;
    const Verdict verdict = judge(machine);
    ASSERT_EQ(verdict.findings.size(), 1u);
    EXPECT_EQ(verdict.findings[0].rule, "pcr9." + std::string(to_string(role)));
    EXPECT_EQ(verdict.findings[0].component, file.path);
    EXPECT_EQ(verdict.findings[0].package, file.package);
    for (const Component& component : verdict.components) {
      const bool rests_on_it = component.name == to_string(role) ||
                               (role == image::BootFileRole::kInitrd && component.name == "root file system");
      EXPECT_EQ(component.matches, !rests_on_it) << component.name;
    }
  }
}

TEST(Appraise, Pcr9ASecondInitrd) {
  SimulatedMachine machine = verity_machine();
  machine.append(9, bootchain::kEvIpl, to_bytes("(hd0,gpt1)/EFI/debian/evil"));
  expect_untrusted(machine, "pcr9.unexpected");
}

TEST(Appraise, Pcr11To15ExtendedWithAnEventOfTheirOwn) {
  for (const std::uint32_t pcr : {11u, 12u, 13u, 15u}) {
    SimulatedMachine machine = verity_machine();
    machine.append(pcr, bootchain::kEvIpl, to_bytes("phase"));
    expect_untrusted(machine, "pcr" + std::to_string(pcr) + ".unexpected");
  }
}

TEST(Appraise, Pcr10InTheFirmwareLog) {
  SimulatedMachine machine = verity_machine();
  machine.append(10, bootchain::kEvIpl, to_bytes("instead of IMA"));
  expect_untrusted(machine, "pcr10.unexpected");
}

TEST(Appraise, Pcr14AnEnrolledMachineOwnerKey) {
  SimulatedMachine machine = verity_machine();
  machine.event(14, "342c88bb9fde2c45eeaa17321262b089181e7e841ef5a4a5e8ed240920026f97").digests[0].digest[0] ^= 1;
  expect_untrusted(machine, "pcr14.machineOwnerKeys");
}

}  // namespace
}  // namespace slipway::attestation
