#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

#include "host/host.h"

namespace slipway::host {

Result<std::string> machine_address(const Network& network, int number) {
  if (number < 1 || number > kNetworkMachines) {
    return fail(ErrorCode::kResourceExhausted, fmt::format("A network has addresses for {} nodes.", kNetworkMachines));
  }
  // The first is the gateway's, the last is the broadcast's.
  return fmt::format("{}{}", network.gateway.substr(0, network.gateway.rfind('.') + 1), number + 1);
}

std::string mac_address_for(const std::string& ip_address) {
  std::array<unsigned char, 4> bytes{};
  static_cast<void>(::inet_pton(AF_INET, ip_address.c_str(), bytes.data()));
  return fmt::format("52:54:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3]);
}

}  // namespace slipway::host
