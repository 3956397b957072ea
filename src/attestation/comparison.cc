#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "attestation/log_event.h"
#include "attestation/prepared_prediction.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"

namespace slipway::attestation {
namespace {

using bootchain::UnverifiedEvent;
using image::Origin;
using image::PredictedEvent;

constexpr std::size_t kMaximumUnexpected = 16;
constexpr std::array<std::uint8_t, 4> kSeparator{0, 0, 0, 0};

constexpr std::string_view kOtherImage =
    "The node's boot files were changed or belong to another image version. Re-image the node; if the change was "
    "meant, "
    "build an image with it and upgrade the pool to that image.";
constexpr std::string_view kOtherFirmware =
    "The VM ran another firmware file than the one that the prediction was made from. Put the host's firmware package "
    "back, or restart slipwayd so that it predicts for the new one; then re-image the node.";
constexpr std::string_view kOtherStore =
    "The variable store is not the one that Slipway gave to the VM. Re-image the node, and find out who could write "
    "it.";
constexpr std::string_view kSomethingRan =
    "Something ran or was loaded during the boot that is no part of the image. Re-image the node and find out who "
    "could "
    "write its disk.";
constexpr std::string_view kExtendedLater =
    "Software in the node extended this PCR after the boot. Find out what did; re-image the node.";

std::string_view remedy_for(int pcr) {
  if (pcr == 0) return kOtherFirmware;
  return pcr == 7 ? kOtherStore : kOtherImage;
}

// What each predicted event met in the log.
struct Met {
  bool matches = false;
  ByteView digest;  // of what stood in its place; empty for nothing
};
using MetByEvent = std::map<const PredictedEvent*, Met>;

bool is_separator(const UnverifiedEvent& event) {
  return event.type == bootchain::kEvSeparator &&
         std::equal(event.data.begin(), event.data.end(), kSeparator.begin(), kSeparator.end());
}

bool is_same(const PredictedEvent& expected, const UnverifiedEvent& found) {
  return expected.type == found.type && sha256_of(found) == expected.sha256;
}

std::string rule_of(const PredictedEvent& expected) {
  return expected.type == bootchain::kEvSeparator ? fmt::format("pcr{}.separator", expected.pcr) : expected.rule;
}

std::string show(const UnverifiedEvent& event) {
  const bootchain::GrubText text = bootchain::grub_text(event);
  return text.kind == bootchain::GrubText::Kind::kNone ? to_hex(sha256_of(event)) : describe_event(event);
}

Finding finding_for(const PredictedEvent& expected) {
  Finding finding;
  finding.rule = rule_of(expected);
  finding.pcr = expected.pcr;
  finding.component = expected.component.empty() ? bootchain::event_type_name(expected.type) : expected.component;
  finding.package = expected.package;
  finding.signer = expected.signer;
  finding.expected = expected.text.empty() ? to_hex(expected.sha256) : expected.text;
  finding.remedy = std::string(remedy_for(expected.pcr));
  return finding;
}

Finding not_calibrated(const PredictedEvent& expected) {
  Finding finding = finding_for(expected);
  finding.rule = fmt::format("pcr{}.referenceMissing", expected.pcr);
  finding.expected = "a calibration of this firmware and shape of VM";
  finding.found = "none";
  finding.message =
      fmt::format("there is no reference value for {}, so PCR {} cannot be judged", finding.component, expected.pcr);
  finding.remedy = "Calibrate the firmware on this node's host (Slipway does it before it starts a VM of a new shape).";
  return finding;
}

Finding left_out(const PredictedEvent& expected) {
  Finding finding = finding_for(expected);
  finding.found = "nothing";
  finding.message =
      fmt::format("{} was not measured into PCR {}: the boot left it out", finding.component, expected.pcr);
  return finding;
}

Finding changed(const PredictedEvent& expected, const UnverifiedEvent& found) {
  Finding finding = finding_for(expected);
  finding.event = found.index;
  finding.found = show(found);
  if (sha256_of(found) == expected.sha256) {
    finding.expected = bootchain::event_type_name(expected.type);
    finding.found = bootchain::event_type_name(found.type);
    finding.message = fmt::format("{} is logged as {}, but firmware logs it as {}: somebody wrote this log",
                                  finding.component, finding.found, finding.expected);
    return finding;
  }
  finding.message =
      fmt::format("{} is not what was predicted: event {} measured {} ({}) into PCR {}, but it must be {}",
                  finding.component, found.index, finding.found, describe_event(found), expected.pcr, finding.expected);
  return finding;
}

Finding additional(int pcr, const UnverifiedEvent& event) {
  Finding finding;
  finding.rule = fmt::format("{}.{}", pcr == 7 && !is_separator(event) ? "secureBoot" : fmt::format("pcr{}", pcr),
                             is_separator(event) ? "separator" : "unexpected");
  finding.pcr = pcr;
  finding.event = event.index;
  finding.component = describe_event(event);
  finding.expected = "nothing";
  finding.found = show(event);
  finding.message = fmt::format("event {} measured {} into PCR {}, where the prediction has nothing more", event.index,
                                finding.component, pcr);
  finding.remedy = std::string(pcr >= 10 && pcr != 14 ? kExtendedLater : kSomethingRan);
  return finding;
}

ByteView digest_view(const UnverifiedEvent& event) {
  const bootchain::DigestValue* digest = bootchain::find_digest(event, bootchain::kSha256Bank);
  return digest == nullptr ? ByteView() : ByteView(*digest);
}

// Holds one PCR's events against the predicted ones. Between the equal beginning and the equal end, what stands at the
// same place is taken for the same component.
void compare_pcr(int pcr, const std::vector<const UnverifiedEvent*>& events,
                 const std::vector<const PredictedEvent*>& expected, std::vector<Finding>& findings, MetByEvent& met) {
  const auto same = [&](std::size_t want, std::size_t have) { return is_same(*expected[want], *events[have]); };
  const std::size_t shorter = std::min(expected.size(), events.size());
  std::size_t head = 0;
  while (head < shorter && same(head, head)) ++head;
  std::size_t tail = 0;
  while (tail < shorter - head && same(expected.size() - 1 - tail, events.size() - 1 - tail)) ++tail;
  for (std::size_t at = 0; at < head; ++at) met[expected[at]] = {true, expected[at]->sha256};
  for (std::size_t at = expected.size() - tail; at < expected.size(); ++at)
    met[expected[at]] = {true, expected[at]->sha256};

  const std::size_t wanted = expected.size() - tail - head;
  const std::size_t had = events.size() - tail - head;
  for (std::size_t at = head; at < head + wanted; ++at) {
    const UnverifiedEvent* found = at - head < had ? events[at] : nullptr;
    const bool equal = found != nullptr && same(at, at);
    met[expected[at]] = {equal, found == nullptr ? ByteView() : digest_view(*found)};
    if (equal) continue;
    if (expected[at]->sha256.empty())
      findings.push_back(not_calibrated(*expected[at]));
    else
      findings.push_back(found == nullptr ? left_out(*expected[at]) : changed(*expected[at], *found));
  }
  for (std::size_t at = wanted; at < had && at - wanted < kMaximumUnexpected; ++at)
    findings.push_back(additional(pcr, *events[head + at]));
}

std::vector<const UnverifiedEvent*> without_varying(const std::vector<const UnverifiedEvent*>& events,
                                                    const PreparedPrediction& prediction) {
  std::vector<const UnverifiedEvent*> rest;
  for (const UnverifiedEvent* event : events)
    if (!varies(prediction, *event)) rest.push_back(event);
  return rest;
}

// The firmware says of itself that Secure Boot was off: the finding is that, and not a digest.
void name_disabled_secure_boot(const PreparedPrediction& prediction, const EventsByPcr& events, bool secure_boot,
                               std::vector<Finding>& findings) {
  const auto& expected = prediction.by_pcr[7];
  if (expected.empty() || !prediction.prediction->secure_boot || secure_boot) return;
  if (events[7].empty() || events[7].front()->type != expected.front()->type) return;
  for (Finding& finding : findings) {
    if (finding.pcr != 7 || finding.component != expected.front()->component || finding.event < 0) continue;
    Finding named = secure_boot_disabled();
    named.event = finding.event;
    named.component = finding.component;
    finding = std::move(named);
    return;
  }
}

class ComponentReport {
 public:
  ComponentReport(const PreparedPrediction& prediction, const bootchain::PcrValues& pcrs, const MetByEvent& met)
      : prediction_(prediction), pcrs_(pcrs), met_(met) {}

  std::vector<Component> make(bool secure_boot, bool secure_boot_as_predicted) {
    add_pcr("firmware", 0);
    add_pcr("secure boot", 7);
    components_.back().path = secure_boot ? "on" : "off";
    components_.back().matches &= secure_boot_as_predicted;
    components_.back().signer = signer_of_shim();
    add_event("partition table", 5, "pcr5.partitionTable", "");
    for (const std::string_view role : {"shim", "grub", "grubConfig", "kernel", "initrd"}) add_file(role);
    const PredictedEvent* const config = first(9, "pcr9.grubConfig");
    add_event("kernel command line", 8, "pcr8.kernelCommandLine", config == nullptr ? "" : config->component);
    add_root();
    return std::move(components_);
  }

 private:
  const PredictedEvent* first(int pcr, std::string_view rule) const {
    for (const PredictedEvent* event : prediction_.by_pcr[static_cast<std::size_t>(pcr)])
      if (event->rule == rule) return event;
    return nullptr;
  }

  bool all_match(int pcr, std::string_view rule) const {
    for (const PredictedEvent* event : prediction_.by_pcr[static_cast<std::size_t>(pcr)]) {
      const auto met = met_.find(event);
      if ((rule.empty() || event->rule == rule) && (met == met_.end() || !met->second.matches)) return false;
    }
    return true;
  }

  // The digest in the log; where one of several differs, that one's.
  std::string measurement(int pcr, std::string_view rule) const {
    std::string found;
    for (const PredictedEvent* event : prediction_.by_pcr[static_cast<std::size_t>(pcr)]) {
      const auto met = met_.find(event);
      if (event->rule != rule || met == met_.end()) continue;
      found = to_hex(met->second.digest);
      if (!met->second.matches) break;
    }
    return found;
  }

  void add_pcr(std::string name, int pcr) {
    Component component;
    component.name = std::move(name);
    component.pcr = pcr;
    if (const auto value = pcrs_.find(pcr); value != pcrs_.end()) component.measurement = to_hex(value->second);
    const auto& expected = prediction_.by_pcr[static_cast<std::size_t>(pcr)];
    const bool calibrated = std::any_of(expected.begin(), expected.end(), [](const PredictedEvent* event) {
      return event->origin == Origin::kCalibrated;
    });
    component.origin = to_string(calibrated ? Origin::kCalibrated : Origin::kComputed);
    if (!expected.empty()) component.package = expected.front()->package;
    component.matches = !expected.empty() && all_match(pcr, "");
    components_.push_back(std::move(component));
  }

  void add_event(std::string name, int pcr, std::string_view rule, std::string path) {
    const PredictedEvent* const event = first(pcr, rule);
    if (event == nullptr) return;
    components_.push_back({std::move(name), std::move(path), event->package, pcr, measurement(pcr, rule), event->signer,
                           std::string(to_string(event->origin)), all_match(pcr, rule)});
  }

  // PE images stand in PCR 4 by their Authenticode digest, and what GRUB opens in PCR 9 by its bytes.
  void add_file(std::string_view role) {
    const std::string image_rule = fmt::format("pcr4.{}", role), file_rule = fmt::format("pcr9.{}", role);
    const PredictedEvent* const image = first(4, image_rule);
    const PredictedEvent* const file = first(9, file_rule);
    const PredictedEvent* const event = image == nullptr ? file : image;
    if (event == nullptr) return;
    const int pcr = image == nullptr ? 9 : 4;
    components_.push_back({std::string(role), event->component, event->package, pcr,
                           measurement(pcr, image == nullptr ? file_rule : image_rule), event->signer,
                           std::string(to_string(event->origin)), all_match(4, image_rule) && all_match(9, file_rule)});
  }

  // The root file system is what the kernel's command line says, if the initrd that enforces it is the image's own.
  void add_root() {
    if (prediction_.root_hash.empty()) return;
    components_.push_back({"root file system", "", "", 8, prediction_.root_hash, "",
                           std::string(to_string(Origin::kComputed)),
                           all_match(8, "pcr8.kernelCommandLine") && all_match(9, "pcr9.initrd")});
  }

  std::string signer_of_shim() const {
    const PredictedEvent* const authority = first(7, "secureBoot.authority");
    return authority == nullptr ? "" : authority->signer;
  }

  const PreparedPrediction& prediction_;
  const bootchain::PcrValues& pcrs_;
  const MetByEvent& met_;
  std::vector<Component> components_;
};

}  // namespace

Finding secure_boot_disabled() {
  Finding finding;
  finding.rule = "secureBoot.disabled";
  finding.pcr = 7;
  finding.component = "SecureBoot";
  finding.expected = "on";
  finding.found = "off";
  finding.message = "Secure Boot was off during this boot, but the node's pool requires it";
  finding.remedy =
      "Re-image the node: a new VM gets a variable store with Secure Boot on. Nodes of a pool without "
      "--enable-secure-boot may boot like this.";
  return finding;
}

std::vector<Component> matched_components(const PreparedPrediction& prediction) {
  MetByEvent met;
  for (const auto& expected : prediction.by_pcr)
    for (const PredictedEvent* event : expected) met[event] = {true, event->sha256};
  const bootchain::PcrValues no_values;
  return ComponentReport(prediction, no_values, met).make(prediction.prediction->secure_boot, true);
}

Comparison compare(const PreparedPrediction& prediction, const EventsByPcr& events, const bootchain::PcrValues& pcrs,
                   bool secure_boot) {
  Comparison result;
  MetByEvent met;
  for (int pcr = 0; pcr < kQuotedPcrs; ++pcr) {
    const auto at = static_cast<std::size_t>(pcr);
    compare_pcr(pcr, pcr == 1 ? without_varying(events[at], prediction) : events[at], prediction.by_pcr[at],
                result.findings, met);
  }
  name_disabled_secure_boot(prediction, events, secure_boot, result.findings);
  result.components =
      ComponentReport(prediction, pcrs, met).make(secure_boot, secure_boot == prediction.prediction->secure_boot);
  return result;
}

}  // namespace slipway::attestation
