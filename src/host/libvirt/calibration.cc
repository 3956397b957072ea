#include "host/libvirt/calibration.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <thread>

#include "base/time.h"
#include "crypto/digest.h"
#include "files/file.h"
#include "host/libvirt/guest_memory.h"

namespace slipway::host {
namespace {

constexpr std::chrono::minutes kDeadline{4};
constexpr milliseconds kPoll{500};
constexpr std::size_t kLogArea = 64U << 10;  // what OVMF sets aside (PcdTcgLogAreaMinLen)

class RunningDomain {
 public:
  explicit RunningDomain(virDomainPtr domain) : domain_(domain) {}
  ~RunningDomain() { virDomainDestroy(domain_.get()); }
  RunningDomain(const RunningDomain&) = delete;
  RunningDomain& operator=(const RunningDomain&) = delete;
  virDomainPtr get() const { return domain_.get(); }

 private:
  DomainHandle domain_;
};

Result<Bytes> peek(virDomainPtr domain, std::uint64_t address, std::size_t size) {
  Bytes bytes(size);
  if (virDomainMemoryPeek(domain, address, size, bytes.data(), VIR_MEMORY_PHYSICAL) != 0) {
    return fail(libvirt_error("the memory of the calibration VM cannot be read"));
  }
  return bytes;
}

// The boot manager speaks only after the firmware is ready to boot, so the log is complete by then or nearly.
bool boot_manager_spoke(const std::filesystem::path& console) {
  const auto text = files::read_file_end(console, 64U << 10);
  return text && as_text(*text).find("BdsDxe") != std::string_view::npos;
}

Result<std::optional<std::vector<Bytes>>> look(virDomainPtr domain, const DomainPlan& plan,
                                               std::optional<std::uint64_t>& address) {
  const MemoryReader reader = [&](std::uint64_t from, std::size_t size) { return peek(domain, from, size); };
  if (!address) {
    SLIPWAY_ASSIGN(address, find_event_log(reader, plan.shape.memory_mib));
  }
  if (!address) return std::optional<std::vector<Bytes>>{};
  SLIPWAY_ASSIGN(const Bytes memory, peek(domain, *address, kLogArea));
  return closed_pcr0_events(memory);
}

}  // namespace

// The variables count too: the PEI volume's digest is another one with and without keys (tried: the same in every boot
// of one kind, another with Secure Boot off).
std::string calibration_key(const FirmwareReference& inputs, const std::string& accelerator) {
  std::string text =
      fmt::format("pcr0-v2\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", to_hex(inputs.firmware_sha256), inputs.qemu_version,
                  inputs.machine_type, inputs.shape.vcpus, inputs.shape.memory_mib, inputs.secure_boot, accelerator);
  for (const Bytes* digest : {&inputs.variables.platform_key_sha256, &inputs.variables.key_exchange_keys_sha256,
                              &inputs.variables.db_sha256, &inputs.variables.dbx_sha256}) {
    text += to_hex(*digest) + "\n";
  }
  return to_hex(crypto::sha256(as_bytes(text)));
}

std::string to_json(const FirmwareReference& reference) {
  boost::json::array events;
  for (const Bytes& event : reference.pcr0_events) events.emplace_back(to_hex(event));
  return boost::json::serialize(boost::json::object{{"firmwareSha256", to_hex(reference.firmware_sha256)},
                                                    {"qemuVersion", reference.qemu_version},
                                                    {"machineType", reference.machine_type},
                                                    {"vcpus", reference.shape.vcpus},
                                                    {"memoryMib", reference.shape.memory_mib},
                                                    {"secureBoot", reference.secure_boot},
                                                    {"pcr0Events", events}});
}

Result<FirmwareReference> firmware_reference_from_json(std::string_view json) {
  const auto malformed = fail(ErrorCode::kMalformed, "the record of a calibration boot is not whole");
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse({json.data(), json.size()}, error);
  if (error || !value.is_object()) return malformed;
  const boost::json::object& object = value.get_object();
  const auto* digest = object.if_contains("firmwareSha256");
  const auto* qemu = object.if_contains("qemuVersion");
  const auto* machine = object.if_contains("machineType");
  const auto* vcpus = object.if_contains("vcpus");
  const auto* memory = object.if_contains("memoryMib");
  const auto* secure_boot = object.if_contains("secureBoot");
  const auto* events = object.if_contains("pcr0Events");
  if (digest == nullptr || !digest->is_string() || qemu == nullptr || !qemu->is_string() || machine == nullptr ||
      !machine->is_string() || vcpus == nullptr || !vcpus->is_int64() || memory == nullptr || !memory->is_int64() ||
      secure_boot == nullptr || !secure_boot->is_bool() || events == nullptr || !events->is_array() ||
      events->get_array().empty()) {
    return malformed;
  }
  FirmwareReference reference;
  SLIPWAY_ASSIGN(reference.firmware_sha256, from_hex(std::string_view(digest->get_string())));
  reference.qemu_version = qemu->get_string().c_str();
  reference.machine_type = machine->get_string().c_str();
  reference.shape = {static_cast<int>(vcpus->get_int64()), static_cast<int>(memory->get_int64())};
  reference.secure_boot = secure_boot->get_bool();
  for (const auto& event : events->get_array()) {
    if (!event.is_string()) return malformed;
    SLIPWAY_ASSIGN(Bytes bytes, from_hex(std::string_view(event.get_string())));
    reference.pcr0_events.push_back(std::move(bytes));
  }
  return reference;
}

Result<std::vector<Bytes>> boot_for_pcr0(virConnectPtr connection, const DomainPlan& plan) {
  virDomainPtr started = virDomainCreateXML(connection, domain_xml(plan).c_str(), VIR_DOMAIN_START_AUTODESTROY);
  if (started == nullptr) return fail(libvirt_error("the calibration VM cannot be started"));
  const RunningDomain domain(started);
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  std::optional<std::uint64_t> address;
  while (std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kPoll);
    if (!boot_manager_spoke(plan.console)) continue;
    SLIPWAY_ASSIGN(auto digests, look(domain.get(), plan, address));
    if (digests) return std::move(*digests);
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("the calibration VM's firmware did not finish its measurements within {} minutes; is the "
                          "host overloaded?",
                          kDeadline.count()));
}

}  // namespace slipway::host
