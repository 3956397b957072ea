#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "api/call.h"
#include "api/token_keys.h"

namespace slipway::api {

// A client of the API as the store keeps it under "/principals/<client id>". What it may do stands in its role
// assignments (access.h).
struct StoredPrincipal {
  std::string client, secret_hash, name;
  std::optional<Time> created, secret_expires;
};
std::string principal_key(std::string_view client);
std::string to_json(const StoredPrincipal& principal);
Result<StoredPrincipal> principal_from_json(std::string_view json);

// Every assignment of roles in the store.
Result<std::vector<Stored<RoleAssignment>>> role_assignments(store::Store& store);
// An access token: JWS, ES256, of issuer and audience of this installation, good for an hour. It names the client; what
// the client may do stands in the store.
Result<std::string> issue_token(const ApiOptions& options, const std::string& client, Time now);
// Who sent "Authorization: Bearer ...". kUnauthenticated for no token, a broken, foreign or old one, and for a client
// that no longer exists.
Result<Principal> authenticate(const ApiOptions& options, store::Store& store, const http::Request& request, Time now);
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
