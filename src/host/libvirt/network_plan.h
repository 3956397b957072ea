#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/host.h"

// What a cluster's network on this host is made of. Pure: values in, values and text out.
namespace slipway::host {

// IPv4 addresses from first to last, in host byte order.
struct AddressRange {
  std::uint32_t first = 0, last = 0;
};

// "10.77.3.1" with a prefix length or a netmask's number of bits; kMalformed for anything else.
Result<AddressRange> address_range(const std::string& address, int prefix_length);

// A network as it is kept in the state folder.
struct RecordedNetwork {
  std::string cluster;
  Network network;
  std::vector<int> ports;  // TCP ports open on the gateway, in ascending order
};

std::string to_json(const RecordedNetwork& record);
Result<RecordedNetwork> recorded_network_from_json(std::string_view json);

// The first of 10.77.0.0/24, 10.77.1.0/24, ... that touches nothing in use; kResourceExhausted if all 256 do. `suffix`
// is 4 hexadecimal digits that make the names.
Result<Network> plan_network(const std::string& suffix, const std::vector<AddressRange>& in_use);

// The routes of /proc/net/route, without default routes.
std::vector<AddressRange> ranges_of_routes(std::string_view proc_net_route);
// The addresses that a libvirt network's XML gives to its bridge.
std::vector<AddressRange> ranges_of_network_xml(const std::string& xml);

// libvirt's XML: NAT, DNS, and DHCP for machine_address() alone, on a bridge of its own.
std::string network_xml(const Network& network);

// Input for nft(8) that makes, or replaces in one step, the table that guards the host from the bridge: from there
// only DHCP, DNS and the recorded ports answer, on the gateway's address alone. All else is refused, on every address
// of the host, IPv6 too. Answers to what the host began itself pass.
std::string firewall_rules(const RecordedNetwork& record);
// The same table's removal; it is made first, so that removing what is not there succeeds.
std::string firewall_removal(const Network& network);

}  // namespace slipway::host
