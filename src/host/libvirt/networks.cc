#include "host/libvirt/networks.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>

#include "crypto/digest.h"
#include "files/file.h"
#include "host/process.h"

namespace slipway::host {
namespace {

constexpr std::size_t kMaximumRecord = 64U << 10;

struct AddressListFreer {
  void operator()(ifaddrs* list) const { ::freeifaddrs(list); }
};

void add_interface_addresses(std::vector<AddressRange>& in_use) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return;
  const std::unique_ptr<ifaddrs, AddressListFreer> list(first);
  for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    const std::uint32_t address = ntohl(reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr.s_addr);
    in_use.push_back({address, address});
  }
}

void add_libvirt_networks(virConnectPtr connection, std::vector<AddressRange>& in_use) {
  virNetworkPtr* list = nullptr;
  const int count = virConnectListAllNetworks(connection, &list, 0);
  for (int i = 0; i < count; ++i) {
    const NetworkHandle network(list[i]);
    const LibvirtText xml(virNetworkGetXMLDesc(network.get(), 0));
    if (!xml) continue;
    for (const AddressRange& range : ranges_of_network_xml(xml.get())) in_use.push_back(range);
  }
  std::free(list);
}

Status apply_rules(const std::string& rules) {
  SLIPWAY_TRY(run_checked({.argv = {"nft", "--file", "-"}, .input = rules}));
  return {};
}

}  // namespace

Networks::Networks(Connection& connection, std::filesystem::path folder, Random& random)
    : connection_(connection), folder_(std::move(folder)), random_(random) {}

Result<Network> Networks::ensure(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  auto record = read(record_path(cluster));
  if (!record && record.error().code == ErrorCode::kNotFound) record = plan(cluster, connection.get());
  if (!record) return fail(std::move(record).error());
  SLIPWAY_TRY(carry_out(*record, connection.get()));
  return record->network;
}

Status Networks::remove(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  const auto record = read(record_path(cluster));
  if (!record && record.error().code == ErrorCode::kNotFound) return {};
  if (!record) return fail(record.error());
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  if (const NetworkHandle network{virNetworkLookupByName(connection.get(), record->network.name.c_str())}) {
    if (virNetworkIsActive(network.get()) == 1 && virNetworkDestroy(network.get()) != 0) {
      return fail(libvirt_error("network " + record->network.name + " cannot be stopped"));
    }
    if (virNetworkUndefine(network.get()) != 0) {
      return fail(libvirt_error("network " + record->network.name + " cannot be removed"));
    }
  }
  // Last, so that the bridge never stands unguarded.
  SLIPWAY_TRY(apply_rules(firewall_removal(record->network)));
  return files::remove_path(record_path(cluster));
}

Status Networks::allow_port(const std::string& cluster, int port) {
  if (port < 1 || port > 65535) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a TCP port", port));
  }
  const std::lock_guard lock(mutex_);
  SLIPWAY_ASSIGN(RecordedNetwork record, read(record_path(cluster)));
  if (std::find(record.ports.begin(), record.ports.end(), port) == record.ports.end()) {
    record.ports.push_back(port);
    std::sort(record.ports.begin(), record.ports.end());
    SLIPWAY_TRY(files::replace_file(record_path(cluster), as_bytes(to_json(record)), 0600));
  }
  return apply_rules(firewall_rules(record));
}

Status Networks::ensure_by_name(const std::string& name) {
  const std::lock_guard lock(mutex_);
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().extension() != ".json") continue;
    SLIPWAY_ASSIGN(const RecordedNetwork record, read(entry.path()));
    if (record.network.name == name) return carry_out(record, connection.get());
  }
  return fail(ErrorCode::kNotFound, "network " + name + " is not recorded on this host; ensure_network makes it");
}

std::filesystem::path Networks::record_path(const std::string& cluster) const {
  return folder_ / (to_hex(ByteView(crypto::sha256(as_bytes(cluster))).first(8)) + ".json");
}

Result<RecordedNetwork> Networks::read(const std::filesystem::path& path) const {
  SLIPWAY_ASSIGN(const Bytes text, files::read_file(path, kMaximumRecord));
  return recorded_network_from_json(as_text(text));
}

Result<RecordedNetwork> Networks::plan(const std::string& cluster, virConnectPtr connection) {
  std::vector<AddressRange> in_use;
  add_interface_addresses(in_use);
  add_libvirt_networks(connection, in_use);
  if (const auto routes = files::read_file("/proc/net/route", 4U << 20)) {
    for (const AddressRange& range : ranges_of_routes(as_text(*routes))) in_use.push_back(range);
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().extension() != ".json") continue;
    SLIPWAY_ASSIGN(const RecordedNetwork other, read(entry.path()));
    SLIPWAY_ASSIGN(const AddressRange range, address_range(other.network.gateway, 24));
    in_use.push_back(range);
  }
  std::string suffix;
  do {
    suffix = to_hex(random_.bytes(2));
  } while (::if_nametoindex(("slpw-" + suffix).c_str()) != 0);
  RecordedNetwork record{cluster, {}, {}};
  SLIPWAY_ASSIGN(record.network, plan_network(suffix, in_use));
  SLIPWAY_TRY(files::replace_file(record_path(cluster), as_bytes(to_json(record)), 0600));
  return record;
}

// Guards first and opens afterwards: the table names a bridge that need not exist yet.
Status Networks::carry_out(const RecordedNetwork& record, virConnectPtr connection) {
  SLIPWAY_TRY(apply_rules(firewall_rules(record)));
  NetworkHandle network(virNetworkLookupByName(connection, record.network.name.c_str()));
  if (!network) network.reset(virNetworkDefineXML(connection, network_xml(record.network).c_str()));
  if (!network) return fail(libvirt_error("network " + record.network.name + " cannot be defined"));
  if (virNetworkIsActive(network.get()) != 1 && virNetworkCreate(network.get()) != 0) {
    return fail(libvirt_error("network " + record.network.name + " cannot be started"));
  }
  const auto forwarding = files::read_file("/proc/sys/net/ipv4/ip_forward", 16);
  if (!forwarding || as_text(*forwarding).substr(0, 1) != "1") {
    return fail(ErrorCode::kPreconditionFailed, "IPv4 forwarding is off, so nodes on " + record.network.name +
                                                    " reach nothing: run 'sysctl -w net.ipv4.ip_forward=1'");
  }
  return {};
}

Status check_packet_filter() {
  const RecordedNetwork example{"", {"slipway-0000", "slpw-0000", "10.77.0.1", "10.77.0.0/24"}, {1}};
  if (auto nft = run_checked({.argv = {"nft", "--check", "--file", "-"}, .input = firewall_rules(example)}); !nft) {
    return fail(ErrorCode::kUnavailable,
                "the nodes' firewall cannot be made (package nftables): " + nft.error().message);
  }
  if (auto tables = run_checked({.argv = {"iptables", "--wait", "--table", "nat", "--list", "--numeric"}}); !tables) {
    return fail(ErrorCode::kUnavailable, "the nodes' NAT cannot be made (package iptables): " + tables.error().message);
  }
  return {};
}

}  // namespace slipway::host
