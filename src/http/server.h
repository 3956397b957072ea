#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "crypto/certificate.h"
#include "http/message.h"

namespace slipway::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;                            // 0: any free one; Server::port() tells
  std::string certificate_chain;           // PEM
  std::string private_key;                 // PEM
  std::string client_authority;            // PEM; if not empty, a client must present a certificate that chains to it
  std::size_t maximum_body = 4U << 20;     // a larger one gets 413 before it is read
  std::size_t maximum_header = 32U << 10;  // a larger one gets 431
  int worker_threads = 4;
  int idle_timeout_seconds = 30;          // for a whole request, so that one who dribbles it is cut off too
  std::size_t maximum_connections = 512;  // further ones are closed at once
};

// The one HTTPS server (HTTP/1.1, TLS 1.2 or later). One thread for sockets, a pool for handlers.
class Server {
 public:
  // Listens from the moment it returns. kUnavailable, naming address and port, where it cannot.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler handler);
  virtual ~Server() = default;  // stops, and waits for the running handlers
  virtual int port() const = 0;
};

}  // namespace slipway::http
