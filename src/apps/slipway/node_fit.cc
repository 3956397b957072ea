#include "apps/slipway/node_fit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <optional>

namespace slipway::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kLargest = std::size_t{16} << 20;
constexpr std::size_t kMostNodes = 5000;

// The trust labels, and the one value that each is ever given (docs/concepts/trusted-launch.md).
constexpr std::pair<std::string_view, std::string_view> kTrustLabels[] = {
    {"kubernetes.azure.com/trusted-launch", "true"},
    {"kubernetes.azure.com/secure-boot", "true"},
    {"kubernetes.azure.com/security-type", "TrustedLaunch"},
};

std::string text_at(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

const json::object* object_at(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr ? found->if_object() : nullptr;
}

NodeFacts facts_of(const json::object& node) {
  NodeFacts facts;
  if (const json::object* metadata = object_at(node, "metadata")) {
    facts.name = text_at(*metadata, "name");
    if (const json::object* labels = object_at(*metadata, "labels"))
      for (const auto& label : *labels)
        if (label.value().is_string()) facts.labels[std::string(label.key())] = label.value().get_string();
  }
  const json::object* spec = object_at(node, "spec");
  if (spec == nullptr) return facts;
  const json::value* unschedulable = spec->if_contains("unschedulable");
  facts.unschedulable = unschedulable != nullptr && *unschedulable == true;
  const json::value* taints = spec->if_contains("taints");
  if (taints != nullptr && taints->is_array())
    for (const json::value& taint : taints->get_array())
      if (const json::object* one = taint.if_object())
        facts.taints.push_back({text_at(*one, "key"), text_at(*one, "value"), text_at(*one, "effect")});
  return facts;
}

std::optional<long> number_of(std::string_view text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Kubernetes' operators of node selectors; an unknown one holds nowhere.
bool holds(const LabelRequirement& requirement, const NodeFacts& node) {
  const auto label = node.labels.find(requirement.key);
  const bool is_there = label != node.labels.end();
  const std::vector<std::string>& values = requirement.values;
  const bool is_among = is_there && std::find(values.begin(), values.end(), label->second) != values.end();
  if (requirement.operation == "In") return is_among;
  if (requirement.operation == "NotIn") return !is_among;
  if (requirement.operation == "Exists") return is_there;
  if (requirement.operation == "DoesNotExist") return !is_there;
  if (!is_there || values.size() != 1) return false;
  const auto have = number_of(label->second), want = number_of(values[0]);
  if (!have || !want) return false;
  if (requirement.operation == "Gt") return *have > *want;
  return requirement.operation == "Lt" && *have < *want;
}

bool all_hold(const std::vector<LabelRequirement>& requirements, const NodeFacts& node) {
  return std::all_of(requirements.begin(), requirements.end(), [&](const auto& each) { return holds(each, node); });
}

bool tolerates(const Toleration& toleration, const Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (toleration.operation == "Exists") return toleration.key.empty() || toleration.key == taint.key;
  return toleration.key == taint.key && toleration.value == taint.value;
}

bool is_kept_off(const PodNeeds& pod, const NodeFacts& node) {
  const auto is_tolerated = [&pod](const Taint& taint) {
    return taint.effect == "PreferNoSchedule" ||
           std::any_of(pod.tolerations.begin(), pod.tolerations.end(),
                       [&taint](const Toleration& each) { return tolerates(each, taint); });
  };
  if (node.unschedulable && !is_tolerated({"node.kubernetes.io/unschedulable", "", "NoSchedule"})) return true;
  return !std::all_of(node.taints.begin(), node.taints.end(), is_tolerated);
}

bool has_labels_for(const PodNeeds& pod, const NodeFacts& node) {
  if (!all_hold(pod.selector, node)) return false;
  return pod.terms.empty() ||
         std::any_of(pod.terms.begin(), pod.terms.end(), [&](const auto& term) { return all_hold(term, node); });
}

std::string words_of(const LabelRequirement& requirement) {
  if (requirement.operation == "In" && requirement.values.size() == 1)
    return fmt::format("{}={}", requirement.key, requirement.values[0]);
  return fmt::format("{} {} [{}]", requirement.key, requirement.operation, fmt::join(requirement.values, ", "));
}

// Why none of the nodes fits: the first thing that none of them has, or that no one of them has together.
std::string reason_of(const PodNeeds& pod, std::span<const NodeFacts> nodes) {
  if (nodes.empty()) return "there are no nodes";
  const auto nowhere = [nodes](const LabelRequirement& each) {
    return std::none_of(nodes.begin(), nodes.end(), [&](const NodeFacts& node) { return holds(each, node); });
  };
  if (!pod.node_name.empty()) return fmt::format("there is no node {}", pod.node_name);
  for (const LabelRequirement& each : pod.selector)
    if (nowhere(each)) return fmt::format("no node of {} has {}", nodes.size(), words_of(each));
  const bool fits_by_labels =
      std::any_of(nodes.begin(), nodes.end(), [&pod](const NodeFacts& node) { return has_labels_for(pod, node); });
  if (fits_by_labels) return "each node that has its labels is cordoned, or has a taint that it does not tolerate";
  if (pod.terms.size() == 1)
    for (const LabelRequirement& each : pod.terms[0])
      if (nowhere(each)) return fmt::format("no node of {} has {}", nodes.size(), words_of(each));
  return fmt::format("no one node of {} has all that its selector and affinity ask for", nodes.size());
}

// The value of a trust label that is asked for and never set; empty if all is well.
std::string never_set(const std::vector<LabelRequirement>& requirements) {
  for (const LabelRequirement& each : requirements)
    for (const auto& [key, value] : kTrustLabels)
      if (each.key == key && each.operation == "In" &&
          std::find(each.values.begin(), each.values.end(), value) == each.values.end())
        return fmt::format("{}: the label's only value is \"{}\"", words_of(each), value);
  return {};
}

}  // namespace

Result<std::vector<NodeFacts>> nodes_from_json(std::string_view text) {
  if (text.size() > kLargest) return fail(ErrorCode::kResourceExhausted, "the list of nodes is larger than 16 MiB");
  json::error_code error;
  const json::value value = json::parse(text, error);
  const json::value* items = !error && value.is_object() ? value.get_object().if_contains("items") : nullptr;
  if (items == nullptr || !items->is_array())
    return fail(ErrorCode::kMalformed,
                "it is no JSON list of nodes, as \"kubectl get nodes --output json\" prints it: \"items\" is missing");
  if (items->get_array().size() > kMostNodes)
    return fail(ErrorCode::kResourceExhausted, fmt::format("there are more than {} nodes", kMostNodes));
  std::vector<NodeFacts> nodes;
  for (const json::value& item : items->get_array()) {
    if (!item.is_object()) return fail(ErrorCode::kMalformed, "one of \"items\" is no object");
    nodes.push_back(facts_of(item.get_object()));
  }
  return nodes;
}

std::vector<Misfit> pods_without_node(std::span<const PodNeeds> pods, std::span<const NodeFacts> nodes) {
  std::vector<Misfit> misfits;
  for (const PodNeeds& pod : pods) {
    const bool fits = std::any_of(nodes.begin(), nodes.end(), [&pod](const NodeFacts& node) {
      // A pod with nodeName is not scheduled at all: taints do not matter.
      if (!pod.node_name.empty()) return pod.node_name == node.name;
      return has_labels_for(pod, node) && !is_kept_off(pod, node);
    });
    if (!fits) misfits.push_back({pod.object, pod.line, reason_of(pod, nodes)});
  }
  return misfits;
}

std::vector<Misfit> pods_without_any_node(std::span<const PodNeeds> pods) {
  std::vector<Misfit> misfits;
  for (const PodNeeds& pod : pods) {
    std::string why = never_set(pod.selector);
    if (why.empty() && pod.terms.size() == 1) why = never_set(pod.terms[0]);
    if (!why.empty()) misfits.push_back({pod.object, pod.line, std::move(why)});
  }
  return misfits;
}

}  // namespace slipway::cli
