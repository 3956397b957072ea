#include "fleet/node_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "attestation/verdict.h"

namespace slipway::fleet {
namespace {

constexpr std::string_view kTrustedLaunch = "kubernetes.azure.com/trusted-launch";
constexpr std::string_view kSecureBoot = "kubernetes.azure.com/secure-boot";
constexpr std::string_view kSecurityType = "kubernetes.azure.com/security-type";
constexpr std::size_t kShownConsole = 400;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

long long seconds_between(Time from, Time to) { return std::chrono::duration_cast<seconds>(to - from).count(); }

// What the host read from the disk of a node that says nothing.
std::string disk_words(const Node& node) {
  return fmt::format(" On its disk: {}.",
                     node.disk_report.empty() ? "nothing differs from its image" : node.disk_report);
}

std::string last_words(const ObservedNode& observed) {
  if (!observed.machine || observed.machine->console_tail.empty()) return {};
  const std::string& tail = observed.machine->console_tail;
  return fmt::format(" Its console ended with: {}",
                     tail.size() <= kShownConsole ? tail : tail.substr(tail.size() - kShownConsole));
}

// Warnings are left to the boot report: they are not why the node is not trusted.
PhaseAndReason untrusted(const attestation::Verdict& verdict) {
  std::string text;
  for (const attestation::Finding& finding : verdict.findings) {
    if (finding.severity == attestation::Severity::kWarning) continue;
    if (!text.empty()) text += ' ';
    text += fmt::format("{}: {}{}", finding.rule, finding.message, finding.message.ends_with('.') ? "" : ".");
    if (!finding.remedy.empty()) text += ' ' + finding.remedy;
    if (text.size() > 2000) break;
  }
  if (text.empty()) text = fmt::format("The verdict is {}.", attestation::to_string(verdict.verdict_class));
  return {NodePhase::kUntrusted, text};
}

// A node that was never admitted: it boots, or will not.
PhaseAndReason phase_before_admission(const Node& node, const ObservedNode& observed, Time listening_since,
                                      const Limits& limits, Time now) {
  const Time since = std::max(*node.booted, listening_since);
  const std::string refusal = node.refusal.empty() ? "" : fmt::format(" Enrolment refused it: {}", node.refusal);
  if (observed.machine) {
    if (!observed.machine->boot_refusal.empty()) {
      return {NodePhase::kBootRefused,
              fmt::format("The firmware or boot loader refused what the VM was to boot, so no operating system ran: {} "
                          "Check the boot files of image {}, then replace the node.",
                          observed.machine->boot_refusal, node.image_version)};
    }
    if (observed.machine->power == ObservedMachine::Power::kOff) {
      return {NodePhase::kSilent,
              fmt::format("The VM switched itself off before it proved its boot. Its root file system may differ from "
                          "the image's (dm-verity).{}{}",
                          refusal, last_words(observed))};
    }
    if (observed.machine->power == ObservedMachine::Power::kAbsent) {
      return {NodePhase::kSilent, "The VM no longer exists on its host. Replace the node."};
    }
  }
  if (now - since > limits.boot) {
    return {NodePhase::kSilent, fmt::format("Nothing good was heard of the node in the {} s since its VM started.{}{}",
                                            seconds_between(since, now), refusal, last_words(observed))};
  }
  return {NodePhase::kBooting, refusal.empty() ? "The VM runs; nothing was heard of it yet." : refusal.substr(1)};
}

bool is_late(const Node& node, Time listening_since, const Limits& limits, Time now) {
  const seconds patience = 2 * limits.evidence_interval + limits.evidence_margin;
  if (!node.vtpm) return now >= std::max(*node.certificate_expires, listening_since + patience);
  return now - std::max(node.last_evidence.value_or(Time{}), listening_since) > patience;
}

PhaseAndReason phase_after_admission(const Node& node, const ObservedNode& observed, Time listening_since,
                                     const Limits& limits, Time now) {
  if (is_late(node, listening_since, limits, now)) {
    if (observed.machine && !observed.machine->boot_refusal.empty()) {
      return {NodePhase::kBootRefused,
              fmt::format("The VM was started again and its firmware refused what it was to boot: {}",
                          observed.machine->boot_refusal)};
    }
    const std::string last =
        node.vtpm ? (node.last_evidence ? to_rfc3339(*node.last_evidence) : "never")
                  : fmt::format("before its certificate ended at {}", to_rfc3339(*node.certificate_expires));
    return {NodePhase::kSilent, fmt::format("The node owes a sign of life: it was last heard {}. See whether its VM "
                                            "runs and reaches the node listener.{}",
                                            last, last_words(observed))};
  }
  const bool ready =
      observed.kubernetes_answers ? observed.kubernetes && observed.kubernetes->ready : node.phase == NodePhase::kReady;
  if (ready) {
    return {NodePhase::kReady, node.vtpm          ? "Its boot is proved and fresh."
                               : node.secure_boot ? "Admitted by its one-time secret; the host observes its firmware."
                                                  : "Admitted by its one-time secret; its pool asks for no proof."};
  }
  return {NodePhase::kAdmitted, "It has its certificates; Kubernetes does not say Ready yet."};
}

}  // namespace

PhaseAndReason phase_of(const Node& node, const ObservedNode& observed, Time listening_since, const Limits& limits,
                        Time now) {
  if (node.phase == NodePhase::kDeleting) return {NodePhase::kDeleting, node.explanation};
  if (node.unreadable) return {NodePhase::kUntrusted, node.explanation};
  if (!node.booted) return {NodePhase::kProvisioning, "Its VM is being made."};
  if (node.vtpm && !node.verdict.empty()) {
    const auto verdict = attestation::verdict_from_json(node.verdict);
    if (!verdict) return {NodePhase::kUntrusted, "The last verdict on it cannot be read: " + verdict.error().message};
    if (verdict->verdict_class != attestation::VerdictClass::kTrusted) return untrusted(*verdict);
  }
  PhaseAndReason result = node.certificate_expires
                              ? phase_after_admission(node, observed, listening_since, limits, now)
                              : phase_before_admission(node, observed, listening_since, limits, now);
  if (is_bad(result.phase) && node.disk_inspected) {
    result.explanation += disk_words(node);
    result.tells_disk = true;
  }
  if (node.draining && !is_bad(result.phase)) {
    result.explanation += fmt::format(" It is cordoned and drained: {}", node.drain_reason);
  }
  return result;
}

bool is_bad(NodePhase phase) {
  return phase == NodePhase::kBootRefused || phase == NodePhase::kUntrusted || phase == NodePhase::kSilent;
}

std::string error_code_of(NodePhase phase) { return fmt::format("Node{}", to_string(phase)); }

std::map<std::string, std::optional<std::string>> wanted_labels(const Cluster& cluster, const Pool& pool,
                                                                const Node& node, NodePhase phase,
                                                                const ObservedNode& observed) {
  const bool good = phase == NodePhase::kAdmitted || phase == NodePhase::kReady;
  const bool trusted_launch = node.vtpm && good && node.last_good_verdict.has_value();
  bool secure_boot = false;
  if (node.secure_boot && node.vtpm && trusted_launch) {
    const auto verdict = attestation::verdict_from_json(node.verdict);
    secure_boot = verdict && verdict->secure_boot;
  } else if (node.secure_boot && !node.vtpm) {
    secure_boot = good && observed.host_sees_secure_boot;
  }

  std::map<std::string, std::optional<std::string>> labels;
  labels["agentpool"] = pool.name;
  labels["kubernetes.azure.com/agentpool"] = pool.name;
  labels["kubernetes.azure.com/mode"] = pool.mode == "System" ? "system" : "user";
  labels["kubernetes.azure.com/cluster"] =
      label_value(fmt::format("MC_{}_{}_{}", cluster.resource_group, cluster.name, cluster.location));
  labels["kubernetes.azure.com/node-image-version"] = label_value(node.image_version);
  const auto when = [](bool condition, std::string_view value) {
    return condition ? std::optional<std::string>(value) : std::nullopt;
  };
  labels[std::string(kTrustedLaunch)] = when(trusted_launch, "true");
  labels[std::string(kSecureBoot)] = when(secure_boot, "true");
  labels[std::string(kSecurityType)] = when(trusted_launch && secure_boot, "TrustedLaunch");
  return labels;
}

bool carries_labels(const std::map<std::string, std::optional<std::string>>& wanted, const Node& node,
                    const ObservedKubernetesNode& observed) {
  for (const auto& [name, value] : wanted) {
    const auto found = observed.labels.find(name);
    if (value ? found == observed.labels.end() || found->second != *value : found != observed.labels.end()) {
      return false;
    }
  }
  return (!node.vtpm || observed.labels.contains(std::string(kTrustedLaunch))) &&
         (!node.secure_boot || observed.labels.contains(std::string(kSecureBoot)));
}

std::map<std::string, std::optional<std::string>> without_trust(const std::map<std::string, std::string>& labels) {
  std::map<std::string, std::optional<std::string>> changes;
  for (const std::string_view name : {kTrustedLaunch, kSecureBoot, kSecurityType})
    if (labels.contains(std::string(name))) changes.emplace(name, std::nullopt);
  return changes;
}

std::string node_name(const Cluster& cluster, const Pool& pool, int number) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string digits(6, '0');
  auto rest = static_cast<unsigned>(number);
  for (std::size_t at = digits.size(); at > 0 && rest > 0; --at, rest /= 36) digits[at - 1] = kDigits[rest % 36];
  const std::string_view id = cluster.id;
  return fmt::format("aks-{}-{}-vmss{}", pool.name, id.starts_with('c') ? id.substr(1) : id, digits);
}

std::string label_value(std::string_view text) {
  std::string value;
  for (const char c : text.substr(0, 63)) value += is_alphanumeric(c) || c == '.' || c == '_' || c == '-' ? c : '-';
  while (!value.empty() && !is_alphanumeric(value.back())) value.pop_back();
  value.erase(0, static_cast<std::size_t>(std::find_if(value.begin(), value.end(), is_alphanumeric) - value.begin()));
  return value;
}

}  // namespace slipway::fleet
