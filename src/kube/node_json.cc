#include "kube/node_json.h"

#include "kube/json_lookup.h"

namespace slipway::kube {
namespace {

namespace json = boost::json;

// The element of a list of objects whose `type` is `type`.
const json::object* of_type(const json::object* parent, std::string_view list, std::string_view type) {
  for (const json::value& element : array_at(parent, list))
    if (text_at(element.if_object(), "type") == type) return element.if_object();
  return nullptr;
}

Result<Node> to_node(const json::value& value) {
  const json::object* document = value.if_object();
  const json::object* metadata = object_at(document, "metadata");
  Node node;
  node.name = text_at(metadata, "name");
  if (node.name.empty()) return fail(ErrorCode::kMalformed, "the apiserver answered with a node that has no name");
  if (const json::object* labels = object_at(metadata, "labels"); labels != nullptr)
    for (const auto& [key, label] : *labels)
      if (label.is_string()) node.labels.emplace(std::string(key), std::string(label.get_string()));
  if (const json::object* spec = object_at(document, "spec"); spec != nullptr) {
    const json::value* unschedulable = spec->if_contains("unschedulable");
    node.unschedulable = unschedulable != nullptr && unschedulable->is_bool() && unschedulable->get_bool();
    node.pod_cidr = text_at(spec, "podCIDR");
  }
  if (const json::object* status = object_at(document, "status"); status != nullptr) {
    node.ready = text_at(of_type(status, "conditions", "Ready"), "status") == "True";
    node.internal_ip = text_at(of_type(status, "addresses", "InternalIP"), "address");
    node.kubelet_version = text_at(object_at(status, "nodeInfo"), "kubeletVersion");
  }
  return node;
}

Result<json::value> parse(std::string_view text) {
  json::error_code error;
  json::value document = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return fail(ErrorCode::kMalformed, "the apiserver's answer is not JSON: " + error.message());
  return document;
}

}  // namespace

Result<Node> node_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::value document, parse(text));
  return to_node(document);
}

Result<NodePage> node_page_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::value document, parse(text));
  const json::object* list = document.if_object();
  const json::value* items = list == nullptr ? nullptr : list->if_contains("items");
  if (items == nullptr || !items->is_array())
    return fail(ErrorCode::kMalformed, "the apiserver's answer is not a list of nodes");
  NodePage page;
  for (const json::value& item : items->get_array()) {
    SLIPWAY_ASSIGN(Node node, to_node(item));
    page.nodes.push_back(std::move(node));
  }
  page.next = text_at(object_at(list, "metadata"), "continue");
  return page;
}

}  // namespace slipway::kube
