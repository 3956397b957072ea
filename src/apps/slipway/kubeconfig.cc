#include "apps/slipway/kubeconfig.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/slipway/yaml_document.h"
#include "apps/slipway/yaml_scalar.h"
#include "base/text.h"

namespace slipway::cli {
namespace {

using Kind = YamlValue::Kind;

constexpr const char* kLists[] = {"clusters", "contexts", "users"};

// The map's member, a new one without value if there is none. Valid until the map gets another.
YamlValue& member_of(YamlValue& map, std::string_view key) {
  for (YamlMember& member : map.members)
    if (member.key.is_scalar() && member.key.text == key) return member.value;
  map.members.push_back({yaml_text(key), {}});
  return map.members.back().value;
}

YamlValue empty_kubeconfig() {
  YamlValue config;
  config.kind = Kind::kMap;
  member_of(config, "apiVersion") = yaml_text("v1");
  member_of(config, "kind") = yaml_text("Config");
  member_of(config, "preferences").kind = Kind::kMap;
  return config;
}

// Gives the first context of the server's kubeconfig the name that it is to have, and returns that.
Result<std::string> rename_context(YamlValue& addition, std::string_view wanted) {
  if (!addition.member("contexts").is_sequence() || addition.member("contexts").elements.empty())
    return fail(ErrorCode::kMalformed, "the server's kubeconfig has no context");
  YamlValue& context = member_of(addition, "contexts").elements.front();
  const std::string user = context.member("context").member("user").text;
  std::string name = wanted.empty() ? context.member("name").text : std::string(wanted);
  if (user.empty() || name.empty())
    return fail(ErrorCode::kMalformed, "the first context of the server's kubeconfig has no user, or no name");
  if (user.starts_with("clusterAdmin") && !name.ends_with("-admin")) name += "-admin";
  member_of(context, "name") = yaml_text(name);
  return name;
}

// Whether both say the same, wherever they stand and however they are written.
bool is_same(const YamlValue& left, const YamlValue& right) {
  const auto type_of = [](const YamlValue& value) {
    return value.kind == Kind::kPlain ? plain_scalar_type(value.text) : YamlScalar::kText;
  };
  const auto is_same_member = [](const YamlMember& one, const YamlMember& other) {
    return is_same(one.key, other.key) && is_same(one.value, other.value);
  };
  if (left.is_scalar() || right.is_scalar())
    return left.is_scalar() && right.is_scalar() && type_of(left) == type_of(right) && left.text == right.text;
  return left.kind == right.kind &&
         std::equal(left.elements.begin(), left.elements.end(), right.elements.begin(), right.elements.end(),
                    is_same) &&
         std::equal(left.members.begin(), left.members.end(), right.members.begin(), right.members.end(),
                    is_same_member);
}

Result<std::map<std::string_view, const YamlValue*>> by_name(const YamlValue& list, std::string_view list_name) {
  std::map<std::string_view, const YamlValue*> named;
  for (const YamlValue& element : list.elements) {
    const std::string& name = element.member("name").text;
    if (name.empty() || !named.emplace(name, &element).second)
      return fail(
          ErrorCode::kMalformed,
          fmt::format("\"{}\" of the server's kubeconfig holds a thing without a name, or two of one name", list_name));
  }
  return named;
}

Status merge_list(YamlValue& target, const YamlValue& addition, const char* list_name, bool overwrite) {
  const std::vector<YamlValue>& added = addition.member(list_name).elements;
  SLIPWAY_ASSIGN(const auto named, by_name(addition.member(list_name), list_name));
  if (added.empty()) return {};
  YamlValue& list = member_of(target, list_name);
  if (list.is_null()) list.kind = Kind::kSequence;
  if (!list.is_sequence())
    return fail(ErrorCode::kMalformed, fmt::format("\"{}\" of the kubeconfig that is there is no list", list_name));
  for (const YamlValue& present : list.elements) {
    const auto other = named.find(present.member("name").text);
    if (other != named.end() && !overwrite && !is_same(present, *other->second))
      return fail(ErrorCode::kConflict,
                  fmt::format("another \"{}\" stands in \"{}\" of the kubeconfig; run again with "
                              "--overwrite-existing to replace it, or with --file FILE to write elsewhere",
                              other->first, list_name));
  }
  std::erase_if(list.elements, [&](const YamlValue& each) { return named.count(each.member("name").text) != 0; });
  list.elements.insert(list.elements.end(), added.begin(), added.end());
  return {};
}

Result<YamlValue> read_kubeconfig(std::string_view text) {
  auto config = read_yaml_document(text);
  if (config) return config;
  return fail(config.error().code,
              fmt::format("a kubeconfig cannot be read ({}); repair it, or use --file FILE to write elsewhere",
                          config.error().message));
}

// No file is to be replaced by one that says less, or that cannot be read again.
Result<std::string> write_kubeconfig(const YamlValue& config) {
  SLIPWAY_ASSIGN(std::string text, write_yaml(config));
  const auto again = read_yaml_document(text);
  if (!again && again.error().code == ErrorCode::kResourceExhausted)
    return fail(again.error().code, fmt::format("the merged kubeconfig is too large: {}", again.error().message));
  if (!again || !is_same(*again, config))
    return fail(ErrorCode::kInternal, "the merged kubeconfig was not written as it is meant");
  return text;
}

}  // namespace

Result<MergedKubeconfig> merge_kubeconfig(std::string_view existing, std::string_view addition, bool overwrite,
                                          std::string_view context) {
  if (!is_utf8(context)) return fail(ErrorCode::kInvalidArgument, "the context's name is no UTF-8");
  SLIPWAY_ASSIGN(YamlValue added, read_kubeconfig(addition));
  SLIPWAY_ASSIGN(const std::string name, rename_context(added, context));
  SLIPWAY_ASSIGN(YamlValue target, read_kubeconfig(existing));
  if (target.is_null()) target = empty_kubeconfig();
  if (!target.is_map()) return fail(ErrorCode::kMalformed, "the kubeconfig that is there is no YAML map");
  for (const char* list : kLists) SLIPWAY_TRY(merge_list(target, added, list, overwrite));
  member_of(target, "current-context") = yaml_text(name);
  SLIPWAY_ASSIGN(std::string text, write_kubeconfig(target));
  return MergedKubeconfig{std::move(text), name};
}

}  // namespace slipway::cli
