#include "attestation/ima_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/text.h"
#include "bootchain/ima_log.h"
#include "crypto/digest.h"

namespace slipway::attestation {
namespace {

using bootchain::ImaMeasurement;
using bootchain::UnverifiedImaEntry;

constexpr int kImaPcr = 10;
constexpr int kLastAggregatedPcr = 9;
constexpr std::size_t kMaximumOfARule = 16;
// No kernel's algorithm has a longer name, nor a longer digest.
constexpr std::size_t kMaximumAlgorithm = 32;
// The last program of the initrd: it gives the machine to the root's init.
constexpr std::string_view kEndOfInitrd = "/usr/bin/run-init";
constexpr std::string_view kModules = "/usr/lib/modules/";
constexpr std::string_view kFirmware = "/usr/lib/firmware/";

constexpr std::string_view kFindOut =
    "Find out who could write or load this file in the node; re-image the node. If it is meant to be there, put it "
    "into "
    "the image, or allow its folder in the policy.";

bool begins_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}
bool climbs(std::string_view path) { return path.find("/../") != std::string_view::npos; }

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_module(std::string_view path) {
  const std::array<std::string_view, 4> endings{".ko", ".ko.xz", ".ko.zst", ".ko.gz"};
  return std::any_of(endings.begin(), endings.end(), [path](std::string_view end) { return ends_with(path, end); });
}

bool is_kexec(std::string_view path) {
  const std::string_view name = file_name(path);
  for (const std::string_view start : {"vmlinu", "bzImage", "initrd.img", "initramfs.img", "initramfs-"})
    if (begins_with(name, start)) return true;
  return name == "initrd" || name == "ima-policy" || name == "kexec-cmdline";
}

class ImaFindings {
 public:
  explicit ImaFindings(std::vector<Finding>& findings) : findings_(findings) {}

  void add(std::string_view rule, std::string component, std::string expected, std::string found, std::string message) {
    if (++counts_[rule] > kMaximumOfARule) return;
    Finding finding;
    finding.rule = std::string(rule);
    finding.pcr = kImaPcr;
    finding.component = std::move(component);
    finding.expected = std::move(expected);
    finding.found = std::move(found);
    finding.message = std::move(message);
    finding.remedy = std::string(kFindOut);
    findings_.push_back(std::move(finding));
  }

 private:
  std::vector<Finding>& findings_;
  std::map<std::string_view, std::size_t> counts_;
};

// The rule that a file breaks by having been loaded from here; empty where it may.
std::string_view broken_rule(std::string_view path, bool in_initrd, bool root_is_measured,
                             const AllowedPaths& allowed) {
  if (is_module(path)) return begins_with(path, kModules) && !climbs(path) ? "" : "ima.module";
  if (path.find("/firmware/") != std::string_view::npos)
    return begins_with(path, kFirmware) && !climbs(path) ? "" : "ima.firmware";
  if (is_kexec(path)) return in_initrd ? "" : "ima.kexec";
  if (in_initrd || root_is_measured || allowed.allows(path)) return "";
  return "ima.program";
}

std::string_view meaning_of(std::string_view rule) {
  if (rule == "ima.module") return "the kernel module {} was loaded from outside of the image";
  if (rule == "ima.firmware") return "the device firmware {} was loaded from outside of the image";
  if (rule == "ima.kexec") return "{} was loaded for kexec or as a policy of IMA, which no node does";
  return "{} was run or mapped from outside of the verified root";
}

void judge_file(const ImaMeasurement& file, bool in_initrd, bool root_is_measured, const AllowedPaths& allowed,
                ImaFindings& findings) {
  const std::string_view rule = broken_rule(file.path, in_initrd, root_is_measured, allowed);
  if (rule.empty()) return;
  const std::string path = printable(file.path);
  findings.add(rule, path, "nothing from outside of the image",
               fmt::format("{}:{}", printable(file.algorithm, kMaximumAlgorithm), bounded_hex(file.digest)),
               fmt::format(fmt::runtime(meaning_of(rule)), path));
}

void judge_aggregate(const bootchain::VerifiedBoot& boot, const std::optional<ImaMeasurement>& first,
                     ImaFindings& findings) {
  crypto::Hasher hasher(crypto::HashAlgorithm::kSha256);
  for (const auto& [pcr, value] : boot.pcrs())
    if (pcr <= kLastAggregatedPcr) hasher.update(value);
  const Bytes expected = hasher.finish();
  if (first && first->path == "boot_aggregate" && first->algorithm == "sha256" && first->digest == expected) return;
  findings.add("ima.aggregate", "boot_aggregate", to_hex(expected),
               first ? fmt::format("{} {}", printable(first->path), bounded_hex(first->digest)) : "no readable entry",
               "the first entry of the kernel's log is not the digest of this boot's PCR 0 to 9, so the log was not "
               "begun by this boot's kernel");
}

}  // namespace

void judge_ima(const bootchain::VerifiedBoot& boot, bool root_is_measured, const AllowedPaths& allowed_programs,
               std::vector<Finding>& findings) {
  const std::vector<UnverifiedImaEntry>& entries = boot.ima_entries();
  if (entries.empty()) return;
  ImaFindings found(findings);
  std::vector<std::optional<ImaMeasurement>> files;
  files.reserve(entries.size());
  std::size_t behind_initrd = 0;
  for (std::size_t at = 0; at < entries.size(); ++at) {
    auto file = bootchain::read_ima_measurement(entries[at]);
    if (!file && !entries[at].violation)
      found.add("ima.entry", fmt::format("entry {} of the IMA log", at), "the digest and path of a file", "",
                fmt::format("entry {} of the kernel's log cannot be read: {}", at, file.error().message));
    // PCR 10 does not hold a violation's data, so that nothing is excused by them.
    const bool vouched_for = file && !entries[at].violation;
    if (vouched_for && behind_initrd == 0 && file->path == kEndOfInitrd) behind_initrd = at + 1;
    files.push_back(file ? std::optional<ImaMeasurement>(*std::move(file)) : std::nullopt);
  }
  judge_aggregate(boot, entries.front().violation ? std::nullopt : files.front(), found);
  for (std::size_t at = 1; at < entries.size(); ++at) {
    if (entries[at].violation) {
      const std::string path = files[at] ? printable(files[at]->path) : fmt::format("entry {} of the IMA log", at);
      found.add("ima.violation", path, "no violation", "violation",
                fmt::format("{} was written while it was measured, so nobody knows what of it ran", path));
      continue;
    }
    if (files[at]) judge_file(*files[at], at < behind_initrd, root_is_measured, allowed_programs, found);
  }
}

}  // namespace slipway::attestation
