#include "apps/slipway/arm_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "base/http_status.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr seconds kDefaultInterval{2};
constexpr seconds kLongestInterval{30};
constexpr seconds kPatience{120};
constexpr int kMaxPages = 1000;

std::string text_of(const json::value& value, std::string_view name) {
  if (!value.is_object()) return {};
  const json::value* found = value.get_object().if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

// A status that has no class of its own is the request's fault below 500, and from there on the server's.
ErrorCode code_of(int status) {
  const ErrorCode code = error_code_of_http(status);
  if (code != ErrorCode::kUnavailable || status == 503) return code;
  return status < 500 ? ErrorCode::kInvalidArgument : ErrorCode::kInternal;
}

// ARM's {"error":{...}}, or the flat form of AKS.
Error error_of(const Answer& answer) {
  const json::value* nested = answer.body.is_object() ? answer.body.get_object().if_contains("error") : nullptr;
  const json::value& body = nested != nullptr && nested->is_object() ? *nested : answer.body;
  Error error{code_of(answer.status), printable(text_of(body, "message")), printable(text_of(body, "code")),
              printable(text_of(body, "target"))};
  if (error.message.empty()) error.message = printable(text_of(body, "error_description"));
  if (error.message.empty()) error.message = fmt::format("the server answered {} without a reason", answer.status);
  return error;
}

Result<json::value> parse_body(const std::string& body) {
  if (body.empty()) return json::value(nullptr);
  json::error_code error;
  json::value value = json::parse(body, error);
  if (error) return fail(ErrorCode::kMalformed, "the server's answer is not JSON: " + printable(body, 200));
  return value;
}

std::string header(const http::Headers& headers, std::string_view name) {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

seconds interval_of(const http::Headers& headers) {
  const std::string text = header(headers, "Retry-After");
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return kDefaultInterval;
  return std::min(seconds(value), kLongestInterval);
}

seconds age_of(SteadyTime start) {
  return std::chrono::duration_cast<seconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

std::string encode_segment(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string shown;
  for (std::size_t i = 0; i < text.size() && shown.size() < limit; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, the second set of control characters, in UTF-8.
    const bool second_set = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (second_set) ++i;
    shown += second_set || byte < 0x20 || byte == 0x7f ? '?' : text[i];
  }
  return shown;
}

ArmClient::ArmClient(Login login, Progress progress, Trace trace)
    : login_(std::move(login)), progress_(std::move(progress)), trace_(std::move(trace)), client_([this] {
        http::ClientOptions options;
        options.ca_pem = login_.authority;
        return options;
      }()) {}

std::string ArmClient::subscription_path() const { return "/subscriptions/" + encode_segment(login_.subscription); }

std::string ArmClient::group_path(std::string_view group) const {
  return subscription_path() + "/resourceGroups/" + encode_segment(group);
}

std::string ArmClient::cluster_path(std::string_view group, std::string_view cluster) const {
  return group_path(group) + "/providers/Microsoft.ContainerService/managedClusters/" + encode_segment(cluster);
}

Result<http::Response> ArmClient::exchange(const http::ClientRequest& request) {
  auto response = client_.send(request);
  if (trace_)
    trace_(fmt::format("{} {}: {}", request.method, printable(request.url, 500),
                       response ? std::to_string(response->status) : printable(response.error().message, 500)));
  if (!response && response.error().code == ErrorCode::kUnavailable)
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}. See that slipwayd runs at {}, or log in to another one: slipway login --help",
                            response.error().message, login_.endpoint));
  return response;
}

Result<std::string> ArmClient::token() {
  if (token_.empty()) SLIPWAY_TRY(authenticate());
  return token_;
}

Status ArmClient::authenticate() {
  http::ClientRequest request;
  request.method = "POST";
  request.url = login_.endpoint + '/' + encode_segment(login_.tenant) + "/oauth2/v2.0/token";
  request.headers["Content-Type"] = "application/x-www-form-urlencoded";
  request.body = "grant_type=client_credentials&client_id=" + encode_segment(login_.client) +
                 "&client_secret=" + encode_segment(login_.secret) +
                 "&scope=" + encode_segment(login_.endpoint + "/.default");
  SLIPWAY_ASSIGN(const auto response, exchange(request));
  SLIPWAY_ASSIGN(auto body, parse_body(response.body));
  const Answer answer{response.status, std::move(body), response.headers};
  if (answer.status != 200) {
    Error error = error_of(answer);
    return fail(ErrorCode::kUnauthenticated,
                fmt::format("{} does not accept this login: {}{} Log in again with slipway login.", login_.endpoint,
                            error.message, error.message.ends_with('.') ? "" : "."),
                "LoginRefused");
  }
  token_ = text_of(answer.body, "access_token");
  if (token_.empty()) return fail(ErrorCode::kMalformed, "the server answered without an access token");
  const json::value* lifetime = answer.body.get_object().if_contains("expires_in");
  if (lifetime != nullptr && lifetime->is_int64()) token_end_ = SystemClock().now() + seconds(lifetime->get_int64());
  return {};
}

Result<Answer> ArmClient::send_url(std::string_view method, const std::string& url,
                                   const std::optional<json::value>& body, const http::Headers& headers) {
  // A token must reach nobody but the server that it is for.
  if (!url.starts_with(login_.endpoint + '/'))
    return fail(ErrorCode::kPermissionDenied, fmt::format("the server sends us on to {}, which is not {}; not followed",
                                                          printable(url, 200), login_.endpoint));
  for (bool fresh = token_.empty();; fresh = true) {
    if (fresh) SLIPWAY_TRY(authenticate());
    http::ClientRequest request;
    request.method = method;
    request.url = url;
    request.headers = headers;
    request.headers["Authorization"] = "Bearer " + token_;
    request.headers["Accept"] = "application/json";
    if (body) {
      request.headers["Content-Type"] = "application/json";
      request.body = json::serialize(*body);
    }
    SLIPWAY_ASSIGN(const auto response, exchange(request));
    // Once more with a new token: this one may have ended while an operation was waited for.
    if (response.status == 401 && !fresh) continue;
    auto parsed = parse_body(response.body);
    if (!parsed && response.status < 400) return fail(std::move(parsed).error());
    Answer answer{response.status, std::move(parsed).value_or(json::value(nullptr)), response.headers};
    if (answer.status >= 400) return fail(error_of(answer));
    return answer;
  }
}

Result<Answer> ArmClient::send(std::string_view method, const std::string& path, std::string_view api_version,
                               const std::optional<json::value>& body, const http::Headers& headers) {
  return send_url(method, fmt::format("{}{}?api-version={}", login_.endpoint, path, api_version), body, headers);
}

Result<json::value> ArmClient::get(const std::string& path, std::string_view api_version) {
  SLIPWAY_ASSIGN(auto answer, send("GET", path, api_version));
  return std::move(answer.body);
}

Result<json::array> ArmClient::list(const std::string& path, std::string_view api_version, std::size_t enough) {
  json::array all;
  std::string url = fmt::format("{}{}?api-version={}", login_.endpoint, path, api_version);
  for (int page = 0; page < kMaxPages; ++page) {
    SLIPWAY_ASSIGN(const auto answer, send_url("GET", url, std::nullopt));
    const json::value* values = answer.body.is_object() ? answer.body.get_object().if_contains("value") : nullptr;
    if (values == nullptr || !values->is_array())
      return fail(ErrorCode::kMalformed, fmt::format("the server's answer to GET {} is no collection", path));
    all.insert(all.end(), values->get_array().begin(), values->get_array().end());
    url = text_of(answer.body, "nextLink");
    if (url.empty() || all.size() >= enough) return all;
  }
  return fail(ErrorCode::kMalformed, fmt::format("GET {} does not end after {} pages", path, kMaxPages));
}

Result<Answer> ArmClient::poll(const std::string& url) {
  const SteadyTime start = std::chrono::steady_clock::now();
  for (;;) {
    auto answer = send_url("GET", url, std::nullopt);
    if (answer || answer.error().code != ErrorCode::kUnavailable) return answer;
    if (age_of(start) > kPatience)
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{}; the operation goes on by itself when slipwayd runs again, look with \"show\" then",
                              answer.error().message));
    if (progress_) progress_(age_of(start), "slipwayd does not answer; waiting for it to come back");
    std::this_thread::sleep_for(kDefaultInterval);
  }
}

Status ArmClient::wait_for_location(const Answer& answer) {
  const SteadyTime start = std::chrono::steady_clock::now();
  Answer last = answer;
  while (last.status == 202 && !header(last.headers, "Location").empty()) {
    std::this_thread::sleep_for(interval_of(last.headers));
    if (progress_) progress_(age_of(start), "in progress");
    SLIPWAY_ASSIGN(last, poll(header(last.headers, "Location")));
  }
  return {};
}

Status ArmClient::wait(const Answer& answer) {
  const std::string url = header(answer.headers, "Azure-AsyncOperation");
  if (url.empty()) return wait_for_location(answer);
  const SteadyTime start = std::chrono::steady_clock::now();
  seconds interval = interval_of(answer.headers);
  for (;;) {
    std::this_thread::sleep_for(interval);
    SLIPWAY_ASSIGN(const auto polled, poll(url));
    const std::string status = text_of(polled.body, "status");
    if (status == "Succeeded") return {};
    if (status == "Failed" || status == "Canceled") {
      Error error = error_of(polled);
      error.code = ErrorCode::kPreconditionFailed;
      if (error.reason.empty()) error.reason = status;
      return fail(std::move(error));
    }
    if (status.empty()) return fail(ErrorCode::kMalformed, "the operation's state says no status");
    const json::value* properties = polled.body.get_object().if_contains("properties");
    const std::string text = properties == nullptr ? std::string() : text_of(*properties, "progress");
    if (progress_) progress_(age_of(start), text.empty() ? status : printable(text, 400));
    interval = interval_of(polled.headers);
  }
}

}  // namespace slipway::cli
