#include "apps/slipway/kubernetes_manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/slipway/yaml_document.h"
#include "base/text.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 20;
// A longer line shows nobody where the mistake is; and many mistakes may stand in one line.
constexpr std::size_t kLongestLine = 500;
// Kubernetes' own names and label keys are shorter. Many findings may repeat one of them.
constexpr std::size_t kLongestName = 320;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

std::string shown_name(const std::string& name) { return valid_utf8(name.substr(0, kLongestName)); }

std::vector<std::string> texts_of(const YamlValue& list) {
  std::vector<std::string> texts;
  for (const YamlValue& element : list.elements)
    if (element.is_scalar()) texts.push_back(element.text);
  return texts;
}

std::vector<LabelRequirement> expressions_of(const YamlValue& list) {
  std::vector<LabelRequirement> requirements;
  for (const YamlValue& element : list.elements)
    if (element.is_map())
      requirements.push_back(
          {element.member("key").text, element.member("operator").text, texts_of(element.member("values"))});
  return requirements;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : lines_(lines_of(text)) {}

  void read(const YamlValue& document) {
    if (!document.member("items").is_sequence()) return read_object(document);
    for (const YamlValue& item : document.member("items").elements) read_object(item);
  }

  Manifest take() { return std::move(manifest_); }

 private:
  void read_object(const YamlValue& object) {
    object_ = shown_name(object.member("kind").text);
    if (object_.empty()) object_ = "object";
    if (const std::string& name = object.member("metadata").member("name").text; !name.empty())
      object_ += ' ' + shown_name(name);
    walk(object, "", "");
  }

  // `key` is the member that the value stands under, `above` the one above that. No deeper than what read_yaml() takes.
  void walk(const YamlValue& value, const std::string& key, const std::string& above) {
    for (const YamlValue& element : value.elements) walk(element, key, above);
    if (!value.is_map()) return;
    const bool is_labels = (key == "labels" || key == "annotations") && above == "metadata";
    if (is_labels || key == "nodeSelector" || key == "matchLabels") check_map(value, key);
    if (key == "matchExpressions") check_list(value.member("values"), value.member("key").text);
    if (key == "spec" && value.member("containers").is_sequence()) manifest_.pods.push_back(needs_of(value));
    for (const YamlMember& member : value.members) walk(member.value, member.key.text, key);
  }

  void check_map(const YamlValue& map, const std::string& place) {
    for (const YamlMember& member : map.members)
      if (member.key.is_scalar()) check(member.value, place, member.key.text);
  }

  void check_list(const YamlValue& list, const std::string& key) {
    for (const YamlValue& element : list.elements) check(element, "matchExpressions", key);
  }

  void check(const YamlValue& value, const std::string& place, const std::string& key) {
    if (value.kind != YamlValue::Kind::kPlain) return;
    const YamlScalar type = plain_scalar_type(value.text);
    // Kubernetes takes a missing value for an empty text, and a time for the text that it is.
    if (type == YamlScalar::kText || type == YamlScalar::kNull || type == YamlScalar::kTimestamp) return;
    UnquotedValue found{value.line, value.column, object_, place, shown_name(key), value.text, type, {}, {}};
    const std::string_view line = lines_.at(value.line - 1);
    if (line.size() <= kLongestLine) {
      found.written = line;
      const std::size_t at = value.column - 1;
      if (line.substr(at).starts_with(value.text))
        found.corrected =
            fmt::format("{}\"{}\"{}", line.substr(0, at), value.text, line.substr(at + value.text.size()));
    }
    manifest_.unquoted.push_back(std::move(found));
  }

  PodNeeds needs_of(const YamlValue& spec) const {
    PodNeeds needs;
    needs.object = object_;
    needs.line = spec.line;
    needs.node_name = spec.member("nodeName").text;
    for (const YamlMember& pair : spec.member("nodeSelector").members)
      if (pair.key.is_scalar()) needs.selector.push_back({pair.key.text, "In", {pair.value.text}});
    const YamlValue& required =
        spec.member("affinity").member("nodeAffinity").member("requiredDuringSchedulingIgnoredDuringExecution");
    for (const YamlValue& term : required.member("nodeSelectorTerms").elements)
      needs.terms.push_back(expressions_of(term.member("matchExpressions")));
    for (const YamlValue& each : spec.member("tolerations").elements)
      if (each.is_map())
        needs.tolerations.push_back({each.member("key").text, each.member("operator").text, each.member("value").text,
                                     each.member("effect").text});
    return needs;
  }

  std::vector<std::string_view> lines_;
  std::string object_;
  Manifest manifest_;
};

}  // namespace

Result<Manifest> read_kubernetes_manifest(std::string_view text) {
  if (text.size() > kLargest) return fail(ErrorCode::kResourceExhausted, "the manifest is larger than 1 MiB");
  const auto documents = read_yaml(text);
  if (!documents)
    return fail(documents.error().code, fmt::format("it cannot be read as YAML: {}", documents.error().message));
  Reader reader(text);
  for (const YamlValue& document : *documents)
    if (document.is_map()) reader.read(document);
  Manifest manifest = reader.take();
  manifest.objects =
      static_cast<std::size_t>(std::count_if(documents->begin(), documents->end(), [](const YamlValue& document) {
        return document.member("kind").is_scalar();
      }));
  return manifest;
}

}  // namespace slipway::cli
