#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "base/random.h"
#include "host/libvirt/connection.h"
#include "host/libvirt/network_plan.h"

namespace slipway::host {

// The clusters' networks on this host: a libvirt network, and a firewall table that guards the host from it, for each.
// A file for each cluster in `folder` is written before anything is made from it, so a crash leaves nothing unknown.
// Thread-safe.
class Networks {
 public:
  Networks(Connection& connection, std::filesystem::path folder, Random& random);

  Result<Network> ensure(const std::string& cluster);
  Status remove(const std::string& cluster);
  Status allow_port(const std::string& cluster, int port);
  // Makes sure that the network of this name runs and is guarded: before a VM starts on it. kNotFound if it is none of
  // ours.
  Status ensure_by_name(const std::string& name);

 private:
  std::filesystem::path record_path(const std::string& cluster) const;
  Result<RecordedNetwork> read(const std::filesystem::path& path) const;
  Result<RecordedNetwork> plan(const std::string& cluster, virConnectPtr connection);
  Status carry_out(const RecordedNetwork& record, virConnectPtr connection);

  Connection& connection_;
  const std::filesystem::path folder_;
  Random& random_;
  std::mutex mutex_;
};

// kUnavailable, saying what to install or load, unless nft and libvirt's iptables work on this machine.
Status check_packet_filter();

}  // namespace slipway::host
