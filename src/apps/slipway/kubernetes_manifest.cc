#include "apps/slipway/kubernetes_manifest.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace slipway::cli {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 20;
constexpr std::size_t kMostDocuments = 1000;
constexpr std::size_t kMostValues = 100000;
constexpr int kDeepest = 64;
// yaml-cpp's tag of a plain scalar.
constexpr std::string_view kPlainTag = "?";

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

std::string text_of(const YAML::Node& map, const char* name) {
  if (!map.IsMap()) return {};
  const YAML::Node found = map[name];
  return found && found.IsScalar() ? found.Scalar() : std::string();
}

YAML::Node member(const YAML::Node& map, const char* name) {
  if (map && map.IsMap())
    if (const YAML::Node found = map[name]) return found;
  return YAML::Node(YAML::NodeType::Null);
}

std::vector<std::string> texts_of(const YAML::Node& list) {
  std::vector<std::string> texts;
  if (list.IsSequence())
    for (const auto& element : list)
      if (element.IsScalar()) texts.push_back(element.Scalar());
  return texts;
}

std::vector<LabelRequirement> expressions_of(const YAML::Node& list) {
  std::vector<LabelRequirement> requirements;
  if (list.IsSequence())
    for (const auto& element : list)
      if (element.IsMap())
        requirements.push_back(
            {text_of(element, "key"), text_of(element, "operator"), texts_of(member(element, "values"))});
  return requirements;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : lines_(lines_of(text)) {}

  Status read(const YAML::Node& document) {
    if (document.IsMap() && member(document, "items").IsSequence()) {
      for (const auto& item : document["items"]) SLIPWAY_TRY(read_object(item));
      return {};
    }
    return read_object(document);
  }

  Manifest take() { return std::move(manifest_); }

 private:
  Status read_object(const YAML::Node& node) {
    object_ = text_of(node, "kind");
    if (object_.empty()) object_ = "object";
    if (const std::string name = text_of(member(node, "metadata"), "name"); !name.empty()) object_ += ' ' + name;
    return walk(node, "", "", 0);
  }

  // `key` is the member that the node stands under, `above` the one above that.
  Status walk(const YAML::Node& node, const std::string& key, const std::string& above, int depth) {
    if (++values_ > kMostValues || depth > kDeepest)
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("the manifest has more than {} values, or more than {} levels", kMostValues, kDeepest));
    if (node.IsSequence()) {
      for (const auto& element : node) SLIPWAY_TRY(walk(element, key, above, depth + 1));
      return {};
    }
    if (!node.IsMap()) return {};
    const bool is_labels = (key == "labels" || key == "annotations") && above == "metadata";
    if (is_labels || key == "nodeSelector" || key == "matchLabels") check_map(node, key);
    if (key == "matchExpressions") check_list(member(node, "values"), text_of(node, "key"));
    if (key == "spec" && member(node, "containers").IsSequence()) manifest_.pods.push_back(needs_of(node));
    for (const auto& pair : node)
      SLIPWAY_TRY(walk(pair.second, pair.first.IsScalar() ? pair.first.Scalar() : std::string(), key, depth + 1));
    return {};
  }

  void check_map(const YAML::Node& map, const std::string& place) {
    for (const auto& pair : map)
      if (pair.first.IsScalar()) check(pair.second, place, pair.first.Scalar());
  }

  void check_list(const YAML::Node& list, const std::string& key) {
    if (!list.IsSequence()) return;
    for (const auto& element : list) check(element, "matchExpressions", key);
  }

  void check(const YAML::Node& value, const std::string& place, const std::string& key) {
    if (!value.IsScalar() || value.Tag() != kPlainTag) return;
    const std::string text = value.Scalar();
    const YamlScalar type = plain_scalar_type(text);
    // Kubernetes takes a missing value for an empty text, and a time for the text that it is.
    if (type == YamlScalar::kText || type == YamlScalar::kNull || type == YamlScalar::kTimestamp) return;
    const YAML::Mark mark = value.Mark();
    UnquotedValue found{static_cast<std::size_t>(mark.line) + 1,
                        static_cast<std::size_t>(mark.column) + 1,
                        object_,
                        place,
                        key,
                        text,
                        type,
                        {},
                        {}};
    if (mark.line >= 0 && static_cast<std::size_t>(mark.line) < lines_.size()) {
      const std::string_view line = lines_[static_cast<std::size_t>(mark.line)];
      found.written = line;
      const auto at = static_cast<std::size_t>(std::max(mark.column, 0));
      if (line.substr(std::min(at, line.size())).starts_with(text))
        found.corrected = fmt::format("{}\"{}\"{}", line.substr(0, at), text, line.substr(at + text.size()));
    }
    manifest_.unquoted.push_back(std::move(found));
  }

  PodNeeds needs_of(const YAML::Node& spec) const {
    PodNeeds needs;
    needs.object = object_;
    needs.line = static_cast<std::size_t>(std::max(spec.Mark().line, 0)) + 1;
    needs.node_name = text_of(spec, "nodeName");
    if (const YAML::Node selector = member(spec, "nodeSelector"); selector.IsMap())
      for (const auto& pair : selector)
        if (pair.first.IsScalar())
          needs.selector.push_back(
              {pair.first.Scalar(), "In", {pair.second.IsScalar() ? pair.second.Scalar() : std::string()}});
    const YAML::Node required =
        member(member(member(spec, "affinity"), "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution");
    if (const YAML::Node terms = member(required, "nodeSelectorTerms"); terms.IsSequence())
      for (const auto& term : terms) needs.terms.push_back(expressions_of(member(term, "matchExpressions")));
    if (const YAML::Node tolerations = member(spec, "tolerations"); tolerations.IsSequence())
      for (const auto& each : tolerations)
        if (each.IsMap())
          needs.tolerations.push_back(
              {text_of(each, "key"), text_of(each, "operator"), text_of(each, "value"), text_of(each, "effect")});
    return needs;
  }

  std::vector<std::string_view> lines_;
  std::string object_;
  std::size_t values_ = 0;
  Manifest manifest_;
};

}  // namespace

Result<Manifest> read_kubernetes_manifest(std::string_view text) {
  if (text.size() > kLargest) return fail(ErrorCode::kResourceExhausted, "the manifest is larger than 1 MiB");
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > kMostDocuments)
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("the manifest has more than {} documents", kMostDocuments));
    Reader reader(text);
    for (const YAML::Node& document : documents)
      if (document.IsMap()) SLIPWAY_TRY(reader.read(document));
    return reader.take();
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::kMalformed, fmt::format("it is no YAML: {}", error.what()));
  }
}

}  // namespace slipway::cli
