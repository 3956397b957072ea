#include "kube/hosted/ports.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "kube/hosted/private_folder.h"

namespace slipway::kube {
namespace {

constexpr int kFirstPort = 20000;
constexpr int kPortCount = 10000;
constexpr int kAttempts = 200;

// Binds and lets go again: nobody listens there now.
Result<bool> is_free(const std::string& address, int port) {
  const files::Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, address.c_str(), &local.sin_addr) != 1)
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not an IPv4 address", address));
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0) return true;
  if (errno == EADDRINUSE || errno == EACCES) return false;
  return fail(ErrorCode::kUnavailable,
              fmt::format("nothing can listen on {}: {}; is the cluster's bridge up?", address, std::strerror(errno)));
}

}  // namespace

Result<std::vector<int>> choose_free_ports(const std::vector<std::string>& addresses, const std::set<int>& taken,
                                           Random& random) {
  std::set<int> used = taken;
  std::vector<int> ports;
  for (const std::string& address : addresses) {
    bool found = false;
    for (int attempt = 0; attempt < kAttempts && !found; ++attempt) {
      const Bytes bytes = random.bytes(2);
      const int port = kFirstPort + (bytes[0] * 256 + bytes[1]) % kPortCount;
      if (used.contains(port)) continue;
      SLIPWAY_ASSIGN(found, is_free(address, port));
      if (!found) continue;
      used.insert(port);
      ports.push_back(port);
    }
    if (!found)
      return fail(ErrorCode::kResourceExhausted, fmt::format("no free port was found on {} between {} and {}", address,
                                                             kFirstPort, kFirstPort + kPortCount - 1));
  }
  return ports;
}

}  // namespace slipway::kube
