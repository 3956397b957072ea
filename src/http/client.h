#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "http/message.h"

namespace slipway::http {

struct ClientOptions {
  std::string ca_pem;          // trust these authorities and no others; must not be empty for https
  Bytes pinned_ca_key_sha256;  // if not empty: SHA-256 of the SubjectPublicKeyInfo of the CA that must end the server's
                               // chain; then ca_pem may be empty, and the server must send its CA in the chain
  std::string client_certificate_pem, client_key_pem;  // mutual TLS; both or neither
  int timeout_seconds = 30;
  std::size_t maximum_response = 16U << 20;
  std::string unix_socket;  // if not empty: dial this instead of the URL's host
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // absolute
  Headers headers;
  std::string body;
};

// The one HTTP client (libcurl, TLS 1.2 or later). No redirects, no proxies from the environment for loopback or
// private addresses. Thread-safe; open connections are kept for the next request, and copies share them.
class Client {
 public:
  explicit Client(ClientOptions options);
  // Any answer, 500 too, is a value. kUnavailable with the cause where no answer came; kPermissionDenied where the
  // server is not the one that the options trust; kResourceExhausted where the answer is larger than allowed;
  // kInvalidArgument for a request that cannot be sent.
  Result<Response> send(const ClientRequest& request) const;

 private:
  class Connections;
  ClientOptions options_;
  std::shared_ptr<Connections> connections_;
};

}  // namespace slipway::http
