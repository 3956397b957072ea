#include "host/libvirt/network_plan.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <pugixml.hpp>
#include <sstream>

namespace slipway::host {
namespace {

constexpr int kSubnets = 256;

bool overlap(const AddressRange& left, const AddressRange& right) {
  return left.first <= right.last && right.first <= left.last;
}

AddressRange masked(std::uint32_t address, std::uint32_t mask) { return {address & mask, (address & mask) | ~mask}; }

// The kernel prints addresses as the number that their bytes make on this machine.
std::uint32_t from_proc(std::string_view digits) {
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return ntohl(value);
}

std::string table_name(const Network& network) {
  std::string name = network.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Result<AddressRange> address_range(const std::string& address, int prefix_length) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, address.c_str(), &parsed) != 1 || prefix_length < 0 || prefix_length > 32) {
    return fail(ErrorCode::kMalformed, fmt::format("{}/{} is not an IPv4 network", address, prefix_length));
  }
  const std::uint32_t mask = prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length);
  return masked(ntohl(parsed.s_addr), mask);
}

std::string to_json(const RecordedNetwork& record) {
  boost::json::array ports;
  for (const int port : record.ports) ports.emplace_back(port);
  const boost::json::object object{{"cluster", record.cluster},
                                   {"name", record.network.name},
                                   {"bridge", record.network.bridge},
                                   {"gateway", record.network.gateway},
                                   {"cidr", record.network.cidr},
                                   {"ports", ports},
                                   {"bindsAddresses", record.network.binds_addresses}};
  return boost::json::serialize(object);
}

Result<RecordedNetwork> recorded_network_from_json(std::string_view json) {
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse({json.data(), json.size()}, error);
  if (error || !value.is_object()) return fail(ErrorCode::kMalformed, "the record of a network is not a JSON object");
  const boost::json::object& object = value.get_object();
  RecordedNetwork record;
  record.cluster = text_of(object, "cluster");
  record.network = {text_of(object, "name"), text_of(object, "bridge"), text_of(object, "gateway"),
                    text_of(object, "cidr")};
  const auto* binds = object.if_contains("bindsAddresses");
  record.network.binds_addresses = binds != nullptr && binds->is_bool() && binds->get_bool();
  if (const auto* ports = object.if_contains("ports"); ports != nullptr && ports->is_array()) {
    for (const auto& port : ports->get_array()) {
      if (port.is_int64()) record.ports.push_back(static_cast<int>(port.get_int64()));
    }
  }
  if (record.cluster.empty() || record.network.name.empty() || record.network.bridge.empty() ||
      record.network.gateway.empty() || record.network.cidr.empty()) {
    return fail(ErrorCode::kMalformed, "the record of a network lacks its cluster, name, bridge, gateway or cidr");
  }
  return record;
}

Result<Network> plan_network(const std::string& suffix, const std::vector<AddressRange>& in_use) {
  for (int index = 0; index < kSubnets; ++index) {
    SLIPWAY_ASSIGN(const AddressRange subnet, address_range(fmt::format("10.77.{}.0", index), 24));
    const bool taken =
        std::any_of(in_use.begin(), in_use.end(), [&](const AddressRange& range) { return overlap(range, subnet); });
    if (taken) continue;
    return Network{.name = "slipway-" + suffix,
                   .bridge = "slpw-" + suffix,
                   .gateway = fmt::format("10.77.{}.1", index),
                   .cidr = fmt::format("10.77.{}.0/24", index),
                   .binds_addresses = true};
  }
  return fail(ErrorCode::kResourceExhausted,
              "no network for the nodes is free: every part of 10.77.0.0/16 is in use on this host; delete a cluster");
}

std::vector<AddressRange> ranges_of_routes(std::string_view proc_net_route) {
  std::vector<AddressRange> ranges;
  std::istringstream lines{std::string(proc_net_route)};
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string interface, destination, gateway, flags, references, use, metric, mask;
    fields >> interface >> destination >> gateway >> flags >> references >> use >> metric >> mask;
    if (mask.size() != 8 || from_proc(mask) == 0) continue;
    ranges.push_back(masked(from_proc(destination), from_proc(mask)));
  }
  return ranges;
}

std::vector<AddressRange> ranges_of_network_xml(const std::string& xml) {
  std::vector<AddressRange> ranges;
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return ranges;
  for (const pugi::xml_node address : document.child("network").children("ip")) {
    in_addr mask{};
    int prefix_length = address.attribute("prefix").as_int(32);
    if (::inet_pton(AF_INET, address.attribute("netmask").as_string(), &mask) == 1) {
      prefix_length = __builtin_popcount(mask.s_addr);
    }
    if (auto range = address_range(address.attribute("address").as_string(), prefix_length)) ranges.push_back(*range);
  }
  return ranges;
}

std::string network_xml(const Network& network) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("network");
  root.append_child("name").text().set(network.name.c_str());
  root.append_child("forward").append_attribute("mode").set_value("nat");
  pugi::xml_node bridge = root.append_child("bridge");
  bridge.append_attribute("name").set_value(network.bridge.c_str());
  bridge.append_attribute("stp").set_value("off");
  bridge.append_attribute("delay").set_value("0");
  pugi::xml_node address = root.append_child("ip");
  address.append_attribute("address").set_value(network.gateway.c_str());
  address.append_attribute("netmask").set_value("255.255.255.0");
  // One entry for each address, and no range: who has another MAC address gets none.
  pugi::xml_node dhcp = address.append_child("dhcp");
  for (int number = 1; number <= kNetworkMachines; ++number) {
    const std::string ip = machine_address(network, number).value();
    pugi::xml_node host = dhcp.append_child("host");
    host.append_attribute("mac").set_value(mac_address_for(ip).c_str());
    host.append_attribute("ip").set_value(ip.c_str());
  }
  std::ostringstream text;
  document.save(text, "  ", pugi::format_default | pugi::format_no_declaration);
  return text.str();
}

std::string firewall_rules(const RecordedNetwork& record) {
  std::string ports = "53";
  for (const int port : record.ports) ports += fmt::format(", {}", port);
  const Network& network = record.network;
  return firewall_removal(network) + fmt::format(R"(table inet {0} {{
  chain input {{
    type filter hook input priority filter - 10; policy accept;
    iifname "{1}" jump node
  }}
  chain node {{
    ct state established,related accept
    meta nfproto ipv4 udp dport 67 accept
    ip daddr {2} udp dport 53 accept
    ip daddr {2} tcp dport {{ {3} }} accept
    meta l4proto tcp reject with tcp reset
    reject
  }}
}}
)",
                                                 table_name(network), network.bridge, network.gateway, ports);
}

std::string firewall_removal(const Network& network) {
  return fmt::format("table inet {0}\ndelete table inet {0}\n", table_name(network));
}

}  // namespace slipway::host
