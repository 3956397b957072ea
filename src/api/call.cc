#include "api/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/access.h"
#include "base/near_name.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

std::string operation_url(const Call& call, const fleet::Operation& operation, std::string_view kind) {
  const auto version = call.request.query.find("api-version");
  return fmt::format("{}/subscriptions/{}/providers/Microsoft.ContainerService/locations/{}/{}/{}?api-version={}",
                     call.request.base_url, operation.subscription, percent_encoded(operation.location), kind,
                     operation.id,
                     version == call.request.query.end() ? "2025-03-01" : percent_encoded(version->second));
}

// A group that the caller may see and that was probably meant.
Result<std::string> near_group(Call& call, const std::string& name) {
  SLIPWAY_ASSIGN(const auto documents, call.store.list(fleet::resource_group_key(call.options.subscription, "")));
  std::vector<std::string> names;
  for (const store::Document& document : documents) {
    SLIPWAY_ASSIGN(const fleet::ResourceGroup group, fleet::resource_group_from_json(document.value));
    const std::string scope = fmt::format("{}/resourceGroups/{}", call.subscription_path(), group.name);
    if (may(call.principal, Deed::kRead, scope)) names.push_back(group.name);
  }
  return did_you_mean(near_name(name, names));
}

// "The group has: a, b." for the reader who mistyped a name: those that the caller may see.
Result<std::string> names_in_group(Call& call) {
  SLIPWAY_ASSIGN(const auto documents, call.store.list(fleet::cluster_key("")));
  std::vector<std::string> names;
  for (const store::Document& document : documents) {
    SLIPWAY_ASSIGN(const fleet::Cluster cluster, fleet::cluster_from_json(document.value));
    if (!equal_without_case(cluster.resource_group, call.parameter("group"))) continue;
    if (may(call.principal, Deed::kRead, cluster_resource_id(cluster))) names.push_back(cluster.name);
  }
  const std::string group = fmt::format("{}/resourceGroups/{}", call.subscription_path(), call.parameter("group"));
  if (names.empty()) {
    return std::string(may(call.principal, Deed::kRead, group) ? " The group has no clusters." : "");
  }
  return fmt::format("{} The group has: {}.", did_you_mean(near_name(call.parameter("cluster"), names)),
                     fmt::join(names, ", "));
}

// Removes a group whose deletion was asked for and whose last cluster is gone. Nobody watches for that moment: whoever
// asks for the group next finds it gone.
Status finish_group_deletion(Call& call, const std::string& name) {
  const std::string mark_key = group_deletion_key(call.options.subscription, name);
  const auto mark = call.store.get(mark_key);
  if (!mark) return mark.error().code == ErrorCode::kNotFound ? Status() : Status(fail(mark.error()));
  SLIPWAY_ASSIGN(const auto clusters, call.store.list(fleet::cluster_name_key(call.options.subscription, name, "")));
  if (!clusters.empty()) return {};
  const auto committed = call.store.commit(
      {{{mark_key, mark->revision}}, {}, {mark_key, fleet::resource_group_key(call.options.subscription, name)}});
  if (!committed && committed.error().code != ErrorCode::kConflict) return fail(committed.error());
  return {};
}

// The same request, for what follows `last_key`.
std::string next_link(const http::Request& request, std::string_view last_key) {
  std::string link = request.base_url + percent_encoded(request.path, "/") + "?";
  for (const auto& [name, value] : request.query) {
    if (name == "$skiptoken") continue;
    link += percent_encoded(name, "$") + "=" + percent_encoded(value, "") + "&";
  }
  return link + "$skiptoken=" + to_base64url(as_bytes(last_key));
}

tl::unexpected<Error> bad_query(std::string_view name, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("The query parameter {} cannot be used: {}.", name, why),
              "InvalidParameter", std::string(name));
}

Result<std::size_t> page_size(const Call& call) {
  const auto top = call.request.query.find("$top");
  if (top == call.request.query.end()) return call.options.page_size;
  std::size_t wanted = 0;
  const char* const end = top->second.data() + top->second.size();
  const auto parsed = std::from_chars(top->second.data(), end, wanted);
  if (parsed.ec != std::errc() || parsed.ptr != end || wanted == 0) {
    return bad_query("$top", "it is not a number of items, 1 or more");
  }
  return std::min(wanted, call.options.page_size);
}

}  // namespace

std::string Call::subscription_path() const { return "/subscriptions/" + options.subscription; }

http::Response json_response(int status, const json::value& value) {
  http::Response response;
  response.status = status;
  response.headers["Content-Type"] = "application/json; charset=utf-8";
  response.body = json::serialize(value);
  return response;
}

http::Response list_response(json::array items) {
  return json_response(200, json::object{{"value", std::move(items)}});
}

Result<http::Response> paged_response(const Call& call, std::vector<std::pair<std::string, json::object>> items) {
  SLIPWAY_ASSIGN(const std::size_t size, page_size(call));
  const auto token = call.request.query.find("$skiptoken");
  std::string last_key;
  if (token != call.request.query.end()) {
    const auto decoded = from_base64url(token->second);
    if (!decoded) return bad_query("$skiptoken", "it is not one that a nextLink had");
    last_key = as_text(*decoded);
  }
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  json::array page;
  for (auto& [key, item] : items) {
    if (token != call.request.query.end() && key <= last_key) continue;
    if (page.size() == size) {
      json::object body{{"value", std::move(page)}, {"nextLink", next_link(call.request, last_key)}};
      return json_response(200, body);
    }
    page.emplace_back(std::move(item));
    last_key = key;
  }
  return list_response(std::move(page));
}

void add_operation_headers(const Call& call, const fleet::Operation& operation, bool with_location,
                           http::Response& response) {
  response.headers["Azure-AsyncOperation"] = operation_url(call, operation, "operations");
  response.headers["Retry-After"] = "1";
  if (with_location) response.headers["Location"] = operation_url(call, operation, "operationresults");
}

std::string group_deletion_key(std::string_view subscription, std::string_view group) {
  return "/deletions" + fleet::resource_group_key(subscription, group);
}

Result<bool> is_being_deleted(Call& call, const fleet::ResourceGroup& group) {
  const auto mark = call.store.get(group_deletion_key(group.subscription, group.name));
  if (!mark && mark.error().code != ErrorCode::kNotFound) return fail(mark.error());
  return mark.has_value();
}

Error group_not_found(Call& call) {
  const std::string& name = call.parameter("group");
  const auto hint = near_group(call, name);
  if (!hint) return hint.error();
  return Error{ErrorCode::kNotFound,
               fmt::format("Resource group '{}' could not be found.{} Make it with `slipway group create --name {} "
                           "--location {}`.",
                           name, *hint, name, call.options.location),
               "ResourceGroupNotFound",
               {}};
}

Error cluster_not_found(Call& call) {
  const auto hint = names_in_group(call);
  if (!hint) return hint.error();
  return Error{ErrorCode::kNotFound,
               fmt::format("The Resource 'Microsoft.ContainerService/managedClusters/{}' under resource group '{}' "
                           "was not found.{}",
                           call.parameter("cluster"), call.parameter("group"), *hint),
               "ResourceNotFound",
               {}};
}

Result<Stored<fleet::ResourceGroup>> find_group(Call& call) {
  const std::string& name = call.parameter("group");
  SLIPWAY_TRY(finish_group_deletion(call, name));
  const auto document = call.store.get(fleet::resource_group_key(call.options.subscription, name));
  if (!document && document.error().code == ErrorCode::kNotFound) return fail(group_not_found(call));
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(fleet::ResourceGroup group, fleet::resource_group_from_json(document->value));
  return Stored<fleet::ResourceGroup>{std::move(group), document->revision};
}

Result<Stored<fleet::Cluster>> find_cluster(Call& call) {
  SLIPWAY_TRY(find_group(call));
  const std::string& group = call.parameter("group");
  const std::string& name = call.parameter("cluster");
  const auto id = call.store.get(fleet::cluster_name_key(call.options.subscription, group, name));
  if (!id && id.error().code != ErrorCode::kNotFound) return fail(id.error());
  const auto document = id ? call.store.get(fleet::cluster_key(id->value)) : Result<store::Document>(fail(id.error()));
  if (!document && document.error().code == ErrorCode::kNotFound) return fail(cluster_not_found(call));
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(fleet::Cluster cluster, fleet::cluster_from_json(document->value));
  return Stored<fleet::Cluster>{std::move(cluster), document->revision};
}

Result<Stored<fleet::Pool>> find_pool(Call& call, const fleet::Cluster& cluster) {
  const std::string& name = call.parameter("pool");
  const auto document = call.store.get(fleet::pool_key(cluster.id, name));
  if (!document && document.error().code == ErrorCode::kNotFound) {
    SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster));
    std::vector<std::string> names;
    for (const auto& pool : pools) names.push_back(pool.record.name);
    return fail(ErrorCode::kNotFound,
                fmt::format("Could not find the agentpool: '{}' in cluster '{}'.{}", name, cluster.name,
                            did_you_mean(near_name(name, names))),
                "NotFound");
  }
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(fleet::Pool pool, fleet::pool_from_json(document->value));
  return Stored<fleet::Pool>{std::move(pool), document->revision};
}

Result<std::vector<Stored<fleet::Pool>>> pools_of(Call& call, const fleet::Cluster& cluster) {
  SLIPWAY_ASSIGN(const auto documents, call.store.list(fleet::pool_key(cluster.id, "")));
  std::vector<Stored<fleet::Pool>> pools;
  for (const store::Document& document : documents) {
    SLIPWAY_ASSIGN(fleet::Pool pool, fleet::pool_from_json(document.value));
    pools.push_back({std::move(pool), document.revision});
  }
  return pools;
}

Result<std::vector<fleet::Node>> nodes_of(Call& call, const fleet::Cluster& cluster) {
  SLIPWAY_ASSIGN(const auto documents, call.store.list(fleet::node_key("")));
  std::vector<fleet::Node> nodes;
  for (const store::Document& document : documents) {
    auto node = fleet::node_from_json(document.value);
    if (!node) {
      node = fleet::salvaged_node(document.key.substr(fleet::node_key("").size()), document.value, node.error());
    }
    if (node->cluster == cluster.id) nodes.push_back(*std::move(node));
  }
  std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return nodes;
}

fleet::Operation make_operation(Call& call, std::string kind, const fleet::Cluster& cluster, std::string pool,
                                std::string resource) {
  fleet::Operation operation;
  operation.id = make_uuid(call.random);
  operation.subscription = call.options.subscription;
  operation.location = cluster.location;
  operation.resource = std::move(resource);
  operation.kind = std::move(kind);
  operation.cluster = cluster.id;
  operation.pool = std::move(pool);
  operation.started = call.now;
  return operation;
}

Status cancel_operation(Call& call, const std::string& id, store::Transaction& transaction) {
  if (id.empty()) return {};
  const auto document = call.store.get(fleet::operation_key(id));
  if (!document && document.error().code == ErrorCode::kNotFound) return {};
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(fleet::Operation operation, fleet::operation_from_json(document->value));
  if (operation.status != "InProgress") return {};
  operation.status = "Canceled";
  operation.ended = call.now;
  operation.error_code = "OperationPreempted";
  operation.error_message = "The operation was overtaken by a request to delete what it worked on.";
  operation.progress.clear();
  transaction.conditions.push_back({document->key, document->revision});
  transaction.puts.push_back({document->key, fleet::to_json(operation)});
  return {};
}

std::string cluster_resource_id(const fleet::Cluster& cluster) {
  return fmt::format("/subscriptions/{}/resourcegroups/{}/providers/Microsoft.ContainerService/managedClusters/{}",
                     cluster.subscription, cluster.resource_group, cluster.name);
}

std::string pool_resource_id(const fleet::Cluster& cluster, const fleet::Pool& pool) {
  return cluster_resource_id(cluster) + "/agentPools/" + pool.name;
}

std::string entity_tag(std::int64_t revision) { return std::to_string(revision); }

Status check_entity_tags(const http::Request& request, std::int64_t revision) {
  const auto unquoted = [](std::string_view tag) {
    if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
    return tag;
  };
  const auto match = request.headers.find("If-Match");
  const auto none_match = request.headers.find("If-None-Match");
  const bool exists = revision != 0;
  if (match != request.headers.end()) {
    const std::string_view wanted = unquoted(match->second);
    if (!exists || (wanted != "*" && wanted != entity_tag(revision))) {
      return fail(ErrorCode::kPreconditionFailed,
                  "The resource changed since it was read (If-Match does not hold): read it again, and try again.",
                  "PreconditionFailed");
    }
  }
  if (none_match != request.headers.end() && exists) {
    const std::string_view unwanted = unquoted(none_match->second);
    if (unwanted == "*" || unwanted == entity_tag(revision)) {
      return fail(ErrorCode::kPreconditionFailed, "The resource exists already (If-None-Match does not hold).",
                  "PreconditionFailed");
    }
  }
  return {};
}

}  // namespace slipway::api
