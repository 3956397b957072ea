#include "api/api.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/arm_error.h"
#include "api/handlers.h"
#include "api/routes.h"
#include "api/token.h"

namespace slipway::api {
namespace {

// How often a request is judged anew when others keep writing what it read.
constexpr int kAttempts = 8;

bool is_read(const http::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

// What every route but the open ones asks of a request, once the caller is known.
Status check_common(const Call& call, const Route* route) {
  const std::string& path = call.request.path;
  if (std::any_of(path.begin(), path.end(), [](char c) { return c < ' ' || c > '~'; })) {
    return fail(ErrorCode::kInvalidArgument, "The path has characters that no name here has: use printable ASCII.",
                "InvalidRequestUri");
  }
  const auto subscription = call.parameters.find("subscription");
  if (subscription != call.parameters.end() && !equal_without_case(subscription->second, call.options.subscription)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("The subscription '{}' could not be found: this installation has '{}'.",
                            subscription->second, call.options.subscription),
                "SubscriptionNotFound");
  }
  // The directory's paths carry their version themselves.
  const bool needs_version = route != nullptr && route->access != Access::kDirectory;
  if (needs_version && call.request.query.count("api-version") == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "The api-version query parameter (?api-version=) is required for all requests.",
                "MissingApiVersionParameter");
  }
  const auto type = call.request.headers.find("Content-Type");
  const std::string_view media = type == call.request.headers.end()
                                     ? std::string_view("application/json")
                                     : std::string_view(type->second).substr(0, type->second.find_first_of("; "));
  if (!call.request.body.empty() && !equal_without_case(media, "application/json")) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("The content type '{}' is not supported: send application/json.", media.substr(0, 100)),
                "UnsupportedMediaType");
  }
  return {};
}

Status check_access(const Call& call, const Route& route, const std::string& action) {
  switch (route.access) {
    case Access::kByPath:
      return authorize(call.principal, deed_of(call.request), call.request.path, action);
    case Access::kDirectory:
      return authorize(call.principal, Deed::kGrant, call.subscription_path(), action);
    case Access::kAnyone:
    case Access::kByHandler:
      break;
  }
  return {};
}

// Code and message of an answer that refuses: ARM's form, or OAuth's.
void take_reason(const http::Response& response, ActivityEvent& event) {
  const auto body = parse_body(response.body);
  if (!body) return;
  const boost::json::value* const error = body->if_contains("error");
  const bool is_arm = error != nullptr && error->is_object();
  Properties properties(is_arm ? error->get_object() : *body, "");
  event.code = properties.text(is_arm ? "code" : "error");
  event.message = properties.text(is_arm ? "message" : "error_description");
}

}  // namespace

struct Api::State {
  ApiOptions options;
  store::Store& store;
  kube::Kubernetes& kubernetes;
  const Clock& clock;
  Random& random;
  FailureLimit failures;

  Result<http::Response> answer(Call& call, const RouteMatch& match, ActivityEvent& event);
  Status record_start(const Call& call, ActivityEvent& event);
  void record_end(const Call& call, const RouteMatch& match, const http::Response& response, ActivityEvent& event);
};

// Before a change is made, so that none is made that is not in the audit trail.
Status Api::State::record_start(const Call& call, ActivityEvent& event) {
  event.caller = call.principal.client;
  event.status = "Started";
  const Status recorded = options.activity_log->record(ActivityLog::Series::kChanges, event);
  if (recorded) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("Nothing was done, since it cannot be written down: {}.", recorded.error().message));
}

void Api::State::record_end(const Call& call, const RouteMatch& match, const http::Response& response,
                            ActivityEvent& event) {
  const bool is_login = match.route != nullptr && match.route->handler == post_token;
  const bool was_started = event.status == "Started";
  const bool is_refusal = response.status == 401 || response.status == 403 ||
                          (is_login && response.status >= 400 && response.status != 429);
  if (!was_started && !is_refusal) return;
  event.id = make_uuid(random);
  event.time = clock.now();
  event.http_status = response.status;
  event.status = response.status >= 400                           ? "Failed"
                 : response.headers.count("Azure-AsyncOperation") ? "Accepted"
                                                                  : "Succeeded";
  if (response.status >= 400) take_reason(response, event);
  event.caller = call.principal.client;
  if (is_login) {
    event.action = "Microsoft.Directory/login/action";
    event.message += fmt::format(" The login was for client '{}'.", call.claimed_client.substr(0, 100));
  }
  const auto series = was_started ? ActivityLog::Series::kChanges : ActivityLog::Series::kRefusals;
  // What was done is done, and its start is written down.
  static_cast<void>(options.activity_log->record(series, event));
}

Result<http::Response> Api::State::answer(Call& call, const RouteMatch& match, ActivityEvent& event) {
  const http::Request& request = call.request;
  const bool is_open = match.route != nullptr && match.route->access == Access::kAnyone;
  if (!is_open) {
    // Who is not known learns nothing of which paths exist.
    SLIPWAY_ASSIGN(call.principal, authenticate(options, store, request, call.now));
    SLIPWAY_TRY(check_common(call, match.route));
  }
  if (match.route == nullptr && match.path_exists) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("The method {} is not supported on '{}'.", request.method, request.path),
                "HttpMethodNotAllowed");
  }
  if (match.route == nullptr) {
    return fail(ErrorCode::kNotFound, fmt::format("There is nothing at '{}'.", request.path.substr(0, 500)),
                "InvalidResourceType");
  }
  if (!is_open) {
    SLIPWAY_TRY(check_access(call, *match.route, event.action));
    if (!is_read(request)) SLIPWAY_TRY(record_start(call, event));
  }
  Result<http::Response> response = match.route->handler(call);
  for (int attempt = 1; attempt < kAttempts; ++attempt) {
    const bool lost_a_race =
        !response && response.error().code == ErrorCode::kConflict && response.error().reason.empty();
    if (!lost_a_race) break;
    response = match.route->handler(call);
  }
  return response;
}

Api::Api(ApiOptions options, store::Store& store, kube::Kubernetes& kubernetes, const Clock& clock, Random& random)
    : state_(new State{std::move(options), store, kubernetes, clock, random, {}}) {}
Api::~Api() = default;

http::Response Api::handle(const http::Request& request) {
  const RouteMatch match = find_route(request);
  State& state = *state_;
  Call call{state.options,     state.store, state.kubernetes, state.random, state.failures,
            state.clock.now(), request,     match.parameters, {},           {}};
  const auto correlation = request.headers.find("x-ms-client-request-id");
  ActivityEvent event;
  event.time = call.now;
  event.id = make_uuid(state.random);
  event.correlation = make_uuid(state.random);
  event.address = request.peer;
  event.method = request.method;
  event.uri = request.base_url + request.path;
  if (correlation != request.headers.end()) event.client_request = correlation->second;
  http::Request spelled;
  spelled.method = request.method;
  spelled.path = canonical_path(match, request);
  event.action = action_of(spelled);
  event.resource = resource_of(spelled);

  Result<http::Response> answer = state.answer(call, match, event);
  http::Response response = answer ? std::move(*answer) : error_response(answer.error());
  if (!answer && response.status == 401) {
    response.headers["WWW-Authenticate"] =
        fmt::format(R"(Bearer authorization_uri="{}/{}", error="invalid_token", error_description="{}")",
                    request.base_url, state.options.tenant, "The access token is missing or not valid.");
  }
  state.record_end(call, match, response, event);
  response.headers["x-ms-correlation-request-id"] = event.correlation;
  if (correlation != request.headers.end()) response.headers["x-ms-client-request-id"] = correlation->second;
  return response;
}

}  // namespace slipway::api
