#include "attestation/continuity.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::attestation {
namespace {

// "Timing Components": a TPM keeps its clock in non-volatile memory at least each 2^22 ms.
constexpr std::uint64_t kMaximumLossOfClock = 1U << 22;
constexpr milliseconds kAheadTolerance = std::chrono::minutes(2);
constexpr int kAheadPart = 4;

constexpr std::string_view kReimage =
    "Two states of this node's TPM exist, or it was thrown back to an old one: a restored snapshot or backup, a copied "
    "vTPM, or TPM2_Clear in the guest. Re-image the node, which makes a new TPM, and find out who could read its "
    "state.";

Finding finding_of(std::string rule, std::string expected, std::string found, std::string message,
                   std::string_view remedy = kReimage) {
  Finding finding;
  finding.rule = std::move(rule);
  finding.component = "TPM";
  finding.expected = std::move(expected);
  finding.found = std::move(found);
  finding.message = std::move(message);
  finding.remedy = std::string(remedy);
  return finding;
}

// How far a count went, modulo 2^32; negative: back.
std::int32_t advance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

Finding rollback(const tpm::ClockInfo& before, const tpm::ClockInfo& after, bool host_restarted, std::string_view why) {
  const std::string expected = fmt::format("at least {} ms", before.clock);
  const std::string found = fmt::format("{} ms{}", after.clock, after.safe ? "" : ", not safe");
  if (!host_restarted)
    return finding_of("clock.rollback", expected, found,
                      fmt::format("the TPM's clock went back from {} to {} ms, {}", before.clock, after.clock, why));
  return finding_of("clock.repeated", expected, found,
                    fmt::format("the TPM's clock went back from {} to {} ms, {}; the host restarted in between and may "
                                "have lost the last writes of the TPM's state",
                                before.clock, after.clock, why),
                    "If the host lost power within a minute of the node's last start, nothing is to be done. "
                    "Otherwise re-image the node.");
}

void judge_clock(const TpmSighting& previous, const TpmSighting& current, bool host_restarted, Continuity& result) {
  const tpm::ClockInfo& before = previous.clock;
  const tpm::ClockInfo& after = current.clock;
  auto& rollbacks = host_restarted ? result.suspicions : result.findings;
  const std::int32_t resets = advance(before.reset_count, after.reset_count);
  const std::int32_t restarts = advance(before.restart_count, after.restart_count);
  if (resets < 0) {
    result.findings.push_back(finding_of(
        "clock.resetRollback", fmt::format("at least {}", before.reset_count), fmt::format("{}", after.reset_count),
        fmt::format("the TPM was reset {} times when it answered last and only {} times now", before.reset_count,
                    after.reset_count)));
    return;
  }
  if (resets == 0 && restarts < 0) {
    result.findings.push_back(finding_of(
        "clock.restartRollback", fmt::format("at least {}", before.restart_count),
        fmt::format("{}", after.restart_count),
        fmt::format("the TPM was restarted {} times since its last reset when it answered last and only {} times now",
                    before.restart_count, after.restart_count)));
    return;
  }
  if (after.clock < before.clock) {
    const std::uint64_t lost = before.clock - after.clock;
    if (resets == 0)
      rollbacks.push_back(rollback(before, after, host_restarted, "though it was not reset since"));
    else if (after.safe)
      rollbacks.push_back(rollback(before, after, host_restarted, "though the TPM vouches that it is safe"));
    else if (lost > kMaximumLossOfClock)
      rollbacks.push_back(
          rollback(before, after, host_restarted, "more than the 70 minutes that a power cut may take"));
  }
  if (resets == 0 && restarts == 0 && current.ima_entries < previous.ima_entries)
    rollbacks.push_back(finding_of(
        host_restarted ? "clock.repeated" : "ima.rollback", fmt::format("at least {} entries", previous.ima_entries),
        fmt::format("{} entries", current.ima_entries),
        fmt::format("the node says that it is in the boot of its last evidence, which had measured {} files, and shows "
                    "only {} now",
                    previous.ima_entries, current.ima_entries)));
}

void judge_pace(const TpmSighting& previous, const TpmSighting& current, Continuity& result) {
  const std::uint64_t before = previous.clock.clock, after = current.clock.clock;
  if (after <= before) return;
  const milliseconds passed = std::max(current.received - previous.challenged, milliseconds(0));
  const milliseconds allowed = passed + passed / kAheadPart + kAheadTolerance;
  if (after - before <= static_cast<std::uint64_t>(allowed.count())) return;
  result.suspicions.push_back(finding_of(
      "clock.ahead", fmt::format("at most {} ms more", allowed.count()), fmt::format("{} ms more", after - before),
      fmt::format("the TPM's clock advanced by {} ms while at most {} ms passed", after - before, passed.count()),
      "If the server's clock was set back, or the guest set the TPM's clock forward (TPM2_ClockSet), "
      "nothing is to be done. Otherwise a copy of this TPM answers too: re-image the node."));
}

Continuity judge_in_order(const TpmSighting& previous, const TpmSighting& current, bool host_restarted) {
  Continuity result;
  judge_clock(previous, current, host_restarted, result);
  judge_pace(previous, current, result);
  return result;
}

bool is_calm(const Continuity& result) { return result.findings.empty() && result.suspicions.empty(); }

void judge_firmware(const TpmSighting& previous, const TpmSighting& current, Continuity& result) {
  if (previous.firmware_version == current.firmware_version) return;
  result.suspicions.push_back(finding_of(
      "vtpm.firmwareVersion", fmt::format("{:#018x}", previous.firmware_version),
      fmt::format("{:#018x}", current.firmware_version), "the TPM's firmware is of another version than before",
      "If the host's TPM software was upgraded, nothing is to be done. Otherwise re-image the node."));
}

}  // namespace

Continuity judge_continuity(const TpmSighting& previous, const TpmSighting& current, bool host_restarted) {
  Continuity result;
  const bool other_endorsement = previous.endorsement_key != current.endorsement_key;
  if (other_endorsement || previous.attestation_key != current.attestation_key) {
    const std::string_view which = other_endorsement ? "endorsement" : "attestation";
    const Bytes& before = other_endorsement ? previous.endorsement_key : previous.attestation_key;
    const Bytes& after = other_endorsement ? current.endorsement_key : current.attestation_key;
    result.findings.push_back(
        finding_of("vtpm.swapped", to_hex(before), to_hex(after),
                   fmt::format("another TPM answers for this node: its {} key is not the one of before", which),
                   "A node keeps its TPM for life. Re-image the node, which enrols it anew, and find out what was "
                   "exchanged."));
    return result;
  }
  result = judge_in_order(previous, current, host_restarted);
  const bool order_is_known = current.challenged >= previous.received;
  if (!order_is_known && !is_calm(result)) {
    Continuity other_order = judge_in_order(current, previous, host_restarted);
    if (is_calm(other_order) || (other_order.findings.empty() && !result.findings.empty())) {
      result = std::move(other_order);
      result.current_is_later = false;
    }
  }
  judge_firmware(previous, current, result);
  return result;
}

}  // namespace slipway::attestation
