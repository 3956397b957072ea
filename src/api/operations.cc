#include <fmt/format.h>

#include "api/arm_error.h"
#include "api/arm_resource.h"
#include "api/handlers.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

Result<fleet::Operation> find_operation(Call& call) {
  const auto document = call.store.get(fleet::operation_key(call.parameter("operation")));
  if (!document && document.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound, fmt::format("There is no operation '{}'.", call.parameter("operation")),
                "NotFound");
  }
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(fleet::Operation operation, fleet::operation_from_json(document->value));
  // The operation stands outside of what it works on, and is for those who may look at that.
  SLIPWAY_TRY(authorize(call.principal, Deed::kRead, operation.resource, action_of(call.request)));
  return operation;
}

bool is_deletion(const fleet::Operation& operation) {
  return operation.kind == "DeleteCluster" || operation.kind == "DeletePool";
}

}  // namespace

Result<http::Response> get_operation(Call& call) {
  SLIPWAY_ASSIGN(const fleet::Operation operation, find_operation(call));
  json::object body{{"id", fmt::format("{}/providers/Microsoft.ContainerService/locations/{}/operations/{}",
                                       call.subscription_path(), operation.location, operation.id)},
                    {"name", operation.id},
                    {"status", operation.status},
                    {"startTime", to_rfc3339(operation.started)}};
  if (operation.ended) body["endTime"] = to_rfc3339(*operation.ended);
  if (!operation.error_code.empty()) {
    body["error"] = json::object{{"code", operation.error_code}, {"message", operation.error_message}};
  }
  body["resourceId"] = operation.resource;
  body["properties"] = json::object{{"progress", operation.progress}};
  http::Response response = json_response(200, body);
  if (operation.status == "InProgress") response.headers["Retry-After"] = "1";
  return response;
}

// Where Location leads: 202 while it runs, then what the request itself would have answered.
Result<http::Response> get_operation_result(Call& call) {
  SLIPWAY_ASSIGN(const fleet::Operation operation, find_operation(call));
  http::Response response;
  if (operation.status == "InProgress") {
    response.status = 202;
    add_operation_headers(call, operation, true, response);
    return response;
  }
  if (operation.status != "Succeeded") {
    return fail(ErrorCode::kConflict, operation.error_message,
                operation.error_code.empty() ? "OperationFailed" : operation.error_code);
  }
  response.status = 204;
  if (is_deletion(operation)) return response;

  const auto document = call.store.get(fleet::cluster_key(operation.cluster));
  if (!document && document.error().code == ErrorCode::kNotFound) return response;
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(fleet::Cluster record, fleet::cluster_from_json(document->value));
  const Stored<fleet::Cluster> cluster{std::move(record), document->revision};
  SLIPWAY_ASSIGN(const auto pools, pools_of(call, cluster.record));
  if (operation.pool.empty()) return json_response(200, cluster_resource(call, cluster, pools));
  for (const Stored<fleet::Pool>& pool : pools) {
    if (pool.record.name == operation.pool) return json_response(200, pool_resource(cluster.record, pool));
  }
  return response;
}

}  // namespace slipway::api
