#pragma once

#include <filesystem>
#include <string>

#include "attestation/policy.h"
#include "base/result.h"
#include "base/time.h"
#include "fleet/rules.h"

namespace slipway::slipwayd {

enum class HostKind { kLibvirt, kMemory };
enum class KubernetesKind { kHosted, kMemory };

struct Options {
  std::filesystem::path state;
  std::string listen_address;
  int listen_port = 0;
  HostKind host = HostKind::kLibvirt;
  std::string libvirt_uri;  // empty: this machine's
  KubernetesKind kubernetes = KubernetesKind::kHosted;
  std::filesystem::path images;
  std::filesystem::path kubernetes_binaries;
  std::filesystem::path cache = "/var/cache/slipway";
  std::filesystem::path config;  // empty: none
  std::filesystem::path policy;  // empty: the default
  seconds evidence_interval{300};
  seconds boot_patience{600};  // from a VM's start to its proof
  seconds certificate_lifetime{3600};
};

// What the command line says: options, or text for people with an exit status (--help, --version, a mistake).
struct CommandLine {
  bool run = false;
  int exit_status = 0;
  std::string text;
  Options options;
};
CommandLine parse_command_line(int argc, char** argv, const char* version);

// The newest folder below `cache`/kubernetes that packaging/kubernetes/fetch finished: vVERSION... with a
// kube-apiserver in it. Empty if there is none.
std::filesystem::path newest_kubernetes(const std::filesystem::path& cache);
// Where packaging/kubernetes/fetch and ./quickstart keep such folders, in the words of the environment: SLIPWAY_CACHE,
// else XDG_CACHE_HOME/slipway, else HOME/.cache/slipway.
std::filesystem::path build_cache();

// "127.0.0.1:18443" or "[::1]:18443"; port 0 picks a free one.
Status parse_listen(const std::string& text, Options& options);

// The configuration file: JSON of at most 64 KiB, {"rules": {"profile": "preview", "trustedLaunch":
// {"minimumKubernetesVersion": "1.20.2"}}}, each key optional, unknown ones refused. An empty path gives the defaults.
Result<fleet::RulesProfile> read_configuration(const std::filesystem::path& path);
Result<fleet::RulesProfile> rules_from_configuration(std::string_view json);

// The policy that evidence is judged by: docs/formats/policy.md. An empty path gives the default.
Result<attestation::Policy> read_policy(const std::filesystem::path& path);

}  // namespace slipway::slipwayd
