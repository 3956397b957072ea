#include "apps/slipway/boot_report.h"

#include <fmt/format.h>

#include "apps/slipway/arm_client.h"
#include "apps/slipway/output.h"
#include "attestation/verdict.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using attestation::VerdictClass;

// Enough of a digest to tell two apart on a screen; -o json has the whole.
constexpr std::size_t kShownDigits = 16;

std::string text_member(const json::value& object, std::string_view name) {
  const json::value* found = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  if (found == nullptr || found->is_null()) return "-";
  if (!found->is_string()) return printable(json::serialize(*found));
  return found->get_string().empty() ? std::string("-") : printable(found->get_string());
}

std::string switch_text(const json::value& object, std::string_view name) {
  const std::string text = text_member(object, name);
  return text == "true" ? "on" : text == "false" ? "off" : text;
}

std::string shown(const std::string& text) { return text.empty() ? "-" : printable(text); }

std::string digest_text(const std::string& hex) {
  const std::string text = shown(hex);
  return text.size() <= kShownDigits ? text : text.substr(0, kShownDigits) + "…";
}

std::string_view meaning_of(VerdictClass verdict) {
  switch (verdict) {
    case VerdictClass::kTrusted:
      return "trusted: every component is one that its image says, in its order, and nothing more";
    case VerdictClass::kUntrusted:
      return "untrusted: a rule is broken; the findings below name what is to blame";
    case VerdictClass::kEvidenceBroken:
      return "evidence broken: what the node sent contradicts itself or cannot be read";
    case VerdictClass::kReferenceValuesMissing:
      return "reference values missing: there is nothing to compare this boot with";
  }
  return "unknown";
}

std::string head_of(const json::value& node) {
  return fmt::format("Node {}  pool {}  image {}  Secure Boot {}  vTPM {}\nPhase {}: {}\n", text_member(node, "name"),
                     text_member(node, "pool"), text_member(node, "imageVersion"), switch_text(node, "secureBoot"),
                     switch_text(node, "vtpm"), text_member(node, "phase"), text_member(node, "explanation"));
}

std::string components_of(const attestation::Verdict& verdict) {
  std::vector<std::vector<std::string>> rows;
  for (const attestation::Component& component : verdict.components)
    rows.push_back({shown(component.name), shown(component.path), shown(component.package),
                    component.pcr < 0 ? "-" : std::to_string(component.pcr), digest_text(component.measurement),
                    shown(component.signer), shown(component.origin), component.matches ? "yes" : "NO"});
  return to_table({"Component", "Path", "Package", "PCR", "Measurement", "Signer", "Reference", "Match"}, rows);
}

std::string finding_text(const attestation::Finding& finding) {
  const bool warning = finding.severity == attestation::Severity::kWarning;
  std::string text =
      fmt::format("\n{}{}: {}\n", warning ? "warning: " : "", shown(finding.rule), shown(finding.message));
  const auto add = [&](std::string_view title, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<10}{}\n", title, printable(value));
  };
  add("component", finding.component);
  add("package", finding.package);
  add("signer", finding.signer);
  if (finding.pcr >= 0) add("PCR", std::to_string(finding.pcr));
  add("expected", finding.expected);
  add("found", finding.found);
  add("do", finding.remedy);
  return text;
}

}  // namespace

Result<std::string> boot_report_text(const json::value& node) {
  std::string text = head_of(node);
  const json::value* report = node.is_object() ? node.get_object().if_contains("bootReport") : nullptr;
  if (report == nullptr || report->is_null())
    return text + "No boot report: this node has sent no evidence that could be judged.\n";
  auto verdict = attestation::verdict_from_json(json::serialize(*report));
  if (!verdict)
    return fail(ErrorCode::kMalformed,
                fmt::format("the boot report is of a form that this slipway does not know ({}); use the slipway of the "
                            "server's version, or -o json",
                            verdict.error().message));
  return text + '\n' + boot_verdict_text(*verdict);
}

std::string boot_verdict_text(const attestation::Verdict& verdict) {
  std::string text = components_of(verdict);
  text += fmt::format("\nVerdict of {}: {}\n", to_rfc3339(verdict.appraised), meaning_of(verdict.verdict_class));
  text += fmt::format("Secure Boot in the verified log: {}. Policy: {}.", verdict.secure_boot ? "on" : "off",
                      shown(verdict.policy));
  if (!verdict.prediction.empty())
    text += fmt::format(" {} the prediction of {}.", verdict.matches_prediction ? "It matches" : "It is closest to",
                        printable(verdict.prediction));
  text += '\n';
  for (const attestation::Finding& finding : verdict.findings) text += finding_text(finding);
  return text;
}

}  // namespace slipway::cli
