#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "control/cluster_state.h"
#include "control/documents.h"
#include "control/log_text.h"
#include "crypto/secret_hash.h"
#include "enrolment/messages.h"
#include "fleet/node_state.h"
#include "image/disk_contents.h"

namespace slipway::control {
namespace {

constexpr std::size_t kSecretSize = 32;
constexpr std::size_t kMaximumDiskReport = 4096;

template <typename Record>
Status done(const Result<Record>& result) {
  return result ? Status{} : fail(result.error());
}

// A document that is gone needs nothing any more.
Status absent_is_fine(const Status& status) {
  if (!status && status.error().code == ErrorCode::kNotFound) return {};
  return status;
}

class Performer {
 public:
  Performer(const Surroundings& around, ClusterState& state) : around_(around), state_(state) {}

  Status operator()(const fleet::EnsureNetwork&) {
    SLIPWAY_ASSIGN(const host::Network network, around_.host.ensure_network(state_.cluster));
    SLIPWAY_ASSIGN(const NodeEndpoint endpoint, around_.listeners.ensure(state_.cluster, network.gateway));
    SLIPWAY_TRY(around_.host.allow_gateway_port(state_.cluster, endpoint.port));
    SLIPWAY_TRY(done(change_cluster(around_.store, state_.cluster, [&](fleet::Cluster& cluster) -> Status {
      cluster.gateway = network.gateway;
      return {};
    })));
    spdlog::info("network ready cluster={} bridge={} gateway={} listener={}", state_.cluster, network.bridge,
                 network.gateway, endpoint.url);
    state_.network = network;
    state_.endpoint = endpoint;
    state_.listening_since = around_.clock.now();
    return {};
  }

  Status operator()(const fleet::EnsureControlPlane&) {
    if (!state_.network) return fail(ErrorCode::kPreconditionFailed, "The cluster's network is not there yet.");
    kube::ClusterSpec spec;
    spec.id = state_.cluster;
    spec.advertise_address = state_.network->gateway;
    SLIPWAY_ASSIGN(const kube::Endpoints endpoints, around_.kubernetes.ensure_cluster(spec));
    SLIPWAY_TRY(around_.host.allow_gateway_port(state_.cluster, endpoints.port));
    SLIPWAY_TRY(done(change_cluster(around_.store, state_.cluster, [&](fleet::Cluster& cluster) -> Status {
      cluster.api_server = endpoints.node_api_server;
      cluster.api_server_port = endpoints.port;
      // One bundle for a node: whom its kubelet dials, and who may dial its kubelet. Key uses keep the two apart.
      cluster.certificate_authority = endpoints.ca + endpoints.client_ca;
      return {};
    })));
    spdlog::info("control plane ready cluster={} apiserver={}", state_.cluster, endpoints.node_api_server);
    state_.control_plane = true;
    return {};
  }

  Status operator()(const fleet::CreateNode& action) {
    SLIPWAY_ASSIGN(const fleet::Node node, create_node(around_.store, state_.cluster, action.pool,
                                                       make_uuid(around_.random), around_.clock.now()));
    spdlog::info("node wanted node={} instance={}", node.name, node.instance);
    return {};
  }

  Status operator()(const fleet::RecordEndorsementKey& action) {
    SLIPWAY_ASSIGN(const fleet::Node node, get_node(around_.store, action.instance));
    // Before anything of the node runs: its first evidence needs the firmware's reference values at once.
    SLIPWAY_TRY(done(around_.host.firmware_reference({node.vcpus, node.memory_mib}, node.secure_boot)));
    SLIPWAY_ASSIGN(const host::RecordedEndorsementKey recorded, around_.host.ensure_vtpm(action.instance));
    return done(change_node(around_.store, action.instance, [&](fleet::Node& found) -> Status {
      found.endorsement_key = recorded.public_area;
      return {};
    }));
  }

  Status operator()(const fleet::StartMachine& action) {
    SLIPWAY_ASSIGN(const fleet::Node node, get_node(around_.store, action.instance));
    SLIPWAY_ASSIGN(const host::Observation seen, around_.host.observe(action.instance));
    // Running, and not recorded so: the process ended between the two.
    if (seen.power != host::PowerState::kRunning) SLIPWAY_TRY(start(node));
    const Time now = around_.clock.now();
    spdlog::info("vm started node={}", node.name);
    return done(change_node(around_.store, action.instance, [&](fleet::Node& found) -> Status {
      if (!found.booted) found.booted = now;
      return {};
    }));
  }

  Status operator()(const fleet::DiscardMachine& action) { return around_.host.remove_vm(action.instance); }

  Status operator()(const fleet::RestartMachine& action) {
    state_.restarted[action.instance] = around_.clock.now();
    spdlog::warn("vm is off and is started again instance={}", action.instance);
    return around_.host.restart_vm(action.instance);
  }

  Status operator()(const fleet::InspectDisk& action) {
    SLIPWAY_ASSIGN(const fleet::Node node, get_node(around_.store, action.instance));
    SLIPWAY_ASSIGN(const StoredImage image, around_.images.find(node.image_version));
    SLIPWAY_ASSIGN(const image::DiskContents disk, around_.host.inspect_disk(action.instance, image.manifest));
    std::string report;
    for (const image::DiskDifference& difference : image::compare_disk(image.manifest, disk)) {
      if (report.size() + difference.message.size() > kMaximumDiskReport) break;
      report += (report.empty() ? "" : "; ") + difference.message;
    }
    spdlog::info("disk read node={} differs={}", node.name, log_quoted(report));
    const Time now = around_.clock.now();
    return done(change_node(around_.store, action.instance, [&](fleet::Node& found) -> Status {
      found.disk_inspected = now;
      found.disk_report = report;
      return {};
    }));
  }

  Status operator()(const fleet::SetPhase& action) {
    const auto node = change_node(around_.store, action.instance, [&](fleet::Node& found) -> Status {
      // A node on its way out never comes back, whoever decided first.
      if (found.phase == fleet::NodePhase::kDeleting) return {};
      found.phase = action.phase;
      found.explanation = action.explanation;
      found.disk_told = action.tells_disk;
      if (!fleet::is_bad(action.phase)) {
        found.disk_inspected.reset();
        found.disk_report.clear();
      }
      return {};
    });
    if (node) {
      spdlog::info("phase node={} phase={} why={}", node->name, fleet::to_string(action.phase),
                   log_quoted(action.explanation));
    }
    return absent_is_fine(done(node));
  }

  Status operator()(const fleet::SetLabels& action) {
    std::string text;
    for (const auto& [name, value] : action.labels) text += fmt::format("{}{} ", name, value ? "=" + *value : "-");
    spdlog::info("labels node={} changes={}", action.node, log_quoted(text));
    // A node that is gone from Kubernetes carries no label either.
    return absent_is_fine(around_.kubernetes.set_labels(state_.cluster, action.node, action.labels));
  }

  Status operator()(const fleet::RecordLabels& action) {
    return absent_is_fine(done(change_node(around_.store, action.instance, [&](fleet::Node& found) -> Status {
      found.labels_applied = action.applied;
      return {};
    })));
  }

  Status operator()(const fleet::Cordon& action) {
    return absent_is_fine(around_.kubernetes.cordon(state_.cluster, action.node, true));
  }

  Status operator()(const fleet::BeginDrain& action) {
    const Time now = around_.clock.now();
    const auto node = change_node(around_.store, action.instance, [&](fleet::Node& found) -> Status {
      if (found.draining) return {};
      found.draining = now;
      found.drain_reason = action.reason;
      return {};
    });
    if (node) spdlog::info("drain begun node={} why={}", node->name, log_quoted(action.reason));
    return absent_is_fine(done(node));
  }

  Status operator()(const fleet::EvictPods& action) {
    SLIPWAY_ASSIGN(const std::vector<kube::Pod> pods, around_.kubernetes.list_pods(state_.cluster, action.node));
    EvictionRound round;
    round.at = around_.clock.now();
    for (const kube::Pod& pod : pods) {
      if (!pod.leaves_on_drain() || pod.is_terminating) continue;
      const auto eviction = around_.kubernetes.evict(state_.cluster, pod);
      const std::string why = eviction ? eviction->forbidden_by : eviction.error().message;
      if (!why.empty()) {
        round.blocked.push_back(fmt::format("{} ({})", pod.full_name(), why));
        continue;
      }
      if (pod.is_bare) {
        spdlog::warn("pod evicted that nothing makes again node={} pod={}", action.node, pod.full_name());
      } else {
        spdlog::info("pod evicted node={} pod={}", action.node, pod.full_name());
      }
    }
    state_.evictions[action.instance] = std::move(round);
    return {};
  }

  Status operator()(const fleet::StopDrain& action) {
    // The document last: until it says so, this is asked for again.
    SLIPWAY_TRY(absent_is_fine(around_.kubernetes.cordon(state_.cluster, action.node, false)));
    state_.evictions.erase(action.instance);
    spdlog::info("drain called off node={}", action.node);
    return absent_is_fine(done(change_node(around_.store, action.instance, [&](fleet::Node& found) -> Status {
      found.draining.reset();
      found.drain_reason.clear();
      return {};
    })));
  }

  Status operator()(const fleet::RemoveNode& action) {
    // The VM first: its kubelet would register the node again.
    SLIPWAY_TRY(around_.host.remove_vm(action.instance));
    const auto cluster = get_cluster(around_.store, state_.cluster);
    // With the cluster its apiserver goes too; one that no longer answers must not keep it from going.
    if (state_.control_plane && cluster && !cluster->deletion_requested) {
      SLIPWAY_TRY(around_.kubernetes.delete_node(state_.cluster, action.node));
    }
    state_.restarted.erase(action.instance);
    state_.evictions.erase(action.instance);
    spdlog::info("node removed node={} instance={}", action.node, action.instance);
    const auto committed = around_.store.commit({{}, {}, {fleet::node_key(action.instance)}});
    return done(committed);
  }

  Status operator()(const fleet::RemoveInfrastructure&) {
    SLIPWAY_TRY(around_.kubernetes.remove_cluster(state_.cluster));
    around_.listeners.remove(state_.cluster);
    SLIPWAY_TRY(around_.host.remove_network(state_.cluster));
    spdlog::info("control plane and network removed cluster={}", state_.cluster);
    state_.network.reset();
    state_.endpoint.reset();
    state_.control_plane = false;
    return {};
  }

  Status operator()(const fleet::SetProgress& action) {
    return absent_is_fine(
        done(change_operation(around_.store, action.operation, [&](fleet::Operation& found) -> Status {
          if (found.status == "InProgress") found.progress = action.progress;
          return {};
        })));
  }

  Status operator()(const fleet::Finish& action) {
    if (action.status == "Failed") {
      spdlog::error("operation failed operation={} kind={} code={} why={}", action.operation, action.kind,
                    action.error_code, log_quoted(action.error_message));
    } else {
      spdlog::info("operation ended operation={} kind={} status={}", action.operation, action.kind, action.status);
    }
    return absent_is_fine(finish_operation(around_.store, state_.cluster, action, around_.clock.now()));
  }

 private:
  Status start(const fleet::Node& node) {
    if (!state_.network || !state_.endpoint) {
      return fail(ErrorCode::kPreconditionFailed, "The cluster's network is not there yet.");
    }
    SLIPWAY_ASSIGN(const StoredImage image, around_.images.find(node.image_version));
    enrolment::Bootstrap bootstrap;
    bootstrap.instance = node.instance;
    bootstrap.endpoint = state_.endpoint->url;
    bootstrap.ca_key_sha256 = state_.endpoint->ca_key_sha256;
    if (!node.vtpm) {
      bootstrap.secret = to_hex(around_.random.bytes(kSecretSize));
      const std::string hash = crypto::hash_secret(bootstrap.secret, around_.random);
      SLIPWAY_TRY(done(change_node(around_.store, node.instance, [&](fleet::Node& found) -> Status {
        found.secret_hash = hash;
        found.secret_used = false;
        found.secret_holder.clear();
        return {};
      })));
    }
    host::VirtualMachine vm;
    if (state_.network->binds_addresses) {
      // Recorded before anything runs at it.
      SLIPWAY_ASSIGN(vm.address, host::machine_address(*state_.network, node.pod_subnet));
      SLIPWAY_TRY(done(change_node(around_.store, node.instance, [&](fleet::Node& found) -> Status {
        found.address = vm.address;
        return {};
      })));
    }
    vm.instance = node.instance;
    vm.name = node.name;
    vm.shape = {node.vcpus, node.memory_mib};
    vm.secure_boot = node.secure_boot;
    vm.vtpm = node.vtpm;
    vm.image = image.disk;
    vm.network = state_.network->name;
    vm.bootstrap = enrolment::to_json(bootstrap);
    return around_.host.ensure_vm(vm);
  }

  const Surroundings& around_;
  ClusterState& state_;
};

}  // namespace

Status carry_out(const Surroundings& around, ClusterState& state, const fleet::Action& action) {
  return std::visit(Performer(around, state), action);
}

}  // namespace slipway::control
