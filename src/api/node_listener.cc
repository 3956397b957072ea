#include "api/node_listener.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "enrolment/binding.h"
#include "enrolment/refusal.h"

namespace slipway::api {
namespace {

using enrolment::Service;
using enrolment::Standing;

constexpr std::string_view kPrefix = "/node/v1/";
constexpr std::size_t kInstanceSize = 36;
constexpr int kContentTooLarge = 413;

// This host itself: trusted, and where the simulated nodes live, all at one address.
bool is_loopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kMalformed:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kPreconditionFailed:
      return 412;
    case ErrorCode::kResourceExhausted:
      return 429;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

http::Response json_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers["Content-Type"] = "application/json";
  response.headers["Cache-Control"] = "no-store";
  response.body = std::move(body);
  return response;
}

http::Response refusal_response(const Error& error) {
  const std::string code = error.reason.empty() ? std::string(to_string(error.code)) : error.reason;
  // What went wrong inside of this server is for its own log.
  const std::string message =
      error.code == ErrorCode::kInternal ? std::string("The server failed; see its log.") : error.message;
  const boost::json::object body{{"error", boost::json::object{{"code", code}, {"message", message}}}};
  return json_response(status_of(error.code), boost::json::serialize(body));
}

// Token buckets by name. A bucket that is full again is forgotten, so a flood of names costs memory for one refill time
// alone, and never more than kMaximumBuckets: beyond that, new names are refused.
class RateLimit {
 public:
  // Takes one token from each of two names, or from neither. An empty name has no limit.
  bool take(const std::string& first, const std::string& second, Time now) {
    const std::lock_guard lock(mutex_);
    sweep(now);
    const std::array<Bucket*, 2> buckets{bucket(first, now), bucket(second, now)};
    for (const Bucket* limited : buckets) {
      if (limited == nullptr || limited->tokens < 1) return false;
    }
    for (Bucket* limited : buckets) limited->tokens -= 1;
    return true;
  }

 private:
  static constexpr std::size_t kMaximumBuckets = 65536;
  struct Bucket {
    double tokens = kNodeBurst;
    Time filled{};
  };

  Bucket* bucket(const std::string& name, Time now) {
    if (name.empty()) return &(unlimited_ = {});
    auto found = buckets_.find(name);
    if (found == buckets_.end()) {
      if (buckets_.size() >= kMaximumBuckets) return nullptr;
      found = buckets_.emplace(name, Bucket{kNodeBurst, now}).first;
    }
    Bucket& entry = found->second;
    const auto elapsed = std::max(now - entry.filled, milliseconds(0));
    entry.tokens = std::min<double>(
        kNodeBurst, entry.tokens + static_cast<double>(elapsed.count()) / static_cast<double>(kNodeRefill.count()));
    entry.filled = now;
    return &entry;
  }

  void sweep(Time now) {
    if (now < next_sweep_) return;
    next_sweep_ = now + kNodeRefill * kNodeBurst;
    std::erase_if(buckets_, [now](const auto& entry) { return entry.second.filled + kNodeRefill * kNodeBurst <= now; });
  }

  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  Bucket unlimited_;
  Time next_sweep_{};
};

template <typename Message>
http::Response answer(Result<Message> reply) {
  if (!reply) return refusal_response(reply.error());
  return json_response(200, to_json(*reply));
}

http::Response challenge(Service& service, const std::string& instance, const http::Request& request) {
  const auto message = enrolment::challenge_request_from_json(request.body);
  if (!message) return refusal_response(message.error());
  return answer(service.challenge(instance, *message, request.peer));
}

http::Response evidence(Service& service, const std::string& instance, const http::Request& request) {
  const auto message = enrolment::evidence_request_from_json(request.body);
  if (!message) return refusal_response(message.error());
  return answer(service.evidence(instance, *message, request.peer));
}

http::Response secret(Service& service, const std::string& instance, const http::Request& request) {
  const auto message = enrolment::secret_request_from_json(request.body);
  if (!message) return refusal_response(message.error());
  return answer(service.secret(instance, *message, request.peer));
}

http::Response renewal_challenge(Service& service, const std::string& instance, const http::Request& request) {
  return answer(service.renewal_challenge(instance, request.peer));
}

http::Response renewal(Service& service, const std::string& instance, const http::Request& request) {
  const auto message = enrolment::renewal_request_from_json(request.body);
  if (!message) return refusal_response(message.error());
  return answer(service.renewal(instance, *message, request.peer));
}

struct Route {
  std::string_view action;
  std::size_t maximum_body;
  http::Response (*handle)(Service&, const std::string& instance, const http::Request&);
};

// Only evidence is large: everything else is refused by its size before it is parsed.
constexpr std::size_t kSmallBody = 64U << 10;
constexpr std::array<Route, 5> kRoutes{{
    {"challenge", kSmallBody, challenge},
    {"evidence", enrolment::kMaximumMessageSize, evidence},
    {"secret", kSmallBody, secret},
    {"renewal-challenge", kSmallBody, renewal_challenge},
    {"renewal", kSmallBody, renewal},
}};

struct Target {
  const Route* route = nullptr;
  std::string instance;
};

std::optional<Target> target_of(const http::Request& request) {
  const std::string_view path = request.path;
  if (request.method != "POST" || !path.starts_with(kPrefix)) return {};
  const std::string_view rest = path.substr(kPrefix.size());
  if (rest.size() <= kInstanceSize || rest[kInstanceSize] != '/') return {};
  const std::string_view instance = rest.substr(0, kInstanceSize);
  if (!enrolment::is_instance_id(instance)) return {};
  const std::string_view action = rest.substr(kInstanceSize + 1);
  const auto route = std::find_if(kRoutes.begin(), kRoutes.end(),
                                  [action](const Route& candidate) { return candidate.action == action; });
  if (route == kRoutes.end()) return {};
  return Target{&*route, std::string(instance)};
}

http::Response too_many() {
  http::Response response =
      refusal_response(Error{ErrorCode::kResourceExhausted,
                             fmt::format("More than {} requests at once, or one in {} ms, came from this address.",
                                         kNodeBurst, kNodeRefill.count()),
                             std::string(enrolment::refusal::kRateLimited),
                             {}});
  response.headers["Retry-After"] = "2";
  return response;
}

http::Response foreign_address(const std::string& peer) {
  return refusal_response(
      Error{ErrorCode::kPermissionDenied,
            fmt::format("The instance's VM was given another address than {}: an instance speaks for itself.", peer),
            std::string(enrolment::refusal::kForeignAddress),
            {}});
}

http::Response too_large(std::size_t size, std::size_t maximum) {
  http::Response response =
      refusal_response(Error{ErrorCode::kInvalidArgument,
                             fmt::format("The message has {} bytes, and at most {} are read here.", size, maximum),
                             std::string(enrolment::refusal::kMalformedMessage),
                             {}});
  response.status = kContentTooLarge;
  return response;
}

}  // namespace

std::size_t node_body_limit(const http::Request& head) {
  const auto target = target_of(head);
  return target ? target->route->maximum_body : kSmallBody;
}

http::Handler make_node_listener(enrolment::Service& service, const Clock& clock) {
  return [&service, &clock, limit = std::make_shared<RateLimit>()](const http::Request& request) -> http::Response {
    const auto target = target_of(request);
    const Standing standing = target ? service.standing(target->instance, request.peer) : Standing::kUnknown;
    // Whoever asks for others, for nobody or for nothing pays from a bucket of its own: neither what it does to them
    // nor what its pods do in its name keeps a node from speaking for itself.
    const bool counted = !is_loopback(request.peer);
    const bool taken =
        standing == Standing::kOwn
            ? limit->take(counted ? "node " + request.peer : "", request.peer + " for " + target->instance, clock.now())
            : limit->take(counted ? "stray " + request.peer : "", "", clock.now());
    if (!taken) return too_many();
    if (!target) return http::Response{404, {}, {}};
    if (standing == Standing::kForeign) return foreign_address(request.peer);
    if (request.body.size() > target->route->maximum_body) {
      return too_large(request.body.size(), target->route->maximum_body);
    }
    return target->route->handle(service, target->instance, request);
  };
}

}  // namespace slipway::api
