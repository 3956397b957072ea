#include "attestation/ima_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "attestation/evidence_for_tests.h"
#include "image/boots_for_tests.h"

namespace slipway::attestation {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One entry of the template ima-sig, as the kernel writes it.
Bytes entry(const std::string& path, const Bytes& digest = Bytes(32, 4)) {
  Bytes data;
  const std::string prefix("sha256:\0", 8);
  put_u32_le(data, static_cast<std::uint32_t>(prefix.size() + digest.size()));
  put_bytes(data, as_bytes(prefix));
  put_bytes(data, digest);
  put_u32_le(data, static_cast<std::uint32_t>(path.size() + 1));
  put_bytes(data, as_bytes(path));
  data.push_back(0);
  put_u32_le(data, 0);
  Bytes out;
  put_u32_le(out, 10);
  put_bytes(out, crypto::digest(crypto::HashAlgorithm::kSha1, data));
  put_u32_le(out, 7);
  put_bytes(out, as_bytes("ima-sig"));
  put_u32_le(out, static_cast<std::uint32_t>(data.size()));
  put_bytes(out, data);
  return out;
}

Bytes violation(const std::string& path) {
  Bytes out = entry(path, Bytes(32, 0));
  std::fill(out.begin() + 4, out.begin() + 24, std::uint8_t{0});
  return out;
}

// A boot of Slipway's own node image, recorded with its quote: the initrd gives IMA its policy, so that the root's own
// programs are not in the log.
SimulatedMachine node_machine() {
  SimulatedMachine machine("boots/slipway-node-verity");
  machine.ima_log = bootchain::read_corpus("boots/slipway-node-verity/ima.bin");
  return machine;
}

// What image::predict says of it, from the image's manifest, Debian's firmware and Debian's variable store.
References node_references() {
  const image::Manifest manifest =
      image::manifest_from_json(as_text(bootchain::read_corpus("boots/slipway-node-verity/manifest.json"))).value();
  const auto prediction =
      image::predict(manifest, image::firmware_of("boots/slipway-node-verity"), image::microsoft_variables());
  EXPECT_TRUE(prediction) << prediction.error().message;
  References references;
  references.predictions = {{*prediction, std::nullopt}};
  references.secure_boot_required = true;
  return references;
}

Verdict judge_with(const std::vector<Bytes>& more, References references = node_references()) {
  SimulatedMachine machine = node_machine();
  for (const Bytes& added : more) put_bytes(machine.ima_log, added);
  return judge(machine, std::move(references));
}

TEST(ImaRules, ARealNodeHasNoFindings) {
  const Verdict verdict = judge_with({});
  EXPECT_THAT(rules_of(verdict), ElementsAre());
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kTrusted);
  EXPECT_GT(bootchain::parse_ima_log(node_machine().ima_log)->size(), 60u);
}

TEST(ImaRules, ModuleFromOutsideOfTheImage) {
  for (const std::string path : {"/tmp/evil.ko", "/var/lib/x/evil.ko.xz", "evil.ko",
                                 "/usr/lib/modules/../../../tmp/x.ko", "/lib/modules/x.ko"}) {
    const Verdict verdict = judge_with({entry(path)});
    ASSERT_THAT(rules_of(verdict), ElementsAre("ima.module")) << path;
    EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
    EXPECT_EQ(verdict.findings[0].component, path);
    EXPECT_EQ(verdict.findings[0].pcr, 10);
    EXPECT_THAT(verdict.findings[0].found, HasSubstr("sha256:0404"));
  }
  EXPECT_THAT(rules_of(judge_with({entry("/usr/lib/modules/6.1.0/kernel/net/x.ko")})), ElementsAre());
}

TEST(ImaRules, FirmwareFromOutsideOfTheImage) {
  EXPECT_THAT(rules_of(judge_with({entry("/var/lib/firmware/x.bin")})), ElementsAre("ima.firmware"));
  EXPECT_EQ(judge_with({entry("/tmp/firmware/x.bin")}).verdict_class, VerdictClass::kUntrusted);
  EXPECT_THAT(rules_of(judge_with({entry("/usr/lib/firmware/x.bin")})), ElementsAre());
}

TEST(ImaRules, KernelForKexecOrAnotherPolicy) {
  for (const std::string path :
       {"/tmp/vmlinuz", "/boot/initrd.img-6.1", "/usr/lib/slipway/ima-policy", "kexec-cmdline"}) {
    const Verdict verdict = judge_with({entry(path)});
    EXPECT_THAT(rules_of(verdict), ElementsAre("ima.kexec")) << path;
    EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
  }
}

// By default a warning: a container's program has the path that it has inside of its container.
TEST(ImaRules, ProgramFromOutsideOfTheRoot) {
  const Verdict verdict = judge_with({entry("/var/tmp/miner")});
  ASSERT_THAT(rules_of(verdict), ElementsAre("ima.program"));
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kTrusted);
  EXPECT_EQ(verdict.findings[0].severity, Severity::kWarning);
  References strict = node_references();
  strict.policy.set(Claim::kImaPrograms, Enforcement::kRequire);
  EXPECT_EQ(judge_with({entry("/var/tmp/miner")}, strict).verdict_class, VerdictClass::kUntrusted);
  EXPECT_EQ(judge_with({entry("/usr/bin/sh")}, strict).verdict_class, VerdictClass::kUntrusted)
      << "the verified root's own programs are not measured, so this one is another's";
}

// Whoever runs the initrd's last program again does not make an initrd of what ran before.
TEST(ImaRules, TheFirstEndOfTheInitrdCounts) {
  const Verdict verdict = judge_with({entry("/var/tmp/miner"), entry("/usr/bin/run-init")});
  ASSERT_THAT(rules_of(verdict), ElementsAre("ima.program", "ima.program"));
  EXPECT_EQ(verdict.findings[0].component, "/var/tmp/miner");
  EXPECT_EQ(verdict.findings[1].component, "/usr/bin/run-init");
}

// What a violation names was not measured: PCR 10 has the same value whatever the log says of it.
TEST(ImaRules, AViolationIsNoBeginningOfTheLog) {
  SimulatedMachine machine = node_machine();
  machine.ima_log = machine.begun_ima_log();
  machine.aggregate_follows = false;
  ASSERT_EQ(judge(machine, node_references()).verdict_class, VerdictClass::kTrusted);
  std::fill(machine.ima_log.begin() + 4, machine.ima_log.begin() + 24, std::uint8_t{0});
  const Verdict verdict = judge(machine, node_references());
  EXPECT_THAT(rules_of(verdict), ElementsAre("ima.aggregate"));
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
}

TEST(ImaRules, AViolationIsNoEndOfTheInitrd) {
  SimulatedMachine machine = node_machine();
  const auto recorded = bootchain::parse_ima_log(machine.ima_log).value();
  machine.ima_log = bootchain::encode_ima_log({recorded.front()});
  put_bytes(machine.ima_log, entry("/tmp/vmlinuz"));
  put_bytes(machine.ima_log, violation("/usr/bin/run-init"));
  EXPECT_THAT(rules_of(judge(machine, node_references())), ElementsAre("ima.kexec", "ima.violation"));
}

TEST(ImaRules, ProgramOfAContainer) {
  const std::string path = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs/bin/sh";
  EXPECT_THAT(rules_of(judge_with({entry(path)})), ElementsAre());
  References none = node_references();
  none.policy.allowed_programs.prefixes.clear();
  EXPECT_THAT(rules_of(judge_with({entry(path)}, none)), ElementsAre("ima.program"));
}

// An allowed folder allows programs, not modules.
TEST(ImaRules, AllowedFoldersAllowNoModules) {
  References references = node_references();
  references.policy.allowed_programs.prefixes = {"/opt/tools/"};
  EXPECT_THAT(rules_of(judge_with({entry("/opt/tools/x.ko")}, references)), ElementsAre("ima.module"));
}

TEST(ImaRules, Violation) {
  const Verdict verdict = judge_with({violation("/var/x")});
  ASSERT_THAT(rules_of(verdict), ElementsAre("ima.violation"));
  EXPECT_EQ(verdict.findings[0].component, "/var/x");
  EXPECT_EQ(verdict.findings[0].severity, Severity::kWarning);
}

TEST(ImaRules, AggregateOfAnotherBoot) {
  SimulatedMachine machine = node_machine();
  machine.aggregate_follows = false;
  machine.append(9, bootchain::kEvIpl, to_bytes("extended after the kernel had started"));
  EXPECT_THAT(rules_of(judge(machine, node_references())), ElementsAre("pcr9.unexpected", "ima.aggregate"));
}

TEST(ImaRules, ALogWithoutItsBeginning) {
  SimulatedMachine machine = node_machine();
  machine.aggregate_follows = false;
  machine.ima_log = entry("/usr/bin/run-init");
  EXPECT_THAT(rules_of(judge(machine, node_references())), ElementsAre("ima.aggregate"));
}

TEST(ImaRules, AnEntryOfAnUnknownTemplate) {
  Bytes strange = entry("/x");
  strange[28] = 'j';
  const Verdict verdict = judge_with({strange});
  EXPECT_THAT(rules_of(verdict), ElementsAre("ima.entry"));
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
}

// A guest cannot fill the verdict, nor write into a terminal.
TEST(ImaRules, FindingsAreBoundedAndPrintable) {
  std::vector<Bytes> many;
  for (int i = 0; i < 40; ++i) many.push_back(entry("/tmp/\x1b[2J" + std::string(1000, 'x') + std::to_string(i)));
  const Verdict verdict = judge_with(many);
  EXPECT_EQ(verdict.findings.size(), 16u);
  for (const Finding& finding : verdict.findings) {
    EXPECT_EQ(finding.component.find('\x1b'), std::string::npos);
    EXPECT_LE(finding.component.size(), 256u);
  }
}

// The order behind the initrd is that of the machine's scheduler.
TEST(ImaRules, OrderMakesNoDifference) {
  std::vector<Bytes> added = {entry("/tmp/a"), entry("/tmp/b.ko"), entry("/usr/lib/modules/x/c.ko"),
                              violation("/var/d"),
                              entry("/run/containerd/io.containerd.runtime.v2.task/k8s.io/e/rootfs/pause")};
  std::vector<std::string> first = rules_of(judge_with(added));
  std::sort(first.begin(), first.end());
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(added.begin(), added.end(), random);
    std::vector<std::string> again = rules_of(judge_with(added));
    std::sort(again.begin(), again.end());
    EXPECT_EQ(again, first);
  }
}

// A kernel that was told to measure everything logs files that root only reads: nothing is said of programs then.
TEST(ImaRules, WithAPolicyOfTheKernelsOwnProgramsAreNotJudged) {
  SimulatedMachine machine = verity_machine();
  put_bytes(machine.ima_log, entry("/var/tmp/read-or-run"));
  EXPECT_THAT(rules_of(judge(machine)), ElementsAre());
  put_bytes(machine.ima_log, entry("/var/tmp/x.ko"));
  EXPECT_THAT(rules_of(judge(machine)), ElementsAre("ima.module"));
}

}  // namespace
}  // namespace slipway::attestation
