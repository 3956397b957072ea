#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "crypto/certificate.h"
#include "http/message.h"

namespace slipway::http {

// How large the body of a request may be, by everything but its body: asked before the body is read, on the thread of
// the sockets.
using BodyLimit = std::function<std::size_t(const Request& head)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;                            // 0: any free one; Server::port() tells
  std::string certificate_chain;           // PEM
  std::string private_key;                 // PEM
  std::string client_authority;            // PEM; if not empty, a client must present a certificate that chains to it
  std::size_t maximum_body = 1U << 20;     // a larger one gets 413 before it is read
  BodyLimit body_limit;                    // where it differs between targets; otherwise maximum_body
  std::size_t maximum_header = 32U << 10;  // a larger one gets 431
  int worker_threads = 4;
  int first_request_seconds = 5;  // for the TLS handshake, and then for the header of a connection's first request
  int request_seconds = 30;       // for a body, and for the answer's way back
  int idle_timeout_seconds = 30;  // for the next request's header

  // Where one of these is reached, the oldest connection that never finished a request gives way, then the one that has
  // been silent for longest after a request; only if all are being answered is the newest turned away. Loopback is one
  // address, and this host's users all share it: half of the whole, so that they cannot keep out everybody else.
  std::size_t maximum_connections = 512;
  std::size_t connections_per_address = 16;  // of IPv6, a /64 is one address
  std::size_t maximum_buffered = 64U << 20;  // of bodies announced or read, and not answered yet; beyond it 503
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
