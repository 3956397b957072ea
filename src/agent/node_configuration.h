#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "enrolment/client.h"
#include "enrolment/messages.h"

// The files by which an admitted node's kubelet and kube-proxy run. docs/formats/enrolment.md, "Files of a node".
namespace slipway::agent {

struct NodePaths {
  std::filesystem::path state = "/var/lib/slipway";  // keys, certificates, configuration
  std::filesystem::path cni = "/etc/cni/net.d";
  std::filesystem::path resolv_conf = "/run/systemd/resolve/resolv.conf";  // what pods get as their upstream DNS

  std::filesystem::path client_pem() const { return state / "pki/client.pem"; }
  std::filesystem::path pending_client_key() const { return state / "pki/pending-client.key"; }
  std::filesystem::path pending_serving_key() const { return state / "pki/pending-serving.key"; }
  std::filesystem::path admitted() const { return state / "admitted"; }
};

struct ConfigurationFile {
  std::filesystem::path path;
  std::string content;
  mode_t mode = 0600;
};

// Decides every file of an admission that carries certificates, in the order in which they must be written: keys and
// certificates first, and `admitted`, which starts the kubelet, last. Pure. The YAML files hold JSON, which is YAML, so
// that no value can break out of its place. kMalformed where the admission holds what no flag or file name may.
Result<std::vector<ConfigurationFile>> node_configuration(const enrolment::Admission& admission,
                                                          const enrolment::NodeKeys& keys, const NodePaths& paths);

// Writes them, each at once; stops at the first failure.
Status write_configuration(const std::vector<ConfigurationFile>& files);

}  // namespace slipway::agent
