#include <array>
#include <boost/json.hpp>

#include "attestation/verdict.h"
#include "base/text.h"
#include "image/object_reader.h"

namespace slipway::attestation {
namespace {

namespace json = boost::json;
using image::ObjectReader;

constexpr std::size_t kMaximumSize = 1U << 20;

constexpr std::array<VerdictClass, 4> kClasses{VerdictClass::kTrusted, VerdictClass::kUntrusted,
                                               VerdictClass::kEvidenceBroken, VerdictClass::kReferenceValuesMissing};

// A text as JSON can carry it: what is not UTF-8 stands as U+FFFD.
json::string text(const std::string& value) { return json::string(valid_utf8(value)); }

json::object to_object(const Finding& finding) {
  return {{"rule", text(finding.rule)},
          {"pcr", finding.pcr},
          {"event", finding.event},
          {"component", text(finding.component)},
          {"package", text(finding.package)},
          {"signer", text(finding.signer)},
          {"expected", text(finding.expected)},
          {"found", text(finding.found)},
          {"message", text(finding.message)},
          {"remedy", text(finding.remedy)},
          {"severity", to_string(finding.severity)}};
}

json::object to_object(const Component& component) {
  return {{"name", text(component.name)},
          {"path", text(component.path)},
          {"package", text(component.package)},
          {"pcr", component.pcr},
          {"measurement", text(component.measurement)},
          {"signer", text(component.signer)},
          {"origin", text(component.origin)},
          {"matches", component.matches}};
}

Result<int> small_number(ObjectReader& reader, std::string_view key) {
  SLIPWAY_ASSIGN(const std::int64_t number, reader.signed_number(key));
  if (number < -1 || number > 1'000'000) return reader.wrong(key, "a number from -1 to 1000000");
  return static_cast<int>(number);
}

Result<Finding> finding_from(ObjectReader reader) {
  Finding finding;
  SLIPWAY_ASSIGN(finding.rule, reader.text("rule"));
  SLIPWAY_ASSIGN(finding.pcr, small_number(reader, "pcr"));
  SLIPWAY_ASSIGN(finding.event, small_number(reader, "event"));
  SLIPWAY_ASSIGN(finding.component, reader.text("component"));
  SLIPWAY_ASSIGN(finding.package, reader.text("package"));
  SLIPWAY_ASSIGN(finding.signer, reader.text("signer"));
  SLIPWAY_ASSIGN(finding.expected, reader.text("expected"));
  SLIPWAY_ASSIGN(finding.found, reader.text("found"));
  SLIPWAY_ASSIGN(finding.message, reader.text("message"));
  SLIPWAY_ASSIGN(finding.remedy, reader.text("remedy"));
  SLIPWAY_ASSIGN(const std::string severity, reader.text("severity"));
  if (severity != "error" && severity != "warning") return reader.wrong("severity", "\"error\" or \"warning\"");
  finding.severity = severity == "error" ? Severity::kError : Severity::kWarning;
  SLIPWAY_TRY(reader.finish());
  return finding;
}

Result<Component> component_from(ObjectReader reader) {
  Component component;
  SLIPWAY_ASSIGN(component.name, reader.text("name"));
  SLIPWAY_ASSIGN(component.path, reader.text("path"));
  SLIPWAY_ASSIGN(component.package, reader.text("package"));
  SLIPWAY_ASSIGN(component.pcr, small_number(reader, "pcr"));
  SLIPWAY_ASSIGN(component.measurement, reader.text("measurement"));
  SLIPWAY_ASSIGN(component.signer, reader.text("signer"));
  SLIPWAY_ASSIGN(component.origin, reader.text("origin"));
  SLIPWAY_ASSIGN(component.matches, reader.boolean("matches"));
  SLIPWAY_TRY(reader.finish());
  return component;
}

Result<VerdictClass> class_from(ObjectReader& reader) {
  SLIPWAY_ASSIGN(const std::string name, reader.text("verdict"));
  for (const VerdictClass known : kClasses)
    if (to_string(known) == name) return known;
  return reader.wrong("verdict", "a known class of verdict");
}

}  // namespace

std::string_view to_string(VerdictClass verdict_class) {
  switch (verdict_class) {
    case VerdictClass::kTrusted:
      return "trusted";
    case VerdictClass::kUntrusted:
      return "untrusted";
    case VerdictClass::kEvidenceBroken:
      return "evidenceBroken";
    case VerdictClass::kReferenceValuesMissing:
      return "referenceValuesMissing";
  }
  return "";
}

std::string_view to_string(Severity severity) { return severity == Severity::kError ? "error" : "warning"; }

std::string to_json(const Verdict& verdict) {
  json::array findings;
  for (const Finding& finding : verdict.findings) findings.push_back(to_object(finding));
  json::array components;
  for (const Component& component : verdict.components) components.push_back(to_object(component));
  return json::serialize(json::object{{"verdict", to_string(verdict.verdict_class)},
                                      {"appraised", to_rfc3339(verdict.appraised)},
                                      {"secureBoot", verdict.secure_boot},
                                      {"policy", text(verdict.policy)},
                                      {"prediction", text(verdict.prediction)},
                                      {"matchesPrediction", verdict.matches_prediction},
                                      {"findings", std::move(findings)},
                                      {"components", std::move(components)}});
}

Result<Verdict> verdict_from_json(std::string_view document) {
  SLIPWAY_ASSIGN(const image::JsonDocument source, image::parse_json_document(document, kMaximumSize, "the verdict"));
  SLIPWAY_ASSIGN(ObjectReader reader, ObjectReader::open(source, "the verdict"));
  Verdict verdict;
  SLIPWAY_ASSIGN(verdict.verdict_class, class_from(reader));
  SLIPWAY_ASSIGN(const std::string appraised, reader.text("appraised"));
  SLIPWAY_ASSIGN(verdict.appraised, from_rfc3339(appraised));
  SLIPWAY_ASSIGN(verdict.secure_boot, reader.boolean("secureBoot"));
  SLIPWAY_ASSIGN(verdict.policy, reader.text("policy"));
  SLIPWAY_ASSIGN(verdict.prediction, reader.text("prediction"));
  SLIPWAY_ASSIGN(verdict.matches_prediction, reader.boolean("matchesPrediction"));
  SLIPWAY_ASSIGN(const json::array* findings, reader.array("findings"));
  for (const json::value& finding : *findings) {
    SLIPWAY_ASSIGN(ObjectReader inside,
                   reader.element("findings", verdict.findings.size(), finding, "a finding of the verdict"));
    SLIPWAY_ASSIGN(Finding parsed, finding_from(std::move(inside)));
    verdict.findings.push_back(std::move(parsed));
  }
  SLIPWAY_ASSIGN(const json::array* components, reader.array("components"));
  for (const json::value& component : *components) {
    SLIPWAY_ASSIGN(ObjectReader inside,
                   reader.element("components", verdict.components.size(), component, "a component of the verdict"));
    SLIPWAY_ASSIGN(Component parsed, component_from(std::move(inside)));
    verdict.components.push_back(std::move(parsed));
  }
  SLIPWAY_TRY(reader.finish());
  return verdict;
}

}  // namespace slipway::attestation
