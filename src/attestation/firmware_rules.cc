#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "attestation/rules.h"
#include "crypto/digest.h"

namespace slipway::attestation {
namespace {

using bootchain::UnverifiedEvent;
using bootchain::VerifiedBoot;

constexpr std::array<std::uint8_t, 4> kSeparator{0, 0, 0, 0};

constexpr std::array<std::string_view, 5> kFirmwareActions{
    "Calling EFI Application from Boot Option",
    "Returning from EFI Application from Boot Option",
    "Exit Boot Services Invocation",
    "Exit Boot Services Returned with Success",
    "Exit Boot Services Returned with Failure",
};

const Bytes& separator_digest() {
  static const Bytes digest = crypto::sha256(kSeparator);
  return digest;
}

// Digests of everything that firmware measures without anything having been loaded.
const std::vector<Bytes>& constant_digests() {
  static const std::vector<Bytes> digests = [] {
    std::vector<Bytes> all{separator_digest()};
    for (const std::string_view action : kFirmwareActions) all.push_back(crypto::sha256(as_bytes(action)));
    return all;
  }();
  return digests;
}

void judge_pcr0(const VerifiedBoot& boot, const ReferenceValues& reference, Verdict& verdict) {
  Component component{"firmware", "", "", 0, "", "", "calibrated", false};
  if (const auto value = boot.pcrs().find(0); value != boot.pcrs().end()) component.measurement = to_hex(value->second);
  if (reference.firmware_pcr0_events.empty()) {
    verdict.findings.push_back(
        {"pcr0.referenceMissing", 0, -1, "firmware", "", "", "a calibration of this firmware and shape of VM", "none",
         "there are no reference values for this firmware, so PCR 0 cannot be judged",
         "Calibrate the firmware on this node's host (Slipway does it before it starts a VM of a new shape)."});
    verdict.components.push_back(std::move(component));
    return;
  }
  std::vector<ExpectedEvent> expected;
  for (const Bytes& digest : reference.firmware_pcr0_events)
    if (digest != separator_digest()) expected.push_back({"pcr0.firmware", "firmware", digest, "", "", ""});
  const auto result = compare_sequence(0, without_constants(boot.events_of(0)), expected, verdict.findings);
  component.matches = std::all_of(result.matches.begin(), result.matches.end(), [](bool match) { return match; });
  verdict.components.push_back(std::move(component));
}

// Boot entries depend on the VM's devices; the rest of the table is what the host hands to its firmware.
bool may_stand_in_pcr1(std::uint32_t type) {
  return type == bootchain::kEvEfiVariableBoot || type == bootchain::kEvEfiVariableBoot2 ||
         type == bootchain::kEvEfiHandoffTables || type == bootchain::kEvPlatformConfigFlags;
}

void judge_pcr1(const VerifiedBoot& boot, Verdict& verdict) {
  std::vector<const UnverifiedEvent*> others;
  for (const UnverifiedEvent* event : without_constants(boot.events_of(1)))
    if (!may_stand_in_pcr1(event->type)) others.push_back(event);
  compare_sequence(1, others, {}, verdict.findings);
}

void judge_unused(const VerifiedBoot& boot, int pcr, Verdict& verdict) {
  const auto value = boot.pcrs().find(pcr);
  if (value == boot.pcrs().end()) return;
  const Bytes initial = bootchain::initial_pcr(pcr, value->second.size());
  if (value->second == initial && boot.events_of(static_cast<std::uint32_t>(pcr)).empty()) return;
  verdict.findings.push_back(
      {fmt::format("pcr{}.unexpected", pcr), pcr, -1, fmt::format("PCR {}", pcr), "", "", to_hex(initial),
       to_hex(value->second), fmt::format("PCR {} was extended, but nothing in the image extends it", pcr),
       "Software in the node extended this PCR after the boot. Find out what did; re-image the node."});
}

}  // namespace

std::vector<const UnverifiedEvent*> without_constants(const std::vector<const UnverifiedEvent*>& events) {
  std::vector<const UnverifiedEvent*> rest;
  const std::vector<Bytes>& constants = constant_digests();
  for (const UnverifiedEvent* event : events)
    if (std::find(constants.begin(), constants.end(), sha256_of(*event)) == constants.end()) rest.push_back(event);
  return rest;
}

void judge_separator(const VerifiedBoot& boot, int pcr, Verdict& verdict) {
  const auto events = boot.events_of(static_cast<std::uint32_t>(pcr));
  const auto count = std::count_if(events.begin(), events.end(), [](const UnverifiedEvent* event) {
    return sha256_of(*event) == separator_digest();
  });
  if (count == 1) return;
  verdict.findings.push_back(
      {fmt::format("pcr{}.separator", pcr), pcr, -1, "firmware", "", "", "one separator", fmt::format("{}", count),
       fmt::format("PCR {} has {} separators, but firmware measures exactly one", pcr, count),
       "The firmware did not finish its part of the boot, or a guest continued the log. Restart the node."});
}

void judge_firmware(const VerifiedBoot& boot, const ReferenceValues& reference, Verdict& verdict) {
  judge_pcr0(boot, reference, verdict);
  for (int pcr = 0; pcr <= 7; ++pcr) judge_separator(boot, pcr, verdict);
  judge_pcr1(boot, verdict);
  for (const int pcr : {2, 3, 6})
    compare_sequence(pcr, without_constants(boot.events_of(static_cast<std::uint32_t>(pcr))), {}, verdict.findings);
  // The kernel's own log accounts for PCR 10; firmware has no business there.
  compare_sequence(10, boot.events_of(10), {}, verdict.findings);
  for (const int pcr : {11, 12, 13, 15}) judge_unused(boot, pcr, verdict);
}

}  // namespace slipway::attestation
