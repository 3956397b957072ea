#include "api/call.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::api {
namespace {

namespace json = boost::json;

std::string operation_url(const Call& call, const fleet::Operation& operation, std::string_view kind) {
  const auto version = call.request.query.find("api-version");
  return fmt::format("{}/subscriptions/{}/providers/Microsoft.ContainerService/locations/{}/{}/{}?api-version={}",
                     call.request.base_url, operation.subscription, operation.location, kind, operation.id,
                     version == call.request.query.end() ? "2025-03-01" : version->second);
}

// "There is: a, b." for the reader who mistyped a name.
Result<std::string> names_in_group(Call& call) {
  SLIPWAY_ASSIGN(const auto documents, call.store.list(fleet::cluster_key("")));
  std::string names;
  for (const store::Document& document : documents) {
    SLIPWAY_ASSIGN(const fleet::Cluster cluster, fleet::cluster_from_json(document.value));
    if (!equal_without_case(cluster.resource_group, call.parameter("group"))) continue;
    names += (names.empty() ? "" : ", ") + cluster.name;
  }
  return names.empty() ? std::string(" The group has no clusters.") : fmt::format(" The group has: {}.", names);
}

}  // namespace

bool equal_without_case(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&lower](char a, char b) { return lower(a) == lower(b); });
}

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

void add_operation_headers(const Call& call, const fleet::Operation& operation, bool with_location,
                           http::Response& response) {
  response.headers["Azure-AsyncOperation"] = operation_url(call, operation, "operations");
  response.headers["Retry-After"] = "1";
  if (with_location) response.headers["Location"] = operation_url(call, operation, "operationresults");
}

Result<Stored<fleet::ResourceGroup>> find_group(Call& call) {
  const std::string& name = call.parameter("group");
  const auto document = call.store.get(fleet::resource_group_key(call.options.subscription, name));
  if (!document && document.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound,
                fmt::format("Resource group '{}' could not be found. Make it with `slipway group create --name {} "
                            "--location {}`.",
                            name, name, call.options.location),
                "ResourceGroupNotFound");
  }
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
  if (!document && document.error().code == ErrorCode::kNotFound) {
    SLIPWAY_ASSIGN(const std::string hint, names_in_group(call));
    return fail(ErrorCode::kNotFound,
                fmt::format("The Resource 'Microsoft.ContainerService/managedClusters/{}' under resource group '{}' "
                            "was not found.{}",
                            name, group, hint),
                "ResourceNotFound");
  }
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(fleet::Cluster cluster, fleet::cluster_from_json(document->value));
  return Stored<fleet::Cluster>{std::move(cluster), document->revision};
}

Result<Stored<fleet::Pool>> find_pool(Call& call, const fleet::Cluster& cluster) {
  const std::string& name = call.parameter("pool");
  const auto document = call.store.get(fleet::pool_key(cluster.id, name));
  if (!document && document.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound,
                fmt::format("Could not find the agentpool: '{}' in cluster '{}'.", name, cluster.name), "NotFound");
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
    SLIPWAY_ASSIGN(fleet::Node node, fleet::node_from_json(document.value));
    if (node.cluster == cluster.id) nodes.push_back(std::move(node));
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
