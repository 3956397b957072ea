#include "kube/cluster_api.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/http_status.h"
#include "kube/node_json.h"
#include "kube/pki/authorities.h"
#include "kube/pod_json.h"

namespace slipway::kube {
namespace {

namespace json = boost::json;

constexpr const char* kMergePatch = "application/merge-patch+json";
// Few, because one Node or Pod can have 9 MiB of JSON: etcd's 1.5 MiB, and six bytes for one.
constexpr int kPageSize = 32;

// An apiserver that is starting, overloaded or without its etcd answers 429 and 500: it may succeed later.
ErrorCode code_of(int status) {
  return status == 429 || status == 500 ? ErrorCode::kUnavailable : error_code_of_http(status);
}

// The message of a v1 Status, else the beginning of whatever came.
std::string message_of(const std::string& body) {
  json::error_code error;
  const json::value document = json::parse(body, error);
  if (!error && document.is_object())
    if (const json::value* message = document.get_object().if_contains("message");
        message != nullptr && message->is_string())
      return std::string(message->get_string());
  return body.substr(0, 200);
}

// A node's path, with the name checked first: it must not reach another resource.
Result<std::string> node_path(const std::string& node) {
  if (!is_node_name(node)) return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' cannot be a node's name", node));
  return "/api/v1/nodes/" + node;
}

}  // namespace

ClusterApi::ClusterApi(std::string server, http::ClientOptions options)
    : server_(std::move(server)), client_(std::move(options)) {}

Result<http::Response> ClusterApi::send(const std::string& method, const std::string& path, const std::string& body,
                                        const std::string& content_type) const {
  http::ClientRequest request;
  request.method = method;
  request.url = server_ + path;
  request.headers.emplace("Accept", "application/json");
  if (!body.empty()) request.headers.emplace("Content-Type", content_type);
  request.body = body;
  return client_.send(request);
}

Result<std::string> ClusterApi::call(const std::string& method, const std::string& path, const std::string& body,
                                     const std::string& content_type) const {
  SLIPWAY_ASSIGN(http::Response response, send(method, path, body, content_type));
  if (response.status >= 200 && response.status < 300) return std::move(response.body);
  return fail(code_of(response.status), fmt::format("the apiserver {} answered {} {} with {}: {}", server_, method,
                                                    path, response.status, message_of(response.body)));
}

Status ClusterApi::apply(const std::string& path, const std::string& object) const {
  SLIPWAY_TRY(call("PATCH", path + "?fieldManager=slipway&force=true", object, "application/apply-patch+yaml"));
  return {};
}

Status ClusterApi::read_pages(const std::string& path,
                              const std::function<Result<std::string>(const std::string&)>& take) const {
  int limit = kPageSize;
  std::string token;
  while (true) {
    const Result<std::string> body = call("GET", fmt::format("{}limit={}{}", path, limit, token));
    if (!body && body.error().code == ErrorCode::kResourceExhausted && limit > 1) {
      limit /= 2;
      continue;
    }
    if (!body) return fail(body.error());
    SLIPWAY_ASSIGN(const std::string next, take(*body));
    if (next.empty()) return {};
    // base64url, so it needs no escaping.
    token = "&continue=" + next;
  }
}

Result<std::vector<Node>> ClusterApi::list_nodes() const {
  std::vector<Node> nodes;
  SLIPWAY_TRY(read_pages("/api/v1/nodes?", [&](const std::string& body) -> Result<std::string> {
    SLIPWAY_ASSIGN(NodePage page, node_page_from_json(body));
    for (Node& node : page.nodes) nodes.push_back(std::move(node));
    return std::move(page.next);
  }));
  return nodes;
}

Result<Node> ClusterApi::get_node(const std::string& node) const {
  SLIPWAY_ASSIGN(const std::string path, node_path(node));
  SLIPWAY_ASSIGN(const std::string body, call("GET", path));
  return node_from_json(body);
}

Status ClusterApi::set_labels(const std::string& node,
                              const std::map<std::string, std::optional<std::string>>& labels) const {
  SLIPWAY_ASSIGN(const std::string path, node_path(node));
  json::object patch;
  for (const auto& [key, value] : labels) {
    if (value)
      patch[key] = *value;
    else
      patch[key] = nullptr;
  }
  const json::object body{{"metadata", json::object{{"labels", patch}}}};
  SLIPWAY_TRY(call("PATCH", path, json::serialize(body), kMergePatch));
  return {};
}

Status ClusterApi::cordon(const std::string& node, bool unschedulable) const {
  SLIPWAY_ASSIGN(const std::string path, node_path(node));
  const json::object body{{"spec", json::object{{"unschedulable", unschedulable}}}};
  SLIPWAY_TRY(call("PATCH", path, json::serialize(body), kMergePatch));
  return {};
}

Status ClusterApi::delete_node(const std::string& node) const {
  SLIPWAY_ASSIGN(const std::string path, node_path(node));
  const Result<std::string> done = call("DELETE", path);
  if (!done && done.error().code != ErrorCode::kNotFound) return fail(done.error());
  return {};
}

Result<std::vector<Pod>> ClusterApi::list_pods(const std::string& node) const {
  if (!is_node_name(node)) return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' cannot be a node's name", node));
  std::vector<Pod> pods;
  const std::string path = fmt::format("/api/v1/pods?fieldSelector=spec.nodeName%3D{}&", node);
  SLIPWAY_TRY(read_pages(path, [&](const std::string& body) -> Result<std::string> {
    SLIPWAY_ASSIGN(PodPage page, pod_page_from_json(body));
    for (Pod& pod : page.pods) pods.push_back(std::move(pod));
    return std::move(page.next);
  }));
  return pods;
}

Result<std::string> ClusterApi::eviction_version() const {
  SLIPWAY_ASSIGN(const std::string body, call("GET", "/api/v1"));
  return eviction_version_from_json(body);
}

Result<Eviction> ClusterApi::evict(const Pod& pod, const std::string& version) const {
  const json::object eviction{
      {"apiVersion", "policy/" + version},
      {"kind", "Eviction"},
      {"metadata", json::object{{"name", pod.name}, {"namespace", pod.space}}},
      {"deleteOptions", json::object{{"preconditions", json::object{{"uid", pod.uid}}}}},
  };
  const std::string path = fmt::format("/api/v1/namespaces/{}/pods/{}/eviction", pod.space, pod.name);
  SLIPWAY_ASSIGN(const http::Response response, send("POST", path, json::serialize(eviction)));
  if (response.status >= 200 && response.status < 300) return Eviction{};
  if (response.status == 429) return Eviction{disruption_from_json(response.body)};
  // Gone, or another pod has its name by now.
  if (response.status == 404 || response.status == 409) return Eviction{};
  return fail(code_of(response.status), fmt::format("the apiserver {} answered the eviction of {} with {}: {}", server_,
                                                    pod.full_name(), response.status, message_of(response.body)));
}

}  // namespace slipway::kube
