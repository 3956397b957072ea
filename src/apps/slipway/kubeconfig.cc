#include "apps/slipway/kubeconfig.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace slipway::cli {
namespace {

constexpr const char* kLists[] = {"clusters", "contexts", "users"};

// yaml-cpp marks a scalar that was quoted with this tag, and forgets the quotes when it writes: "true" would become a
// truth value.
constexpr std::string_view kQuotedTag = "!";

constexpr int kDeepest = 64;
constexpr std::size_t kMostValues = 100000;

// A few aliases of aliases are more values than anybody can write down.
Status check_size(const YAML::Node& node, int depth, std::size_t& values) {
  if (++values > kMostValues || depth > kDeepest)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("a kubeconfig has more than {} values, or more than {} levels", kMostValues, kDeepest));
  if (node.IsSequence())
    for (const auto& element : node) SLIPWAY_TRY(check_size(element, depth + 1, values));
  if (node.IsMap())
    for (const auto& member : node) {
      SLIPWAY_TRY(check_size(member.first, depth + 1, values));
      SLIPWAY_TRY(check_size(member.second, depth + 1, values));
    }
  return {};
}

void write(YAML::Emitter& out, const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      out << YAML::BeginMap;
      for (const auto& member : node) {
        out << YAML::Key;
        write(out, member.first);
        out << YAML::Value;
        write(out, member.second);
      }
      out << YAML::EndMap;
      return;
    case YAML::NodeType::Sequence:
      out << YAML::BeginSeq;
      for (const auto& element : node) write(out, element);
      out << YAML::EndSeq;
      return;
    case YAML::NodeType::Scalar:
      if (node.Tag() == kQuotedTag) out << YAML::DoubleQuoted;
      out << node.Scalar();
      return;
    default:
      out << YAML::Null;
  }
}

std::string to_text(const YAML::Node& node) {
  YAML::Emitter out;
  write(out, node);
  return std::string(out.c_str()) + '\n';
}

// The element with that name, or an undefined node.
YAML::Node find(const YAML::Node& list, const std::string& name) {
  for (const auto& element : list)
    if (element["name"] && element["name"].as<std::string>() == name) return element;
  return YAML::Node(YAML::NodeType::Undefined);
}

void rename_context(YAML::Node& addition, const std::string& wanted) {
  YAML::Node context = addition["contexts"][0];
  const auto user = context["context"]["user"].as<std::string>();
  auto name = wanted.empty() ? context["name"].as<std::string>() : wanted;
  if (user.starts_with("clusterAdmin") && !name.ends_with("-admin")) name += "-admin";
  context["name"] = name;
  addition["current-context"] = name;
}

Status merge_list(YAML::Node& target, const YAML::Node& addition, const char* list, bool overwrite) {
  for (const auto& element : addition[list]) {
    const auto name = element["name"].as<std::string>();
    YAML::Node kept(YAML::NodeType::Sequence);
    if (target[list].IsSequence()) {
      const YAML::Node present = find(target[list], name);
      if (present.IsDefined() && !overwrite && to_text(present) != to_text(element))
        return fail(ErrorCode::kConflict,
                    fmt::format("another \"{}\" stands in \"{}\" of the kubeconfig; run again with "
                                "--overwrite-existing to replace it, or with --file FILE to write elsewhere",
                                name, list));
      for (const auto& other : target[list])
        if (!other["name"] || other["name"].as<std::string>() != name) kept.push_back(other);
    }
    kept.push_back(element);
    target[list] = kept;
  }
  return {};
}

Result<MergedKubeconfig> merge(std::string_view existing, std::string_view addition, bool overwrite,
                               const std::string& context_name) {
  YAML::Node added = YAML::Load(std::string(addition));
  std::size_t values = 0;
  SLIPWAY_TRY(check_size(added, 0, values));
  if (!added.IsMap() || !added["contexts"].IsSequence() || added["contexts"].size() == 0)
    return fail(ErrorCode::kMalformed, "the server's kubeconfig has no context");
  rename_context(added, context_name);
  YAML::Node target = existing.empty() ? YAML::Node() : YAML::Load(std::string(existing));
  values = 0;
  SLIPWAY_TRY(check_size(target, 0, values));
  if (target.IsNull()) {
    target = YAML::Node(YAML::NodeType::Map);
    target["apiVersion"] = "v1";
    target["kind"] = "Config";
    target["preferences"] = YAML::Node(YAML::NodeType::Map);
  }
  if (!target.IsMap()) return fail(ErrorCode::kMalformed, "the kubeconfig that is there is no YAML map");
  for (const char* list : kLists) SLIPWAY_TRY(merge_list(target, added, list, overwrite));
  const auto context = added["contexts"][0]["name"].as<std::string>();
  target["current-context"] = context;
  return MergedKubeconfig{to_text(target), context};
}

}  // namespace

Result<MergedKubeconfig> merge_kubeconfig(std::string_view existing, std::string_view addition, bool overwrite,
                                          std::string_view context) {
  try {
    return merge(existing, addition, overwrite, std::string(context));
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::kMalformed,
                fmt::format("a kubeconfig cannot be read ({}); repair it, or use --file FILE to write elsewhere",
                            error.what()));
  }
}

}  // namespace slipway::cli
