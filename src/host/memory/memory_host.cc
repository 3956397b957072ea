#include "host/memory/memory_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "host/instance.h"
#include "host/memory/memory_records.h"
#include "host/memory/simulated_boot.h"
#include "host/memory/simulated_node.h"
#include "host/memory/software_attester.h"
#include "tpm/public_area.h"

namespace slipway::host {
namespace {

constexpr const char* kAccelerator = "simulated";
constexpr const char* kMachineType = "simulated";
constexpr const char* kVersion = "0.0.0";
constexpr std::chrono::hours kAuthorityLife{24 * 365 * 30};
// The simulated firmware asks more often than a real node: nothing else of it takes time.
constexpr milliseconds kRetry{1000};

Bytes firmware_digest() { return crypto::sha256(as_bytes("simulated firmware")); }

// What a node's thread leaves behind for observe(). Shared with the thread.
struct Console {
  std::mutex mutex;
  std::string text;

  void say(std::string line) {
    const std::lock_guard lock(mutex);
    text = std::move(line);
  }
  std::string tail() {
    const std::lock_guard lock(mutex);
    return text;
  }
};

struct RunningNode {
  std::shared_ptr<Console> console;
  std::unique_ptr<SimulatedNode> node;
};

class MemoryHost final : public Host {
 public:
  explicit MemoryHost(MemoryOptions options) : options_(std::move(options)), records_(options_.state_folder) {
    resume();
  }

  Result<Capabilities> probe() override {
    return Capabilities{kAccelerator, "no VMs: each node is a thread with a software TPM", kVersion, kMachineType};
  }
  Result<Network> ensure_network(const std::string& cluster) override;
  Status remove_network(const std::string& cluster) override;
  Status allow_gateway_port(const std::string& cluster, int port) override;
  Result<RecordedEndorsementKey> ensure_vtpm(const std::string& instance) override;
  Result<RecordedEndorsementKey> vtpm(const std::string& instance) override;
  Result<FirmwareReference> firmware_reference(const Shape& shape, bool secure_boot) override;
  Result<image::Prediction> predict(const image::Manifest& manifest, const Shape& shape, bool secure_boot) override;
  Status ensure_vm(const VirtualMachine& vm) override;
  Result<Observation> observe(const std::string& instance) override;
  Result<FirmwareObservation> observe_firmware(const std::string& instance) override;
  Result<image::DiskContents> inspect_disk(const std::string& instance, const image::Manifest& manifest) override;
  Status restart_vm(const std::string& instance) override;
  Status remove_vm(const std::string& instance) override;
  Result<std::vector<std::string>> list() override;

 private:
  void resume();
  Status power_on(const VirtualMachine& vm);
  Result<std::shared_ptr<SoftwareAttester>> boot_attester(const VirtualMachine& vm);
  Result<crypto::Identity> authority();
  Result<RecordedEndorsementKey> recorded_vtpm(const std::string& instance) const;
  void admitted(const std::string& instance, const enrolment::Admission& admission, const enrolment::NodeKeys& keys);
  // Takes the node out of the table; destroying it waits for its thread, which must not happen under the mutex.
  RunningNode take(const std::string& instance);

  const MemoryOptions options_;
  std::mutex mutex_;
  MemoryRecords records_;
  std::map<std::string, RunningNode> nodes_;  // last: their threads use the rest
};

void MemoryHost::resume() {
  const std::lock_guard lock(mutex_);
  for (const std::string& instance : records_.list()) {
    const auto machine = records_.machine(instance);
    if (!machine || !machine->running) continue;
    if (auto started = power_on(machine->vm); !started) {
      nodes_[instance].console = std::make_shared<Console>();
      nodes_[instance].console->say("not resumed: " + started.error().message);
    }
  }
}

Result<Network> MemoryHost::ensure_network(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  SLIPWAY_ASSIGN(auto networks, records_.networks());
  if (const auto found = networks.find(cluster); found != networks.end()) return found->second;
  std::string suffix;
  const auto taken = [&](const auto& entry) { return entry.second.name == "slipway-" + suffix; };
  do {
    suffix = to_hex(options_.random.bytes(2));
  } while (std::any_of(networks.begin(), networks.end(), taken));
  const Network network{"slipway-" + suffix, "slpw-" + suffix, "127.0.0.1", "127.0.0.0/8"};
  networks[cluster] = network;
  SLIPWAY_TRY(records_.write_networks(networks));
  return network;
}

Status MemoryHost::remove_network(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  SLIPWAY_ASSIGN(auto networks, records_.networks());
  if (networks.erase(cluster) == 0) return {};
  return records_.write_networks(networks);
}

Status MemoryHost::allow_gateway_port(const std::string& cluster, int port) {
  if (port < 1 || port > 65535) return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a TCP port", port));
  const std::lock_guard lock(mutex_);
  SLIPWAY_ASSIGN(const auto networks, records_.networks());
  if (networks.count(cluster) == 0) return fail(ErrorCode::kNotFound, "cluster " + cluster + " has no network here");
  return {};
}

Result<crypto::Identity> MemoryHost::authority() {
  const auto known = records_.authority();
  if (known) {
    SLIPWAY_ASSIGN(auto certificate, crypto::Certificate::from_pem(known->first));
    SLIPWAY_ASSIGN(auto key, crypto::PrivateKey::from_pem(known->second));
    return crypto::Identity{std::move(certificate), std::move(key)};
  }
  if (known.error().code != ErrorCode::kNotFound) return fail(known.error());
  const Time now = options_.clock.now();
  SLIPWAY_ASSIGN(auto made, crypto::make_authority("Slipway simulated vTPM authority", now - std::chrono::hours(1),
                                                   now + kAuthorityLife, options_.random));
  SLIPWAY_TRY(records_.write_authority(made.certificate.pem(), made.key.pem()));
  return made;
}

Result<RecordedEndorsementKey> MemoryHost::ensure_vtpm(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  const std::lock_guard lock(mutex_);
  auto known = recorded_vtpm(instance);
  if (known || known.error().code != ErrorCode::kNotFound) return known;
  if (records_.machine(instance)) {
    return fail(ErrorCode::kConflict, "instance " + instance +
                                          " already has a VM, without a vTPM; a vTPM is made before its VM or not at "
                                          "all");
  }
  SLIPWAY_ASSIGN(const auto attester, SoftwareAttester::manufacture());
  SLIPWAY_ASSIGN(Bytes area, attester->endorsement_key_public());
  SLIPWAY_ASSIGN(const auto key, tpm::check_endorsement_key(area));
  SLIPWAY_ASSIGN(const auto issuer, authority());
  const Time now = options_.clock.now();
  crypto::CertificateTemplate content;
  content.common_name = instance;
  content.not_before = now - std::chrono::hours(1);
  content.not_after = issuer.certificate.not_after();
  SLIPWAY_ASSIGN(const auto certificate, crypto::issue_certificate(issuer, content, key, options_.random));
  SLIPWAY_TRY(records_.write_vtpm(instance, attester->state(), certificate.pem()));
  return RecordedEndorsementKey{std::move(area), certificate.pem(), {}};
}

// The certificate names no TPM, as a TPM's must, so nobody is to be shown its authority.
Result<RecordedEndorsementKey> MemoryHost::recorded_vtpm(const std::string& instance) const {
  SLIPWAY_ASSIGN(auto known, records_.vtpm(instance));
  SLIPWAY_ASSIGN(const auto attester, SoftwareAttester::from_state(known.first));
  SLIPWAY_ASSIGN(Bytes area, attester->endorsement_key_public());
  return RecordedEndorsementKey{std::move(area), std::move(known.second), {}};
}

// The record is a file that is replaced whole: it is read beside whatever goes on under the mutex.
Result<RecordedEndorsementKey> MemoryHost::vtpm(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  return recorded_vtpm(instance);
}

Result<FirmwareReference> MemoryHost::firmware_reference(const Shape& shape, bool secure_boot) {
  FirmwareReference reference;
  reference.firmware_sha256 = firmware_digest();
  reference.qemu_version = kVersion;
  reference.machine_type = kMachineType;
  reference.shape = shape;
  reference.secure_boot = secure_boot;
  reference.pcr0_events = simulated_pcr0_events();
  reference.variables = simulated_variables({}, secure_boot);
  return reference;
}

Result<image::Prediction> MemoryHost::predict(const image::Manifest& manifest, const Shape&, bool secure_boot) {
  return predict_simulated(manifest, secure_boot);
}

Result<std::shared_ptr<SoftwareAttester>> MemoryHost::boot_attester(const VirtualMachine& vm) {
  if (!vm.vtpm) return std::shared_ptr<SoftwareAttester>();
  const auto state = records_.vtpm(vm.instance);
  if (!state) {
    return fail(ErrorCode::kPreconditionFailed,
                "instance " + vm.instance + " has no vTPM yet: its EK must be recorded before its first boot");
  }
  SLIPWAY_ASSIGN(const image::Manifest manifest, options_.manifest(vm.image));
  SLIPWAY_ASSIGN(auto attester, SoftwareAttester::from_state(state->first));
  SLIPWAY_TRY(attester->boot(simulate_boot(manifest, vm.secure_boot)));
  // Its resets are counted, or the next start of this host would look like a TPM that was thrown back.
  SLIPWAY_TRY(records_.write_vtpm(vm.instance, attester->state(), state->second));
  return std::shared_ptr<SoftwareAttester>(std::move(attester));
}

Status MemoryHost::power_on(const VirtualMachine& vm) {
  SimulatedNodeOptions node;
  SLIPWAY_ASSIGN(node.bootstrap, enrolment::bootstrap_from_json(vm.bootstrap));
  SLIPWAY_ASSIGN(node.attester, boot_attester(vm));
  if (!vm.vtpm) {
    SLIPWAY_ASSIGN(node.held, records_.held(vm.instance));
  }
  auto console = std::make_shared<Console>();
  node.retry = kRetry;
  node.on_admitted = [this, console, instance = vm.instance](const enrolment::Admission& admission,
                                                             const enrolment::NodeKeys& keys) {
    console->say("admitted: " + admission.verdict);
    admitted(instance, admission, keys);
  };
  node.on_refused = [console](const Error& error, int failures) {
    console->say(fmt::format("refused {} times: {} {}", failures, error.reason, error.message));
  };
  nodes_[vm.instance] = {console, std::make_unique<SimulatedNode>(std::move(node), options_.clock)};
  return {};
}

void MemoryHost::admitted(const std::string& instance, const enrolment::Admission& admission,
                          const enrolment::NodeKeys& keys) {
  {
    const std::lock_guard lock(mutex_);
    const auto machine = records_.machine(instance);
    const auto certificate = crypto::Certificate::from_pem(admission.client_certificate);
    if (machine && !machine->vm.vtpm && certificate) {
      // A node whose disk is full renews from its memory; the failure shows once it is started again.
      (void)records_.write_held(instance, {keys, certificate->not_before(), certificate->not_after()});
    }
  }
  if (options_.on_admitted) options_.on_admitted(instance, admission, keys);
}

Status MemoryHost::ensure_vm(const VirtualMachine& vm) {
  SLIPWAY_TRY(check_instance(vm.instance));
  const std::lock_guard lock(mutex_);
  const auto running = nodes_.find(vm.instance);
  if (running != nodes_.end() && running->second.node) return {};
  const auto known = records_.machine(vm.instance);
  const VirtualMachine& wanted = known ? known->vm : vm;
  if (!known) {
    SLIPWAY_ASSIGN(const auto networks, records_.networks());
    const bool has_network = std::any_of(networks.begin(), networks.end(),
                                         [&](const auto& entry) { return entry.second.name == vm.network; });
    if (!has_network) return fail(ErrorCode::kNotFound, "network " + vm.network + " is not recorded on this host");
    SLIPWAY_TRY(boot_attester(vm));
    SLIPWAY_TRY(enrolment::bootstrap_from_json(vm.bootstrap));
  }
  SLIPWAY_TRY(records_.write_machine({wanted, true}));
  return power_on(wanted);
}

Result<Observation> MemoryHost::observe(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  const std::lock_guard lock(mutex_);
  Observation seen;
  if (!records_.machine(instance)) return seen;
  const auto found = nodes_.find(instance);
  seen.power = found != nodes_.end() && found->second.node ? PowerState::kRunning : PowerState::kOff;
  if (found != nodes_.end()) seen.console_tail = found->second.console->tail();
  return seen;
}

Result<FirmwareObservation> MemoryHost::observe_firmware(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  const std::lock_guard lock(mutex_);
  const auto machine = records_.machine(instance);
  if (!machine) return fail(ErrorCode::kNotFound, "no VM of instance " + instance + " exists on this host");
  const bool on = machine->vm.secure_boot;
  const auto manifest = options_.manifest(machine->vm.image);
  const SecureBootVariables variables = simulated_variables(manifest ? *manifest : image::Manifest(), on);
  return FirmwareObservation{.secure_boot_enabled = on,
                             .firmware_sha256 = firmware_digest(),
                             .platform_key_sha256 = variables.platform_key_sha256,
                             .key_exchange_keys_sha256 = variables.key_exchange_keys_sha256,
                             .db_sha256 = variables.db_sha256,
                             .dbx_sha256 = variables.dbx_sha256,
                             .revocations = on ? 1 : 0,
                             .detail = on ? "Secure Boot is on (simulated)" : "Secure Boot is off (simulated)"};
}

RunningNode MemoryHost::take(const std::string& instance) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(instance);
  if (found == nodes_.end()) return {};
  RunningNode node = std::move(found->second);
  nodes_.erase(found);
  return node;
}

// A simulated VM boots what its manifest says: so does its disk.
Result<image::DiskContents> MemoryHost::inspect_disk(const std::string& instance, const image::Manifest& manifest) {
  SLIPWAY_TRY(check_instance(instance));
  const std::lock_guard lock(mutex_);
  if (!records_.machine(instance)) {
    return fail(ErrorCode::kNotFound, "no VM of instance " + instance + " exists on this host");
  }
  image::DiskContents disk;
  disk.gpt_event_sha256 = manifest.gpt_event_sha256;
  for (const image::BootFile& file : manifest.boot_files) disk.esp_sha256[file.path] = file.sha256;
  disk.grub_config = manifest.grub_config;
  disk.root_matches = true;
  return disk;
}

Status MemoryHost::restart_vm(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  { const RunningNode stopped = take(instance); }
  const std::lock_guard lock(mutex_);
  const auto machine = records_.machine(instance);
  if (!machine) return fail(ErrorCode::kNotFound, "no VM of instance " + instance + " exists on this host");
  SLIPWAY_TRY(records_.write_machine({machine->vm, true}));
  return power_on(machine->vm);
}

Status MemoryHost::remove_vm(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  { const RunningNode stopped = take(instance); }
  const std::lock_guard lock(mutex_);
  return records_.remove(instance);
}

Result<std::vector<std::string>> MemoryHost::list() {
  const std::lock_guard lock(mutex_);
  return records_.list();
}

}  // namespace

std::unique_ptr<Host> make_memory_host(MemoryOptions options) {
  return std::make_unique<MemoryHost>(std::move(options));
}

}  // namespace slipway::host
