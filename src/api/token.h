#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
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
// Slows down who guesses secrets: after kMaximumFailures in a minute an address waits for the next minute before it may
// log in as that client again; as another it may. So a user of this host, whose address all its users share, locks out
// nobody whose client id he does not know. Thread-safe; remembers at most kMaximumWindows, the newest.
class FailureLimit {
 public:
  static constexpr int kMaximumFailures = 20;
  static constexpr std::size_t kMaximumWindows = 4096;
  // A secret's hash takes 16 MiB and a processor for a while: fewer at once than the server has threads.
  static constexpr std::ptrdiff_t kMaximumComparisons = 3;

  bool allows(const std::string& address, const std::string& client, Time now);
  void record(const std::string& address, const std::string& client, Time now);

  // Held while a secret is compared. Null: too many are being compared right now.
  using Turn = std::unique_ptr<std::counting_semaphore<kMaximumComparisons>,
                               void (*)(std::counting_semaphore<kMaximumComparisons>*)>;
  Turn take_turn();

 private:
  struct Window {
    Time start{};
    int failures = 0;
  };
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Window> windows_;  // by address and client
  std::counting_semaphore<kMaximumComparisons> comparisons_{kMaximumComparisons};
};

}  // namespace slipway::api
