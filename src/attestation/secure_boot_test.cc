#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "attestation/evidence_for_tests.h"
#include "bootchain/efi_variable.h"
#include "bootchain/replay.h"
#include "image/boots_for_tests.h"

namespace slipway::attestation {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Changes a variable as another variable store would: the event's digest follows.
void set_variable(bootchain::UnverifiedEvent& event, const std::function<void(bootchain::EfiVariable&)>& change) {
  auto variable = bootchain::decode_variable_data(event.data).value();
  change(variable);
  event.data = bootchain::encode_variable_data(variable);
  event.digests[0].digest = crypto::sha256(event.data);
}

constexpr const char* kSecureBootEvent = "ccfc4bb32888a345bc8aeadaba552b627d99348c767681ab3141f5b01e40a40e";
constexpr const char* kDbEvent = "644aacf6f4015125233c459bc9e40f3fc82ccd14abb047dc50b7913c8095d1d7";
constexpr const char* kDbAuthority = "4d4a8e2c74133bbdc01a16eaf2dbb5d575afeb36f5d8dfcf609ae043909e2ee9";
constexpr const char* kSbatEvent = "ef611239b24f977f968379a9c9547b8da480557b8e0b2a83c66b3cea6034b330";
constexpr const char* kVendorEvent = "23b2707ff70880b82fad7c96835b1b287e5d0663885d801a98badefb831fb2dd";

TEST(SecureBoot, DisabledWhereItIsRequired) {
  SimulatedMachine machine = verity_machine();
  set_variable(machine.event(7, kSecureBootEvent), [](auto& variable) { variable.value = {0}; });
  const Verdict verdict = judge(machine);
  EXPECT_FALSE(verdict.secure_boot);
  EXPECT_THAT(rules_of(verdict), Contains("secureBoot.disabled"));
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
}

// A guest may extend PCR 7 after the boot and log what it likes behind the separator.
TEST(SecureBoot, ASecondVariableBehindTheSeparatorDoesNotTurnItOn) {
  SimulatedMachine machine = verity_machine();
  bootchain::UnverifiedEvent forged = machine.event(7, kSecureBootEvent);
  set_variable(machine.event(7, kSecureBootEvent), [](auto& variable) { variable.value = {0}; });
  machine.log.events.push_back(forged);
  const Verdict verdict = judge(machine);
  EXPECT_FALSE(verdict.secure_boot);
  EXPECT_THAT(rules_of(verdict), Contains("secureBoot.unexpected"));
}

// Relabelling the real variable's event does not hide it: PCR 7 must begin with it.
TEST(SecureBoot, VariablesUnderAnotherType) {
  SimulatedMachine machine = verity_machine();
  machine.event(7, kSecureBootEvent).type = bootchain::kEvIpl;
  const Verdict verdict = judge(machine);
  EXPECT_FALSE(verdict.secure_boot);
  EXPECT_THAT(rules_of(verdict), Contains("secureBoot.variables"));
}

TEST(SecureBoot, VariablesMissing) {
  SimulatedMachine machine = verity_machine();
  machine.remove(7, kDbEvent);
  EXPECT_THAT(rules_of(judge(machine)), Contains("secureBoot.variables"));
}

TEST(SecureBoot, VariablesOfAnotherStore) {
  SimulatedMachine machine = verity_machine();
  const int index = machine.event(7, kDbEvent).index;
  set_variable(machine.event(7, kDbEvent), [](auto& variable) { variable.value.push_back(0); });
  const Verdict verdict = judge(machine);
  ASSERT_THAT(rules_of(verdict), ElementsAre("secureBoot.variables"));
  EXPECT_EQ(verdict.findings[0].component, "db");
  EXPECT_THAT(verdict.findings[0].message, HasSubstr("EFI variable db"));
  EXPECT_EQ(verdict.findings[0].event, index);
}

TEST(SecureBoot, AuthorityThatDoesNotStandInDb) {
  SimulatedMachine machine = verity_machine();
  set_variable(machine.event(7, kDbAuthority), [](auto& variable) { variable.value[100] ^= 1; });
  EXPECT_THAT(rules_of(judge(machine)), Contains("secureBoot.authority"));
}

TEST(SecureBoot, AuthorityMissing) {
  SimulatedMachine machine = verity_machine();
  machine.remove(7, kDbAuthority);
  EXPECT_THAT(rules_of(judge(machine)), Contains("secureBoot.authority"));
}

TEST(SecureBoot, AuthorityOfAnotherVendor) {
  SimulatedMachine machine = verity_machine();
  set_variable(machine.event(7, kVendorEvent), [](auto& variable) { variable.value[100] ^= 1; });
  EXPECT_THAT(rules_of(judge(machine)), ElementsAre("secureBoot.authority"));
}

TEST(SecureBoot, SbatLevelThatThisShimDoesNotSet) {
  SimulatedMachine machine = verity_machine();
  set_variable(machine.event(7, kSbatEvent), [](auto& variable) { variable.value = to_bytes("sbat,1,2021030218\n"); });
  EXPECT_THAT(rules_of(judge(machine)), ElementsAre("secureBoot.sbat"));
}

TEST(SecureBoot, UnexpectedAuthority) {
  SimulatedMachine machine = verity_machine();
  machine.append(7, bootchain::kEvEfiVariableAuthority, machine.event(7, kVendorEvent).data);
  EXPECT_THAT(rules_of(judge(machine)), ElementsAre("secureBoot.unexpected"));
}

// Two boots of one disk, with Secure Boot and without, against the manifest of that disk. The manifest was written
// after them, and PCR 0 is held to the log's own events, so they say nothing of the firmware.
class RecordedBoot : public ::testing::TestWithParam<const char*> {
 protected:
  std::string folder() const { return std::string("boots/debian12-ovmf-minimal-secureboot-") + GetParam(); }

  bool secure_boot() const { return std::string(GetParam()) == "on"; }

  image::Manifest manifest() const {
    return image::manifest_from_json(as_text(bootchain::read_corpus(folder() + "/manifest.json"))).value();
  }
  References references() const {
    const auto variables = secure_boot() ? image::microsoft_variables() : std::vector<bootchain::StoredVariable>{};
    const auto prediction = image::predict(manifest(), image::firmware_of(folder()), variables);
    EXPECT_TRUE(prediction) << prediction.error().message;
    References values;
    values.predictions = {{*prediction, std::nullopt}};
    return values;
  }
};

TEST_P(RecordedBoot, IsWhatItsManifestSays) {
  const Verdict verdict = judge(SimulatedMachine(folder()), references());
  EXPECT_THAT(rules_of(verdict), ElementsAre());
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kTrusted);
  EXPECT_EQ(verdict.secure_boot, std::string(GetParam()) == "on");
  for (const Component& component : verdict.components) EXPECT_TRUE(component.matches) << component.name;
}

TEST_P(RecordedBoot, ReplaysToThePcrsThatTheKernelShowed) {
  const SimulatedMachine machine(folder());
  const auto values = bootchain::replay(machine.log, bootchain::kSha256Bank).value();
  std::istringstream shown{std::string(as_text(bootchain::read_corpus(folder() + "/pcrs")))};
  std::string bank, value;
  int compared = 0;
  for (int pcr = 0; shown >> bank >> pcr >> value;) {
    if (pcr == 10) continue;
    ++compared;
    const auto found = values.find(pcr);
    EXPECT_EQ(found == values.end() ? std::string(64, '0') : to_hex(found->second), value) << pcr;
  }
  EXPECT_EQ(compared, 15);
}

TEST_P(RecordedBoot, WithoutSecureBootIsRefusedWhereItIsRequired) {
  References values = references();
  values.secure_boot_required = true;
  const Verdict verdict = judge(SimulatedMachine(folder()), values);
  EXPECT_EQ(verdict.verdict_class, std::string(GetParam()) == "on" ? VerdictClass::kTrusted : VerdictClass::kUntrusted);
}

// Without Secure Boot the kernel stands in PCR 9 alone; it is still held there.
TEST_P(RecordedBoot, WithAnotherKernelIsRefused) {
  SimulatedMachine machine(folder());
  const References values = references();
  const image::Manifest files = manifest();
  const auto& kernel = *find_boot_file(files, image::BootFileRole::kKernel);
  machine.event(9, to_hex(kernel.sha256)).digests[0].digest[0] ^= 1;
  const Verdict verdict = judge(machine, values);
  ASSERT_THAT(rules_of(verdict), ElementsAre("pcr9.kernel"));
  for (const Component& component : verdict.components) {
    if (component.name == "kernel") {
      EXPECT_FALSE(component.matches);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Minimal, RecordedBoot, ::testing::Values("on", "off"));

}  // namespace
}  // namespace slipway::attestation
