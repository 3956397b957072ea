#pragma once

#include <memory>
#include <string>

#include "api/activity_log.h"
#include "api/token_keys.h"
#include "base/random.h"
#include "base/time.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "store/store.h"

// What makes one slipwayd this slipwayd: its state folder, its authority and keys, its tenant, its first client.
//
// The order of a start: claim_state_folder, store::open_sqlite_store(folder + "/slipway.db"), open_installation,
// http::Server::start with the installation's certificate, make_administrator with the server's real port.
namespace slipway::api {

// Makes the folder (mode 0700) if there is none, and holds a lock on it: one slipwayd at a time. The lock goes with the
// process, however it ends. kConflict if another process holds it; kPermissionDenied if others may list or change
// the folder; to pass through it (0711) is fine, as QEMU's user does on its way to the disks.
class StateFolder {
 public:
  static Result<StateFolder> claim(const std::string& path);
  ~StateFolder();
  StateFolder(StateFolder&& other) noexcept;
  StateFolder& operator=(StateFolder&& other) noexcept;
  const std::string& path() const { return path_; }

 private:
  StateFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

struct Installation {
  std::string tenant, subscription;           // UUIDs in lower case
  crypto::Identity authority;                 // signs TLS certificates of this slipwayd's listeners, and nothing else
  std::unique_ptr<TokenKeys> token_keys;      // sign access tokens
  std::unique_ptr<ActivityLog> activity_log;  // the audit trail
  std::string server_certificate_chain, server_private_key;  // PEM, for http::ServerOptions; leaf, then authority
};

// Reads ca.pem, ca-key.pem (0600), token-keys/ and activity/ in the folder and the tenant and subscription in the
// store; at the first start makes them. The server's certificate is made anew at each start, for `listen_address`,
// localhost, 127.0.0.1 and this host's name, good for one year: clients trust the authority, and so a changed address
// needs nothing of them. kMalformed, naming the file, where one cannot be read: it is never replaced.
Result<Installation> open_installation(const StateFolder& folder, const std::string& listen_address,
                                       store::Store& store, Time now, Random& random);

// A client's secret: 256 bits in lower-case hexadecimal, which no command line takes for anything else. Of base64url's
// letters "-" may come first, and `az login --password SECRET` then misses its argument.
std::string make_client_secret(Random& random);

// At the first start: writes admin.json (O_EXCL, 0600: endpoint, tenantId, subscriptionId, clientId, clientSecret) into
// the folder and keeps the client with its secret's slow hash, as Owner of everything, in the store. Later: does
// nothing. A start that was cut short between the two is completed from the file.
Status make_administrator(const StateFolder& folder, const Installation& installation, const std::string& endpoint,
                          store::Store& store, Random& random);

// A certificate and key (PEM) for another listener of this slipwayd, such as the node listener on a gateway address.
struct ListenerCertificate {
  std::string certificate_chain, private_key;
};
Result<ListenerCertificate> issue_listener_certificate(const Installation& installation,
                                                       const std::vector<std::string>& addresses, Time now,
                                                       Random& random);

}  // namespace slipway::api
