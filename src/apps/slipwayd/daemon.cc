#include "apps/slipwayd/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <latch>

#include "api/api.h"
#include "api/installation.h"
#include "api/json.h"
#include "apps/slipwayd/http_node_listeners.h"
#include "apps/slipwayd/simulated_kubelets.h"
#include "base/random.h"
#include "base/time.h"
#include "control/engine.h"
#include "control/evidence_archive.h"
#include "control/image_store.h"
#include "control/log_text.h"
#include "control/registry.h"
#include "control/result_keys.h"
#include "enrolment/service.h"
#include "files/boot_id.h"
#include "host/libvirt/libvirt_host.h"
#include "host/memory/memory_host.h"
#include "http/server.h"
#include "kube/hosted/hosted_kubernetes.h"
#include "kube/memory/memory_kubernetes.h"
#include "store/sqlite.h"

namespace slipway::slipwayd {
namespace {

// What the in-memory Kubernetes says that it can be: one version on each side of the rules' edges.
const std::vector<std::string> kSimulatedVersions = {"1.20.2", "1.25.1", "1.25.2", "1.28.5", "1.32.4"};

// "v1.20.2-source" -> "1.20.2"
Result<std::string> version_of(const std::filesystem::path& folder) {
  const std::string name = folder.filename().string();
  const std::string version =
      name.substr(name.starts_with('v') ? 1 : 0, name.find('-') - (name.starts_with('v') ? 1U : 0U));
  if (fleet::compare_versions(version, "1.0").value_or(-1) > 0) return version;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--kubernetes-binaries {}: the folder's name must begin with the version, as in v1.20.2.",
                          folder.string()));
}

std::filesystem::path programs_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

std::string url_host(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

}  // namespace

// In the order of construction, which is the order of need.
struct Daemon::Parts {
  explicit Parts(api::StateFolder claimed) : folder(std::move(claimed)) {}
  ~Parts();

  SystemClock clock;
  SystemRandom random;
  api::StateFolder folder;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<api::Installation> installation;
  std::unique_ptr<control::ImageStore> images;
  std::unique_ptr<kube::Kubernetes> kubernetes;
  std::unique_ptr<SimulatedKubelets> kubelets;
  std::unique_ptr<HttpNodeListeners> listeners;
  std::unique_ptr<host::Host> host;
  std::unique_ptr<control::EvidenceArchive> archive;
  std::unique_ptr<control::ResultKeys> result_keys;
  std::mutex engine_mutex;
  std::unique_ptr<control::Engine> engine;
  std::unique_ptr<control::Registry> registry;
  std::unique_ptr<enrolment::Service> service;
  std::unique_ptr<api::Api> api;
  // The port must be known before the administrator can be made: until then requests wait.
  std::latch administrator_made{1};
  std::unique_ptr<http::Server> server;
  std::string endpoint;

  void wake(const std::string& cluster) {
    const std::lock_guard lock(engine_mutex);
    if (engine) engine->wake(cluster);
  }

  Status open_kubernetes(const Options& options, std::vector<std::string>& versions);
  Status open_host(const Options& options);
  Status serve_people(const Options& options, fleet::RulesProfile rules, std::vector<std::string> versions);
};

// The need runs in a ring: a node calls a listener, the listener the registry, the registry wakes the loops, and the
// loops use nodes and listeners. So who calls ends before who is called.
Daemon::Parts::~Parts() {
  server.reset();
  std::unique_ptr<control::Engine> last;
  {
    const std::lock_guard lock(engine_mutex);
    last = std::move(engine);
  }
  last.reset();
  host.reset();
  kubelets.reset();
  listeners.reset();
}

Status Daemon::Parts::open_kubernetes(const Options& options, std::vector<std::string>& versions) {
  std::unique_ptr<kube::NodeRegistrar> registrar;
  if (options.kubernetes == KubernetesKind::kMemory) {
    auto memory = kube::make_memory_kubernetes(clock, random);
    registrar = kube::make_memory_node_registrar(*memory);
    kubernetes = std::move(memory);
    versions = kSimulatedVersions;
  } else {
    SLIPWAY_ASSIGN(const std::string version, version_of(options.kubernetes_binaries));
    versions = {version};
    kube::HostedOptions hosted;
    hosted.state_folder = options.state / "kubernetes";
    hosted.kubernetes_folder = options.kubernetes_binaries;
    hosted.programs_folder = programs_folder();
    kubernetes = kube::make_hosted_kubernetes(std::move(hosted), clock, random);
    registrar = kube::make_https_node_registrar();
  }
  if (options.host == HostKind::kMemory) kubelets = std::make_unique<SimulatedKubelets>(std::move(registrar));
  return {};
}

Status Daemon::Parts::open_host(const Options& options) {
  if (options.host == HostKind::kMemory) {
    host = host::make_memory_host(
        {.state_folder = options.state / "host",
         .manifest = [this](const std::filesystem::path& disk) -> Result<image::Manifest> {
           SLIPWAY_ASSIGN(control::StoredImage image, images->find_by_disk(disk));
           return std::move(image.manifest);
         },
         .on_admitted = [this](const std::string& instance, const enrolment::Admission& admission,
                               const enrolment::NodeKeys& keys) { kubelets->admitted(instance, admission, keys); },
         .random = random,
         .clock = clock});
    return {};
  }
  host::LibvirtOptions libvirt{
      .state_folder = options.state, .cache_folder = options.cache, .random = random, .clock = clock};
  if (!options.libvirt_uri.empty()) libvirt.uri = options.libvirt_uri;
  SLIPWAY_ASSIGN(host, host::make_libvirt_host(std::move(libvirt)));
  SLIPWAY_ASSIGN(const host::Capabilities capabilities, host->probe());
  spdlog::info("host ready accelerator={} qemu={} machine={} why={}", capabilities.accelerator,
               capabilities.qemu_version, capabilities.machine_type, control::log_quoted(capabilities.explanation));
  return {};
}

Status Daemon::Parts::serve_people(const Options& options, fleet::RulesProfile rules,
                                   std::vector<std::string> versions) {
  api::ApiOptions api_options{
      .tenant = installation->tenant,
      .subscription = installation->subscription,
      .token_keys = installation->token_keys.get(),
      .activity_log = installation->activity_log.get(),
      .rules = std::move(rules),
      .kubernetes_versions = std::move(versions),
      .images =
          [this] {
            fleet::ImageCatalog catalog;
            for (const control::StoredImage& image : images->list()) {
              catalog.images.push_back({image.manifest.version, image.manifest.trusted_launch});
            }
            return catalog;
          },
      .evidence_bundle = [this](const std::string& instance) { return archive->last_bundle(instance); },
      .attestation_result = [this](const std::string& instance) { return archive->last_result(instance); },
      .result_keys = [this] { return result_keys->key_set(clock.now()); },
      .on_change = [this](const std::string& cluster) { wake(cluster); }};
  api = std::make_unique<api::Api>(std::move(api_options), *store, *kubernetes, clock, random);
  http::ServerOptions server_options;
  server_options.address = options.listen_address;
  server_options.port = options.listen_port;
  server_options.certificate_chain = installation->server_certificate_chain;
  server_options.private_key = installation->server_private_key;
  server_options.maximum_body = api::kMaximumBody;
  // People behind one proxy or router come from one address.
  server_options.connections_per_address = 64;
  SLIPWAY_ASSIGN(server, http::Server::start(server_options, [this](const http::Request& request) {
                   administrator_made.wait();
                   return api->handle(request);
                 }));
  endpoint = fmt::format("https://{}:{}", url_host(options.listen_address), server->port());
  const Status made = api::make_administrator(folder, *installation, endpoint, *store, random);
  administrator_made.count_down();
  return made;
}

Result<std::unique_ptr<Daemon>> Daemon::start(const Options& options) {
  SLIPWAY_ASSIGN(fleet::RulesProfile rules, read_configuration(options.config));
  SLIPWAY_ASSIGN(attestation::Policy policy, read_policy(options.policy));
  SLIPWAY_ASSIGN(api::StateFolder folder, api::StateFolder::claim(options.state.string()));
  auto parts = std::make_unique<Parts>(std::move(folder));
  SLIPWAY_ASSIGN(parts->store, store::open_sqlite_store((options.state / "slipway.db").string()));
  SLIPWAY_ASSIGN(
      api::Installation installation,
      api::open_installation(parts->folder, options.listen_address, *parts->store, parts->clock.now(), parts->random));
  parts->installation = std::make_unique<api::Installation>(std::move(installation));
  parts->images = options.host == HostKind::kMemory ? control::make_simulated_image_store()
                                                    : control::make_folder_image_store(options.images);
  std::vector<std::string> versions;
  SLIPWAY_TRY(parts->open_kubernetes(options, versions));
  parts->listeners =
      std::make_unique<HttpNodeListeners>(*parts->installation, *parts->store, parts->clock, parts->random);
  SLIPWAY_TRY(parts->open_host(options));
  SLIPWAY_ASSIGN(std::string boot_id, files::read_boot_id());
  parts->archive = std::make_unique<control::EvidenceArchive>(options.state / "evidence", std::move(boot_id));
  SLIPWAY_ASSIGN(parts->result_keys,
                 control::ResultKeys::open(options.state / "result-keys.json", {}, parts->clock.now()));
  parts->registry = std::make_unique<control::Registry>(
      *parts->store, *parts->host, *parts->kubernetes, *parts->images, *parts->archive, *parts->result_keys,
      parts->clock,
      control::RegistrySettings{options.certificate_lifetime, options.evidence_interval, std::move(policy),
                                "urn:uuid:" + parts->installation->tenant},
      [at = parts.get()](const std::string& cluster) { at->wake(cluster); });
  parts->service = std::make_unique<enrolment::Service>(*parts->registry, parts->clock, parts->random);
  parts->listeners->serve(*parts->service);

  control::EngineSettings settings;
  settings.limits.evidence_interval = options.evidence_interval;
  settings.limits.boot = options.boot_patience;
  {
    const std::lock_guard lock(parts->engine_mutex);
    parts->engine = std::make_unique<control::Engine>(
        control::Surroundings{*parts->store, *parts->host, *parts->kubernetes, *parts->listeners, *parts->images,
                              parts->clock, parts->random},
        settings);
  }
  SLIPWAY_TRY(parts->serve_people(options, std::move(rules), std::move(versions)));
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() = default;

std::string Daemon::endpoint() const { return parts_->endpoint; }

}  // namespace slipway::slipwayd
