#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "api/call.h"

namespace slipway::api {

inline constexpr seconds kTokenLifetime{3600};

// A client of the API as the store keeps it under "/principals/<client id>".
struct StoredPrincipal {
  std::string client, secret_hash, role, scope = "/";
};
std::string principal_key(std::string_view client);
std::string to_json(const StoredPrincipal& principal);
Result<StoredPrincipal> principal_from_json(std::string_view json);

// An access token: JWS, ES256, of issuer and audience of this installation, good for an hour. It names the client; what
// the client may do stands in the store.
Result<std::string> issue_token(const ApiOptions& options, const std::string& client, Time now);
// Who sent "Authorization: Bearer ...". kUnauthenticated for no token, a broken, foreign or old one, and for a client
// that no longer exists.
Result<Principal> authenticate(const ApiOptions& options, store::Store& store, const http::Request& request, Time now);
// kPermissionDenied where the principal's role or scope does not reach. Reader: GET and HEAD.
Status authorize(const Principal& principal, const http::Request& request);

// Slows down who guesses secrets: after kMaximumFailures in a minute an address waits for the next minute. Thread-safe;
// remembers at most kMaximumAddresses.
class FailureLimit {
 public:
  static constexpr int kMaximumFailures = 20;
  static constexpr std::size_t kMaximumAddresses = 4096;

  bool allows(const std::string& address, Time now);
  void record(const std::string& address, Time now);

 private:
  struct Window {
    Time start{};
    int failures = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Window> windows_;
};

}  // namespace slipway::api
