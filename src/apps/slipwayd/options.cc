#include "apps/slipwayd/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>

namespace slipway::slipwayd {
namespace {

constexpr const char* kExamples = R"(Examples:
  slipwayd --state /var/lib/slipway --listen 127.0.0.1:18443
      VMs of this machine's libvirt, a Kubernetes control plane beside slipwayd for each cluster. Needs root, node images
      (of "slipway image build") and Kubernetes ("packaging/kubernetes/fetch").

  slipwayd --state /tmp/slipway --listen 127.0.0.1:18443 --host memory: --kubernetes memory:
      Neither VMs nor Kubernetes: simulated nodes that enrol for real. Needs nothing, for tests and client work.

The first start writes STATE/ca.pem and STATE/admin.json (endpoint, tenantId, subscriptionId, clientId, clientSecret).
slipwayd can be stopped and killed at any time: VMs and control planes go on, and the next start takes them up again.)";

// Long enough for two samples in a row to differ, short enough to mean something.
constexpr int kShortestInterval = 1;
constexpr int kLongestInterval = 24 * 3600;

Status parse_host(const std::string& text, Options& options) {
  if (text == "memory:") {
    options.host = HostKind::kMemory;
    return {};
  }
  constexpr std::string_view kLibvirt = "libvirt:";
  if (text.starts_with(kLibvirt)) {
    options.host = HostKind::kLibvirt;
    options.libvirt_uri = text.substr(kLibvirt.size());
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--host {}: it is libvirt: (this machine), libvirt:URI or memory:.", text));
}

Status parse_kubernetes(const std::string& text, Options& options) {
  if (text == "hosted" || text == "memory:") {
    options.kubernetes = text == "hosted" ? KubernetesKind::kHosted : KubernetesKind::kMemory;
    return {};
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("--kubernetes {}: it is hosted or memory:.", text));
}

}  // namespace

Status parse_listen(const std::string& text, Options& options) {
  const std::size_t colon = text.rfind(':');
  std::string address = colon == std::string::npos ? "" : text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != std::string::npos) {
    address.clear();
  }
  int port = -1;
  if (!address.empty()) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
    if (parsed.ec != std::errc() || parsed.ptr != end) port = -1;
  }
  if (port < 0 || port > 65535) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--listen {}: it is ADDRESS:PORT, such as 127.0.0.1:18443 or [::1]:18443.", text));
  }
  options.listen_address = address;
  options.listen_port = port;
  return {};
}

std::filesystem::path build_cache() {
  const auto named = [](const char* variable) {
    const char* const value = std::getenv(variable);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  if (const auto cache = named("SLIPWAY_CACHE"); !cache.empty()) return cache;
  if (const auto caches = named("XDG_CACHE_HOME"); !caches.empty()) return caches / "slipway";
  return named("HOME") / ".cache/slipway";
}

std::filesystem::path newest_kubernetes(const std::filesystem::path& cache) {
  std::filesystem::path newest;
  std::string newest_version;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(cache / "kubernetes", error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('v') || !std::filesystem::exists(entry.path() / "kube-apiserver", error)) continue;
    const std::string version = name.substr(1, name.find('-') - 1);
    const auto order = fleet::compare_versions(version, newest_version.empty() ? "0.0" : newest_version);
    if (!order || *order <= 0) continue;
    newest = entry.path();
    newest_version = version;
  }
  return newest;
}

CommandLine parse_command_line(int argc, char** argv, const char* version) {
  CommandLine line;
  Options& options = line.options;
  std::string state, listen, host = "libvirt:", kubernetes = "hosted";
  std::string images = "/var/lib/slipway-images", binaries, cache = options.cache.string(), config, policy;
  int evidence_interval = static_cast<int>(options.evidence_interval.count());
  int boot_patience = static_cast<int>(options.boot_patience.count());
  int lifetime = static_cast<int>(options.certificate_lifetime.count());

  CLI::App app("slipwayd: the API, the controllers and the verifier of Slipway.", "slipwayd");
  app.footer(kExamples);
  app.set_version_flag("--version", version);
  app.add_option("--state", state, "Folder of all state; made if it is missing")->required();
  app.add_option("--listen", listen, "ADDRESS:PORT of the API for people and clients")->required();
  app.add_option("--host", host, "Where VMs run: libvirt: (this machine), libvirt:URI or memory:")
      ->capture_default_str();
  app.add_option("--kubernetes", kubernetes, "Control planes: hosted or memory:")->capture_default_str();
  app.add_option("--images", images, "Folder of node images, NAME.qcow2 with NAME.manifest.json")
      ->capture_default_str();
  app.add_option("--kubernetes-binaries", binaries,
                 "Folder of kube-apiserver and the others, its name v1.20.2... (default: the newest that "
                 "packaging/kubernetes/fetch made)");
  app.add_option("--cache", cache, "Folder of firmware calibrations; may be shared")->capture_default_str();
  app.add_option("--config", config, "JSON file with the rules that requests are judged by");
  app.add_option("--policy", policy, "JSON file with the policy that evidence is judged by");
  app.add_option("--evidence-interval", evidence_interval, "Seconds between two proofs of a node")
      ->check(CLI::Range(kShortestInterval, kLongestInterval))
      ->capture_default_str();
  app.add_option("--boot-patience", boot_patience, "Seconds from a VM's start to its proof, before it is called silent")
      ->check(CLI::Range(kShortestInterval, kLongestInterval))
      ->capture_default_str();
  app.add_option("--certificate-lifetime", lifetime, "Seconds that a kubelet's certificates live")
      ->check(CLI::Range(60, 30 * 24 * 3600))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, err;
    line.exit_status = app.exit(error, out, err) == 0 ? 0 : 2;
    line.text = out.str() + err.str();
    return line;
  }
  options.state = std::filesystem::absolute(state);
  options.images = std::filesystem::absolute(images);
  options.cache = std::filesystem::absolute(cache);
  options.config = config;
  options.policy = policy;
  if (!binaries.empty()) options.kubernetes_binaries = std::filesystem::absolute(binaries);
  options.evidence_interval = seconds(evidence_interval);
  options.boot_patience = seconds(boot_patience);
  options.certificate_lifetime = seconds(lifetime);
  Status status = parse_listen(listen, options);
  if (status) status = parse_host(host, options);
  if (status) status = parse_kubernetes(kubernetes, options);
  if (status && options.kubernetes == KubernetesKind::kHosted && binaries.empty()) {
    options.kubernetes_binaries = newest_kubernetes(build_cache());
    if (options.kubernetes_binaries.empty())
      status = fail(ErrorCode::kInvalidArgument,
                    fmt::format("there is no Kubernetes in {}: packaging/kubernetes/fetch puts one there, and "
                                "--kubernetes-binaries DIR names another; --kubernetes memory: does without.",
                                (build_cache() / "kubernetes").string()));
  }
  if (!status) {
    line.exit_status = 2;
    line.text = status.error().message + "\nSee slipwayd --help.\n";
    return line;
  }
  line.run = true;
  return line;
}

}  // namespace slipway::slipwayd
