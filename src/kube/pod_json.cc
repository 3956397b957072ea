#include "kube/pod_json.h"

#include "kube/json_lookup.h"

namespace slipway::kube {
namespace {

namespace json = boost::json;

// The kind of the object that owns this one as its controller, or "".
std::string controller_of(const json::object* metadata) {
  for (const json::value& value : array_at(metadata, "ownerReferences")) {
    const json::object* owner = value.if_object();
    const json::value* controls = owner == nullptr ? nullptr : owner->if_contains("controller");
    if (controls != nullptr && controls->is_bool() && controls->get_bool()) return text_at(owner, "kind");
  }
  return {};
}

Result<Pod> to_pod(const json::value& value) {
  const json::object* document = value.if_object();
  const json::object* metadata = object_at(document, "metadata");
  Pod pod;
  pod.space = text_at(metadata, "namespace");
  pod.name = text_at(metadata, "name");
  pod.uid = text_at(metadata, "uid");
  if (pod.space.empty() || pod.name.empty() || pod.uid.empty())
    return fail(ErrorCode::kMalformed, "the apiserver answered with a pod that lacks its namespace, name or uid");
  const std::string controller = controller_of(metadata);
  pod.of_daemon_set = controller == "DaemonSet";
  pod.is_bare = controller.empty();
  const json::object* annotations = object_at(metadata, "annotations");
  pod.is_mirror = annotations != nullptr && annotations->contains("kubernetes.io/config.mirror");
  pod.is_terminating = metadata->contains("deletionTimestamp");
  const json::object* status = object_at(document, "status");
  for (const json::value& entry : array_at(status, "conditions")) {
    const json::object* condition = entry.if_object();
    if (text_at(condition, "type") == "Ready") pod.is_ready = text_at(condition, "status") == "True";
  }
  const std::string phase = text_at(status, "phase");
  pod.is_finished = phase == "Succeeded" || phase == "Failed";
  return pod;
}

Result<json::object> parse(std::string_view text) {
  json::error_code error;
  json::value document = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return fail(ErrorCode::kMalformed, "the apiserver's answer is not JSON: " + error.message());
  if (!document.is_object()) return fail(ErrorCode::kMalformed, "the apiserver's answer is not a JSON object");
  return std::move(document.get_object());
}

}  // namespace

Result<PodPage> pod_page_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::object list, parse(text));
  if (!list.contains("items")) return fail(ErrorCode::kMalformed, "the apiserver's answer is not a list of pods");
  PodPage page;
  for (const json::value& item : array_at(&list, "items")) {
    SLIPWAY_ASSIGN(Pod pod, to_pod(item));
    page.pods.push_back(std::move(pod));
  }
  page.next = text_at(object_at(&list, "metadata"), "continue");
  return page;
}

Result<std::string> eviction_version_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::object list, parse(text));
  for (const json::value& value : array_at(&list, "resources")) {
    const json::object* resource = value.if_object();
    if (text_at(resource, "name") != "pods/eviction") continue;
    const std::string version = text_at(resource, "version");
    if (text_at(resource, "group") == "policy" && !version.empty()) return version;
  }
  return fail(ErrorCode::kUnavailable, "the apiserver has no eviction API: nodes cannot be drained");
}

std::string disruption_from_json(std::string_view text) {
  const Result<json::object> status = parse(text);
  if (!status) return std::string(text.substr(0, 200));
  std::string words;
  for (const json::value& value : array_at(object_at(&*status, "details"), "causes")) {
    const std::string message = text_at(value.if_object(), "message");
    if (!message.empty()) words += (words.empty() ? "" : "; ") + message;
  }
  if (words.empty()) words = text_at(&*status, "message");
  return words.empty() ? "the apiserver gives no reason" : words;
}

}  // namespace slipway::kube
