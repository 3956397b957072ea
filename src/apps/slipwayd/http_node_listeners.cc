#include "apps/slipwayd/http_node_listeners.h"

#include <fmt/format.h>

#include <charconv>

#include "api/node_listener.h"

namespace slipway::slipwayd {
namespace {

std::string port_key(const std::string& cluster) { return "/node-listeners/" + cluster; }

}  // namespace

Result<std::unique_ptr<http::Server>> HttpNodeListeners::start(const std::string& gateway, int port) {
  SLIPWAY_ASSIGN(const api::ListenerCertificate certificate,
                 api::issue_listener_certificate(installation_, {gateway}, clock_.now(), random_));
  http::ServerOptions options;
  options.address = gateway;
  options.port = port;
  options.certificate_chain = certificate.certificate_chain;
  options.private_key = certificate.private_key;
  options.body_limit = api::node_body_limit;
  return http::Server::start(options, api::make_node_listener(*service_, clock_));
}

Result<control::NodeEndpoint> HttpNodeListeners::ensure(const std::string& cluster, const std::string& gateway) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<http::Server>& server = servers_[cluster];
  if (!server) {
    int port = 0;
    const auto known = store_.get(port_key(cluster));
    if (!known && known.error().code != ErrorCode::kNotFound) return fail(known.error());
    if (known) std::from_chars(known->value.data(), known->value.data() + known->value.size(), port);
    SLIPWAY_ASSIGN(server, start(gateway, port));
    const auto kept = store_.commit({{}, {{port_key(cluster), std::to_string(server->port())}}, {}});
    if (!kept) {
      server.reset();
      return fail(kept.error());
    }
  }
  SLIPWAY_ASSIGN(const crypto::PublicKey authority, installation_.authority.certificate.public_key());
  return control::NodeEndpoint{fmt::format("https://{}:{}", gateway, server->port()), server->port(),
                               authority.fingerprint()};
}

void HttpNodeListeners::remove(const std::string& cluster) {
  std::unique_ptr<http::Server> server;
  {
    const std::lock_guard lock(mutex_);
    const auto found = servers_.find(cluster);
    if (found != servers_.end()) {
      server = std::move(found->second);
      servers_.erase(found);
    }
  }
  // A failed commit leaves a port that nobody asks for again: cluster ids are never used twice.
  static_cast<void>(store_.commit({{}, {}, {port_key(cluster)}}));
}

}  // namespace slipway::slipwayd
