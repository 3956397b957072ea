#include <fmt/format.h>

#include <algorithm>

#include "attestation/rules.h"
#include "crypto/digest.h"

namespace slipway::attestation {
namespace {

using bootchain::VerifiedBoot;
using image::BootFile;
using image::BootFileRole;
using image::Manifest;

std::string first_signer(const BootFile& file) { return file.signers.empty() ? "" : file.signers.front(); }

ExpectedEvent expect_file(int pcr, const BootFile& file, const Bytes& digest) {
  return {fmt::format("pcr{}.{}", pcr, to_string(file.role)), file.path, digest, "", file.package, first_signer(file)};
}

// What one PCR showed, by what it should have shown.
struct Judged {
  std::vector<ExpectedEvent> expected;
  SequenceResult result;

  // All events of this component are as expected.
  bool matches(std::string_view component) const {
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (expected[i].component == component && !result.matches[i]) return false;
    return true;
  }
  // What the log has for it: where it differs, the differing digest.
  std::string measurement(std::string_view component) const {
    std::string found;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (expected[i].component != component) continue;
      found = to_hex(result.found[i]);
      if (!result.matches[i]) break;
    }
    return found;
  }
};

Judged judge(const VerifiedBoot& boot, int pcr, std::vector<ExpectedEvent> expected, Verdict& verdict) {
  const auto events = without_constants(boot.events_of(static_cast<std::uint32_t>(pcr)));
  SequenceResult result = compare_sequence(pcr, events, expected, verdict.findings);
  return {std::move(expected), std::move(result)};
}

std::vector<ExpectedEvent> expected_images(const Manifest& manifest, bool secure_boot) {
  std::vector<ExpectedEvent> expected;
  for (const BootFileRole role : {BootFileRole::kShim, BootFileRole::kGrub}) {
    const BootFile& file = *find_boot_file(manifest, role);
    expected.push_back(expect_file(4, file, file.authenticode_sha256));
  }
  // Under Secure Boot GRUB asks shim about the kernel when it opens the file and again before it starts it, and shim
  // measures what it is asked about. Without, GRUB asks nobody, and the kernel stands in PCR 9 alone.
  if (secure_boot) {
    const BootFile& kernel = *find_boot_file(manifest, BootFileRole::kKernel);
    expected.insert(expected.end(), 2, expect_file(4, kernel, kernel.authenticode_sha256));
  }
  return expected;
}

constexpr std::string_view kKernelCommandLine = "kernel command line";

bool loads_kernel(std::string_view command) {
  return command.compare(0, 6, "linux ") == 0 || command.compare(0, 9, "linuxefi ") == 0;
}

std::vector<ExpectedEvent> expected_commands(const Manifest& manifest) {
  std::vector<ExpectedEvent> expected;
  const BootFile& config = *find_boot_file(manifest, BootFileRole::kGrubConfig);
  for (const std::string& command : manifest.grub_commands) {
    expected.push_back(
        {"pcr8.command", "GRUB command " + command, crypto::sha256(as_bytes(command)), command, config.package, ""});
    if (loads_kernel(command))
      expected.push_back({"pcr8.kernelCommandLine", std::string(kKernelCommandLine),
                          crypto::sha256(as_bytes(manifest.kernel_command_line)), manifest.kernel_command_line,
                          config.package, ""});
  }
  return expected;
}

std::vector<ExpectedEvent> expected_files(const Manifest& manifest) {
  std::vector<ExpectedEvent> expected;
  for (const BootFileRole role : {BootFileRole::kGrubConfig, BootFileRole::kKernel, BootFileRole::kInitrd}) {
    const BootFile& file = *find_boot_file(manifest, role);
    expected.push_back(expect_file(9, file, file.sha256));
  }
  return expected;
}

Component describe(const BootFile& file, int pcr, const Judged& judged) {
  return {std::string(to_string(file.role)), file.path,          file.package, pcr,
          judged.measurement(file.path),     first_signer(file), "computed",   judged.matches(file.path)};
}

// The root file system is what the kernel's command line says, if the initrd that enforces it is the image's own.
Component describe_root(const Manifest& manifest, const Judged& commands, const Judged& files) {
  const std::string root_hash = to_hex(manifest.root_hash);
  const bool named = manifest.kernel_command_line.find("slipway.roothash=" + root_hash) != std::string::npos;
  const BootFile& initrd = *find_boot_file(manifest, BootFileRole::kInitrd);
  return {
      "root file system", "", "",         8,
      root_hash,          "", "computed", named && commands.matches(kKernelCommandLine) && files.matches(initrd.path)};
}

}  // namespace

void judge_boot_chain(const VerifiedBoot& boot, const ReferenceValues& reference, Verdict& verdict) {
  const Manifest& manifest = reference.manifest;
  const Judged images = judge(boot, 4, expected_images(manifest, verdict.secure_boot), verdict);
  const Judged table =
      judge(boot, 5, {{"pcr5.partitionTable", "partition table", manifest.gpt_event_sha256, "", "", ""}}, verdict);
  const Judged commands = judge(boot, 8, expected_commands(manifest), verdict);
  const Judged files = judge(boot, 9, expected_files(manifest), verdict);

  verdict.components.push_back({"partition table", "", "", 5, table.measurement("partition table"), "", "computed",
                                table.matches("partition table")});
  for (const BootFile& file : manifest.boot_files) {
    const bool in_pcr4 = file.role == BootFileRole::kShim || file.role == BootFileRole::kGrub ||
                         (file.role == BootFileRole::kKernel && verdict.secure_boot);
    verdict.components.push_back(in_pcr4 ? describe(file, 4, images) : describe(file, 9, files));
    if (file.role == BootFileRole::kKernel && !files.matches(file.path)) verdict.components.back().matches = false;
  }
  const BootFile& config = *find_boot_file(manifest, BootFileRole::kGrubConfig);
  verdict.components.push_back({std::string(kKernelCommandLine), config.path, config.package, 8,
                                commands.measurement(kKernelCommandLine), "", "computed",
                                commands.matches(kKernelCommandLine)});
  verdict.components.push_back(describe_root(manifest, commands, files));
}

}  // namespace slipway::attestation
