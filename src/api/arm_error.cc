#include "api/arm_error.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace slipway::api {
namespace {

namespace json = boost::json;

struct ClassRow {
  ErrorCode code;
  int status;
  std::string_view arm_code;
};
constexpr std::array kClasses = {
    ClassRow{ErrorCode::kInvalidArgument, 400, "InvalidParameter"},
    ClassRow{ErrorCode::kMalformed, 400, "InvalidRequestContent"},
    ClassRow{ErrorCode::kNotFound, 404, "NotFound"},
    ClassRow{ErrorCode::kConflict, 409, "Conflict"},
    ClassRow{ErrorCode::kPreconditionFailed, 409, "OperationNotAllowed"},
    ClassRow{ErrorCode::kUnauthenticated, 401, "AuthenticationFailed"},
    ClassRow{ErrorCode::kPermissionDenied, 403, "AuthorizationFailed"},
    ClassRow{ErrorCode::kResourceExhausted, 429, "TooManyRequests"},
    ClassRow{ErrorCode::kUnavailable, 503, "ServiceUnavailable"},
    ClassRow{ErrorCode::kInternal, 500, "InternalServerError"},
};

// Where ARM gives a reason another status than its class has.
struct ReasonRow {
  std::string_view reason;
  int status;
};
constexpr std::array kReasons = {
    ReasonRow{"PreconditionFailed", 412},
    ReasonRow{"HttpMethodNotAllowed", 405},
    ReasonRow{"UnsupportedMediaType", 415},
};

const ClassRow& row_of(const Error& error) {
  return *std::find_if(kClasses.begin(), kClasses.end(),
                       [&error](const ClassRow& row) { return row.code == error.code || &row == &kClasses.back(); });
}

json::object to_object(const Error& error) {
  json::object object;
  object["code"] = arm_code(error);
  object["message"] = error.message;
  if (!error.target.empty()) object["target"] = error.target;
  return object;
}

}  // namespace

int http_status(const Error& error) {
  for (const ReasonRow& row : kReasons) {
    if (row.reason == error.reason) return row.status;
  }
  return row_of(error).status;
}

std::string_view arm_code(const Error& error) {
  return error.reason.empty() ? row_of(error).arm_code : std::string_view(error.reason);
}

http::Response error_response(const std::vector<Error>& errors) {
  http::Response response;
  response.status = http_status(errors.front());
  response.headers["Content-Type"] = "application/json; charset=utf-8";
  if (response.status == 503 || response.status == 429) response.headers["Retry-After"] = "1";
  json::object object = to_object(errors.front());
  if (errors.size() > 1) {
    // Clients print the message alone: it says everything by itself.
    std::string message;
    json::array details;
    for (const Error& error : errors) {
      message += (message.empty() ? "" : " ") + error.message;
      details.emplace_back(to_object(error));
    }
    object["message"] = message;
    object["details"] = std::move(details);
  }
  response.body = json::serialize(json::object{{"error", std::move(object)}});
  return response;
}

}  // namespace slipway::api
