#include "kube/label_review.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>
#include <vector>

namespace slipway::kube {
namespace {

namespace json = boost::json;
using Labels = std::map<std::string, std::string>;

Result<const json::object*> object_at(const json::object& parent, std::string_view key) {
  const json::value* value = parent.if_contains(key);
  if (value == nullptr || !value->is_object())
    return fail(ErrorCode::kMalformed, fmt::format("the admission review has no object at {}", key));
  return &value->get_object();
}

Result<std::string> text_at(const json::object& parent, std::string_view key) {
  const json::value* value = parent.if_contains(key);
  if (value == nullptr || !value->is_string())
    return fail(ErrorCode::kMalformed, fmt::format("the admission review has no text at {}", key));
  return std::string(value->get_string());
}

// The guarded labels of a Node; a null or absent object has none, anything that is not a Node's form is kMalformed.
Result<Labels> guarded_labels(const json::object& request, std::string_view key) {
  Labels result;
  const json::value* node = request.if_contains(key);
  if (node == nullptr || node->is_null()) return result;
  if (!node->is_object()) return fail(ErrorCode::kMalformed, fmt::format("{} is not an object", key));
  SLIPWAY_ASSIGN(const json::object* metadata, object_at(node->get_object(), "metadata"));
  const json::value* labels = metadata->if_contains("labels");
  if (labels == nullptr || labels->is_null()) return result;
  if (!labels->is_object()) return fail(ErrorCode::kMalformed, fmt::format("{}.metadata.labels is not an object", key));
  for (const auto& [name, value] : labels->get_object()) {
    if (!name.starts_with(json::string_view(kGuardedLabelPrefix.data(), kGuardedLabelPrefix.size()))) continue;
    if (!value.is_string())
      return fail(ErrorCode::kMalformed, fmt::format("the label {} of {} is not text", std::string(name), key));
    result.emplace(std::string(name), std::string(value.get_string()));
  }
  return result;
}

std::vector<std::string> changes(const Labels& before, const Labels& after) {
  std::vector<std::string> result;
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != value) result.push_back(name);
  }
  for (const auto& [name, value] : before)
    if (!after.contains(name)) result.push_back(name);
  return result;
}

// The size of the value as the apiserver writes it: Go's encoding/json escapes '<', '>', '&', U+2028 and U+2029 for
// HTML, and makes \ufffd of each byte that is not UTF-8.
std::size_t size_for_apiserver(const json::value& value) {
  const std::string text = json::serialize(value);
  std::size_t size = text.size();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '<' || text[at] == '>' || text[at] == '&') size += 5;
    const std::string_view three = std::string_view(text).substr(at, 3);
    if (three == "\xe2\x80\xa8" || three == "\xe2\x80\xa9" || three == "\xef\xbf\xbd") size += 3;
  }
  return size;
}

std::string answer(const std::string& uid, const std::string& refusal) {
  json::object response{{"uid", uid}, {"allowed", refusal.empty()}};
  if (!refusal.empty()) response["status"] = json::object{{"code", 403}, {"reason", "Forbidden"}, {"message", refusal}};
  return json::serialize(
      json::object{{"apiVersion", "admission.k8s.io/v1"}, {"kind", "AdmissionReview"}, {"response", response}});
}

}  // namespace

Result<std::string> decide_label_review(std::string_view review) {
  if (review.size() > kMaximumReviewSize)
    return fail(ErrorCode::kMalformed, fmt::format("the admission review is larger than {} bytes", kMaximumReviewSize));
  json::error_code error;
  const json::value document = json::parse(json::string_view(review.data(), review.size()), error);
  if (error || !document.is_object()) return fail(ErrorCode::kMalformed, "the admission review is not a JSON object");
  SLIPWAY_ASSIGN(const json::object* request, object_at(document.get_object(), "request"));
  SLIPWAY_ASSIGN(const std::string uid, text_at(*request, "uid"));
  SLIPWAY_ASSIGN(const std::string operation, text_at(*request, "operation"));
  SLIPWAY_ASSIGN(const json::object* resource, object_at(*request, "resource"));
  SLIPWAY_ASSIGN(const std::string resource_name, text_at(*resource, "resource"));
  SLIPWAY_ASSIGN(const json::object* user, object_at(*request, "userInfo"));
  SLIPWAY_ASSIGN(const std::string user_name, text_at(*user, "username"));
  if (resource_name != "nodes")
    return fail(ErrorCode::kMalformed, fmt::format("the admission review is about {}, not nodes", resource_name));
  if (operation != "CREATE" && operation != "UPDATE")
    return fail(ErrorCode::kMalformed, fmt::format("the operation {} is neither CREATE nor UPDATE", operation));

  // Without the object there is nothing to compare, and "no labels" must not be read out of its absence.
  SLIPWAY_TRY(object_at(*request, "object"));
  if (operation == "UPDATE") SLIPWAY_TRY(object_at(*request, "oldObject"));
  const bool is_slipway = user_name == kControlPlaneUser;
  const std::size_t limit = user_name.starts_with(kKubeletUserPrefix) ? kMaximumNodeOfKubelet : kMaximumNode;
  if (!is_slipway && review.size() > limit && size_for_apiserver(request->at("object")) > limit)
    return answer(uid, fmt::format("{} may not make the Node larger than {} KiB of JSON: one that nobody can read any "
                                   "more would keep its labels",
                                   user_name, limit >> 10));
  SLIPWAY_ASSIGN(const Labels after, guarded_labels(*request, "object"));
  SLIPWAY_ASSIGN(const Labels before, guarded_labels(*request, "oldObject"));
  const std::vector<std::string> changed = changes(before, after);
  if (changed.empty() || is_slipway) return answer(uid, "");
  return answer(uid, fmt::format("{} may not set, change or take off {}: labels under {} say what Slipway has verified "
                                 "of a node, and Slipway alone sets them",
                                 user_name, fmt::join(changed, ", "), kGuardedLabelPrefix));
}

}  // namespace slipway::kube
