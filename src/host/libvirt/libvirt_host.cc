#include "host/libvirt/libvirt_host.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "bootchain/ovmf_firmware.h"
#include "bootchain/variable_store.h"
#include "crypto/digest.h"
#include "files/file.h"
#include "host/console.h"
#include "host/instance.h"
#include "host/libvirt/calibration.h"
#include "host/libvirt/connection.h"
#include "host/libvirt/disk_reading.h"
#include "host/libvirt/domain_xml.h"
#include "host/libvirt/firmware_observation.h"
#include "host/libvirt/instance_files.h"
#include "host/libvirt/networks.h"
#include "host/libvirt/probe.h"
#include "host/libvirt/vtpm.h"
#include "image/calibration.h"
#include "image/predict.h"

namespace slipway::host {
namespace {

constexpr std::size_t kMaximumFirmware = 16U << 20;
constexpr std::size_t kMaximumReference = 64U << 10;
constexpr unsigned int kUndefineAll = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                                      VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;

// What the constructor of the host needs to have found out.
struct Places {
  std::filesystem::path folder;        // the host's own, below slipwayd's state folder
  std::filesystem::path instances;     // below it
  std::filesystem::path networks;      // below it
  std::filesystem::path calibrations;  // below it
  std::filesystem::path machines;      // for QEMU's user
  std::string installation;
};

class LibvirtHost final : public Host {
 public:
  LibvirtHost(LibvirtOptions options, Places places, FirmwareFiles firmware)
      : options_(std::move(options)),
        places_(std::move(places)),
        firmware_(std::move(firmware)),
        connection_(options_.uri, options_.state_folder / "libvirtd.pids"),
        networks_(connection_, places_.networks, options_.random),
        vtpms_(places_.folder / "vtpm-authority", options_.random, options_.clock),
        files_(places_.instances, places_.machines),
        calibration_files_(places_.calibrations, places_.machines / "calibration") {}

  Status start();

  Result<Capabilities> probe() override;
  Result<Network> ensure_network(const std::string& cluster) override { return networks_.ensure(cluster); }
  Status remove_network(const std::string& cluster) override { return networks_.remove(cluster); }
  Status allow_gateway_port(const std::string& cluster, int port) override {
    return networks_.allow_port(cluster, port);
  }
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
  DomainPlan plan_for(const Capabilities& capabilities, const Shape& shape, bool vtpm) const;
  Result<std::vector<Bytes>> calibrate(const Capabilities& capabilities, const Shape& shape, bool secure_boot);
  Status remove_calibration(const std::string& uuid);
  Result<Bytes> firmware_digest() const;
  // What the firmware file holds; unpacked again only when the file changes.
  Result<bootchain::OvmfFirmware> unpack_firmware();
  const std::filesystem::path& store_template(bool secure_boot) const {
    return secure_boot ? firmware_.enrolled_store : firmware_.empty_store;
  }

  const LibvirtOptions options_;
  const Places places_;
  const FirmwareFiles firmware_;
  Connection connection_;
  Networks networks_;
  VtpmFactory vtpms_;
  std::mutex probe_mutex_;
  std::optional<Capabilities> capabilities_;
  std::mutex firmware_mutex_;
  std::optional<bootchain::OvmfFirmware> unpacked_firmware_;  // under firmware_mutex_
  std::mutex calibration_mutex_;                              // one calibration at a time; taken before files_mutex_
  std::mutex files_mutex_;                                    // guards what follows, and vtpms_
  InstanceFiles files_, calibration_files_;
};

// Null if there is no such domain; an error if libvirt cannot tell.
Result<DomainHandle> find_domain(virConnectPtr connection, const std::string& uuid) {
  DomainHandle domain(virDomainLookupByUUIDString(connection, uuid.c_str()));
  if (!domain && last_libvirt_code() != VIR_ERR_NO_DOMAIN) return fail(libvirt_error("VM " + uuid));
  return domain;
}

bool is_active(virDomainPtr domain) { return virDomainIsActive(domain) == 1; }

// A call that failed may have found the work done by somebody else. Its error is taken before anything else is asked:
// each call to libvirt forgets the last one's error, that for the name too.
Status judge_power_change(virDomainPtr domain, int result, const std::string& what, bool wanted) {
  if (result == 0) return {};
  Error error = libvirt_error(what);
  if (is_active(domain) == wanted) return {};
  return fail(std::move(error));
}

Status power_on(virDomainPtr domain) {
  if (is_active(domain)) return {};
  const std::string what = fmt::format("VM {} cannot be started", virDomainGetName(domain));
  return judge_power_change(domain, virDomainCreate(domain), what, true);
}

Status cut_power(virDomainPtr domain) {
  if (!is_active(domain)) return {};
  const std::string what = fmt::format("VM {} cannot be stopped", virDomainGetName(domain));
  return judge_power_change(domain, virDomainDestroy(domain), what, false);
}

Result<DomainHandle> require_domain(virConnectPtr connection, const std::string& instance) {
  SLIPWAY_ASSIGN(DomainHandle domain, find_domain(connection, instance));
  if (!domain) return fail(ErrorCode::kNotFound, "no VM of instance " + instance + " exists on this host");
  return domain;
}

// A file in a shared cache may be anybody's mistake: its name alone does not make it the answer.
bool same_inputs(const FirmwareReference& left, const FirmwareReference& right) {
  return left.firmware_sha256 == right.firmware_sha256 && left.qemu_version == right.qemu_version &&
         left.machine_type == right.machine_type && left.shape.vcpus == right.shape.vcpus &&
         left.shape.memory_mib == right.shape.memory_mib && left.secure_boot == right.secure_boot;
}

// What libvirt's daemons wrote about a VM of this name while it lived.
Status remove_logs(const std::string& name) {
  if (name.find('/') != std::string::npos) return {};
  SLIPWAY_TRY(files::remove_path("/var/log/libvirt/qemu/" + name + ".log"));
  return files::remove_path("/var/log/swtpm/libvirt/qemu/" + name + "-swtpm.log");
}

Status LibvirtHost::start() {
  SLIPWAY_TRY(connection_.get());
  return check_packet_filter();
}

Result<Capabilities> LibvirtHost::probe() {
  const std::lock_guard lock(probe_mutex_);
  if (!capabilities_) {
    SLIPWAY_ASSIGN(const auto connection, connection_.get());
    SLIPWAY_ASSIGN(capabilities_, probe_machine(connection.get(), firmware_, places_.folder));
  }
  return *capabilities_;
}

Result<RecordedEndorsementKey> LibvirtHost::ensure_vtpm(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  const std::lock_guard lock(files_mutex_);
  auto recorded = files_.vtpm(instance);
  if (recorded || recorded.error().code != ErrorCode::kNotFound) return recorded;
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  SLIPWAY_ASSIGN(const DomainHandle domain, find_domain(connection.get(), instance));
  if (domain) {
    return fail(
        ErrorCode::kConflict,
        "instance " + instance + " already has a VM, without a vTPM; a vTPM is made before its VM or not at all");
  }
  SLIPWAY_ASSIGN(const RecordedEndorsementKey made, vtpms_.manufacture(instance));
  SLIPWAY_TRY(files_.record_vtpm(instance, made));
  return made;
}

// The record is replaced whole, so it is read beside a vTPM that is being made.
Result<RecordedEndorsementKey> LibvirtHost::vtpm(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  return files_.vtpm(instance);
}

DomainPlan LibvirtHost::plan_for(const Capabilities& capabilities, const Shape& shape, bool vtpm) const {
  DomainPlan plan;
  plan.installation = places_.installation;
  plan.accelerator = capabilities.accelerator;
  plan.machine_type = capabilities.machine_type;
  plan.shape = shape;
  plan.firmware = firmware_.code;
  plan.vtpm = vtpm;
  return plan;
}

Result<Bytes> LibvirtHost::firmware_digest() const {
  SLIPWAY_ASSIGN(const Bytes code, files::read_file(firmware_.code, kMaximumFirmware));
  return crypto::sha256(code);
}

Result<FirmwareReference> LibvirtHost::firmware_reference(const Shape& shape, bool secure_boot) {
  SLIPWAY_ASSIGN(const Capabilities capabilities, probe());
  FirmwareReference reference;
  SLIPWAY_ASSIGN(reference.firmware_sha256, firmware_digest());
  reference.qemu_version = capabilities.qemu_version;
  reference.machine_type = capabilities.machine_type;
  reference.shape = shape;
  reference.secure_boot = secure_boot;
  SLIPWAY_ASSIGN(const Bytes store, files::read_file(store_template(secure_boot), kMaximumFirmware));
  SLIPWAY_ASSIGN(reference.variables, secure_boot_variables(store));
  const std::string key = calibration_key(reference, capabilities.accelerator);
  const std::filesystem::path cached = options_.cache_folder / (key + ".json");

  const auto read_cache = [&] {
    const auto text = files::read_file(cached, kMaximumReference);
    const auto known =
        text ? firmware_reference_from_json(as_text(*text)) : Result<FirmwareReference>(fail(text.error()));
    if (!known || !same_inputs(*known, reference)) return false;
    reference.pcr0_events = known->pcr0_events;
    return true;
  };
  if (read_cache()) return reference;
  // Others may go on with what they find in the cache while this one boots.
  const std::lock_guard lock(calibration_mutex_);
  if (read_cache()) return reference;
  SLIPWAY_ASSIGN(reference.pcr0_events, calibrate(capabilities, shape, secure_boot));
  SLIPWAY_TRY(files::ensure_folder(options_.cache_folder, 0755));
  SLIPWAY_TRY(files::replace_file(cached, as_bytes(to_json(reference)), 0644));
  return reference;
}

Result<bootchain::OvmfFirmware> LibvirtHost::unpack_firmware() {
  SLIPWAY_ASSIGN(const Bytes code, files::read_file(firmware_.code, kMaximumFirmware));
  const std::lock_guard lock(firmware_mutex_);
  if (!unpacked_firmware_ || unpacked_firmware_->code_sha256 != crypto::sha256(code)) {
    SLIPWAY_ASSIGN(unpacked_firmware_, bootchain::read_ovmf_firmware(code));
  }
  return *unpacked_firmware_;
}

Result<image::Prediction> LibvirtHost::predict(const image::Manifest& manifest, const Shape& shape, bool secure_boot) {
  SLIPWAY_ASSIGN(const FirmwareReference reference, firmware_reference(shape, secure_boot));
  SLIPWAY_ASSIGN(const bootchain::OvmfFirmware firmware, unpack_firmware());
  SLIPWAY_ASSIGN(const Bytes store, files::read_file(store_template(secure_boot), kMaximumFirmware));
  SLIPWAY_ASSIGN(const auto variables, bootchain::read_variable_store(store));
  image::FirmwareFacts facts;
  facts.code_sha256 = firmware.code_sha256;
  facts.dxe_volume_sha256 = firmware.dxe_volume_sha256;
  SLIPWAY_ASSIGN(facts.calibrated_pei_volume_sha256,
                 image::calibrated_pei_volume(reference.pcr0_events, firmware.dxe_volume_sha256));
  return image::predict(manifest, facts, variables);
}

Result<std::vector<Bytes>> LibvirtHost::calibrate(const Capabilities& capabilities, const Shape& shape,
                                                  bool secure_boot) {
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  DomainPlan plan = plan_for(capabilities, shape, true);
  plan.uuid = make_uuid(options_.random);
  plan.name = "slipway-calibration-" + plan.uuid;
  {
    const std::lock_guard lock(files_mutex_);
    // What a calibration that was killed left behind; its domain ended with its connection.
    for (const std::string& left : calibration_files_.list()) SLIPWAY_TRY(remove_calibration(left));
    SLIPWAY_TRY(calibration_files_.prepare_sealed(store_template(secure_boot), plan));
    SLIPWAY_TRY(VtpmFactory::manufacture_uncertified(plan.uuid));
  }
  auto digests = boot_for_pcr0(connection.get(), plan);
  const std::lock_guard lock(files_mutex_);
  SLIPWAY_TRY(remove_calibration(plan.uuid));
  SLIPWAY_TRY(remove_logs(plan.name));
  return digests;
}

Status LibvirtHost::remove_calibration(const std::string& uuid) {
  SLIPWAY_TRY(VtpmFactory::remove(uuid));
  return calibration_files_.remove(uuid);
}

Status LibvirtHost::ensure_vm(const VirtualMachine& vm) {
  SLIPWAY_TRY(check_instance(vm.instance));
  SLIPWAY_ASSIGN(const Capabilities capabilities, probe());
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  SLIPWAY_TRY(networks_.ensure_by_name(vm.network));
  const std::lock_guard lock(files_mutex_);
  SLIPWAY_ASSIGN(DomainHandle domain, find_domain(connection.get(), vm.instance));
  if (!domain) {
    if (vm.vtpm && !files_.vtpm(vm.instance)) {
      return fail(ErrorCode::kPreconditionFailed,
                  "instance " + vm.instance + " has no vTPM yet: its EK must be recorded before its first boot");
    }
    DomainPlan plan = plan_for(capabilities, vm.shape, vm.vtpm);
    plan.uuid = vm.instance;
    plan.name = vm.name;
    plan.network = vm.network;
    plan.address = vm.address;
    plan.traffic_filter = options_.traffic_filter;
    SLIPWAY_TRY(files_.prepare(vm, firmware_, plan));
    domain.reset(virDomainDefineXML(connection.get(), domain_xml(plan).c_str()));
    if (!domain) return fail(libvirt_error("VM " + vm.name + " cannot be defined"));
  }
  return power_on(domain.get());
}

Result<Observation> LibvirtHost::observe(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  Observation seen;
  SLIPWAY_ASSIGN(const DomainHandle domain, find_domain(connection.get(), instance));
  if (domain) seen.power = is_active(domain.get()) ? PowerState::kRunning : PowerState::kOff;
  // virtlogd keeps the file below 2 MiB and begins a new one then.
  const std::filesystem::path file = files_.console(instance);
  SLIPWAY_ASSIGN(Bytes console, files::read_file_end(file, kConsoleWindow));
  if (console.size() < kConsoleWindow) {
    SLIPWAY_ASSIGN(Bytes earlier, files::read_file_end(file.native() + ".0", kConsoleWindow - console.size()));
    earlier.insert(earlier.end(), console.begin(), console.end());
    console.swap(earlier);
  }
  seen.boot_refusal = find_boot_refusal(console);
  seen.console_tail = console_tail(console);
  return seen;
}

Result<FirmwareObservation> LibvirtHost::observe_firmware(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  SLIPWAY_ASSIGN(const DomainHandle domain, require_domain(connection.get(), instance));
  SLIPWAY_ASSIGN(const Bytes store, files::read_file(files_.variable_store(instance), kMaximumFirmware));
  SLIPWAY_ASSIGN(const Bytes digest, firmware_digest());
  return judge_variable_store(store, digest, true);
}

Result<image::DiskContents> LibvirtHost::inspect_disk(const std::string& instance, const image::Manifest& manifest) {
  SLIPWAY_TRY(check_instance(instance));
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  SLIPWAY_TRY(require_domain(connection.get(), instance));
  SLIPWAY_ASSIGN(const std::filesystem::path base, files_.base(instance));
  return read_disk(files_.overlay(instance), base, manifest);
}

Status LibvirtHost::restart_vm(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  SLIPWAY_ASSIGN(const DomainHandle domain, require_domain(connection.get(), instance));
  const std::lock_guard lock(files_mutex_);
  SLIPWAY_TRY(cut_power(domain.get()));
  return power_on(domain.get());
}

Status LibvirtHost::remove_vm(const std::string& instance) {
  SLIPWAY_TRY(check_instance(instance));
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  const std::lock_guard lock(files_mutex_);
  SLIPWAY_ASSIGN(const DomainHandle domain, find_domain(connection.get(), instance));
  if (domain) {
    const std::string name = virDomainGetName(domain.get());
    SLIPWAY_TRY(cut_power(domain.get()));
    if (virDomainUndefineFlags(domain.get(), kUndefineAll) != 0) {
      return fail(libvirt_error("VM " + name + " cannot be removed"));
    }
    SLIPWAY_TRY(remove_logs(name));
  }
  SLIPWAY_TRY(VtpmFactory::remove(instance));
  return files_.remove(instance);
}

Result<std::vector<std::string>> LibvirtHost::list() {
  SLIPWAY_ASSIGN(const auto connection, connection_.get());
  const std::lock_guard lock(files_mutex_);
  std::vector<std::string> found = files_.list();
  virDomainPtr* domains = nullptr;
  const int count = virConnectListAllDomains(connection.get(), &domains, VIR_CONNECT_LIST_DOMAINS_PERSISTENT);
  if (count < 0) return fail(libvirt_error("the VMs of this host cannot be listed"));
  for (int i = 0; i < count; ++i) {
    const DomainHandle domain(domains[i]);
    const LibvirtText xml(virDomainGetXMLDesc(domain.get(), VIR_DOMAIN_XML_INACTIVE));
    char uuid[VIR_UUID_STRING_BUFLEN] = {};
    if (!xml || installation_of(xml.get()) != places_.installation || virDomainGetUUIDString(domain.get(), uuid) != 0) {
      continue;
    }
    if (std::find(found.begin(), found.end(), uuid) == found.end()) found.emplace_back(uuid);
  }
  std::free(domains);
  return found;
}

Result<std::string> ensure_installation(const std::filesystem::path& file, Random& random) {
  auto known = files::read_file(file, 64);
  if (known) return std::string(as_text(*known));
  if (known.error().code != ErrorCode::kNotFound) return fail(std::move(known).error());
  const std::string made = to_hex(random.bytes(4));
  SLIPWAY_TRY(files::replace_file(file, as_bytes(made), 0600));
  return made;
}

}  // namespace

Result<std::unique_ptr<Host>> make_libvirt_host(LibvirtOptions options) {
  if (::geteuid() != 0) {
    return fail(ErrorCode::kPermissionDenied, "VMs need root: run slipwayd as root, or with --host memory: for no VMs");
  }
  SLIPWAY_ASSIGN(FirmwareFiles firmware, find_firmware(options.firmware_folder));
  Places places;
  places.folder = options.state_folder / "host";
  places.instances = places.folder / "instances";
  places.networks = places.folder / "networks";
  places.calibrations = places.folder / "calibrations";
  for (const auto& folder : {places.folder, places.instances, places.networks, places.calibrations}) {
    SLIPWAY_TRY(files::ensure_folder(folder, 0700));
  }
  SLIPWAY_ASSIGN(places.installation, ensure_installation(places.folder / "installation", options.random));
  places.machines = options.vm_folder / places.installation;
  auto host = std::make_unique<LibvirtHost>(std::move(options), std::move(places), std::move(firmware));
  SLIPWAY_TRY(host->start());
  return host;
}

}  // namespace slipway::host
