#include "host/memory/memory_records.h"

#include <boost/json.hpp>

#include "files/file.h"

namespace slipway::host {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaximumRecord = 1U << 20;

Result<json::object> read_object(const std::filesystem::path& path) {
  SLIPWAY_ASSIGN(const Bytes text, files::read_file(path, kMaximumRecord));
  boost::system::error_code error;
  json::value value = json::parse({as_text(text).data(), text.size()}, error);
  if (error || !value.is_object()) return fail(ErrorCode::kMalformed, path.native() + " is not a JSON object");
  return std::move(value.get_object());
}

Status write_object(const std::filesystem::path& path, const json::object& object) {
  return files::replace_file(path, as_bytes(json::serialize(object)), 0600);
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

int number_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? static_cast<int>(value->get_int64()) : 0;
}

bool flag_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

Result<std::pair<std::string, std::string>> read_pair(const std::filesystem::path& path, std::string_view first,
                                                      std::string_view second) {
  SLIPWAY_ASSIGN(const json::object object, read_object(path));
  return std::pair(text_of(object, first), text_of(object, second));
}

}  // namespace

Result<std::map<std::string, Network>> MemoryRecords::networks() const {
  std::map<std::string, Network> networks;
  auto object = read_object(folder_ / "networks.json");
  if (!object && object.error().code == ErrorCode::kNotFound) return networks;
  if (!object) return fail(std::move(object).error());
  for (const auto& [cluster, value] : *object) {
    if (!value.is_object()) return fail(ErrorCode::kMalformed, "the record of the simulated networks is not whole");
    const json::object& network = value.get_object();
    networks[std::string(cluster)] = {text_of(network, "name"), text_of(network, "bridge"), text_of(network, "gateway"),
                                      text_of(network, "cidr")};
  }
  return networks;
}

Status MemoryRecords::write_networks(const std::map<std::string, Network>& networks) {
  json::object object;
  for (const auto& [cluster, network] : networks) {
    object[cluster] = json::object{
        {"name", network.name}, {"bridge", network.bridge}, {"gateway", network.gateway}, {"cidr", network.cidr}};
  }
  SLIPWAY_TRY(files::ensure_folder(folder_, 0700));
  return write_object(folder_ / "networks.json", object);
}

Result<std::pair<std::string, std::string>> MemoryRecords::vtpm(const std::string& instance) const {
  return read_pair(instance_folder(instance) / "vtpm.json", "state", "certificate");
}

Status MemoryRecords::write_vtpm(const std::string& instance, const std::string& state,
                                 const std::string& certificate) {
  SLIPWAY_TRY(files::ensure_folder(instance_folder(instance), 0700));
  return write_object(instance_folder(instance) / "vtpm.json", {{"state", state}, {"certificate", certificate}});
}

Result<RecordedMachine> MemoryRecords::machine(const std::string& instance) const {
  SLIPWAY_ASSIGN(const json::object object, read_object(instance_folder(instance) / "machine.json"));
  RecordedMachine machine;
  machine.vm.instance = instance;
  machine.vm.name = text_of(object, "name");
  machine.vm.shape = {number_of(object, "vcpus"), number_of(object, "memoryMib")};
  machine.vm.secure_boot = flag_of(object, "secureBoot");
  machine.vm.vtpm = flag_of(object, "vtpm");
  machine.vm.image = text_of(object, "image");
  machine.vm.network = text_of(object, "network");
  machine.vm.bootstrap = text_of(object, "bootstrap");
  machine.running = flag_of(object, "running");
  return machine;
}

Status MemoryRecords::write_machine(const RecordedMachine& machine) {
  const VirtualMachine& vm = machine.vm;
  SLIPWAY_TRY(files::ensure_folder(instance_folder(vm.instance), 0700));
  return write_object(instance_folder(vm.instance) / "machine.json", {{"name", vm.name},
                                                                      {"vcpus", vm.shape.vcpus},
                                                                      {"memoryMib", vm.shape.memory_mib},
                                                                      {"secureBoot", vm.secure_boot},
                                                                      {"vtpm", vm.vtpm},
                                                                      {"image", vm.image.native()},
                                                                      {"network", vm.network},
                                                                      {"bootstrap", vm.bootstrap},
                                                                      {"running", machine.running}});
}

Result<std::optional<enrolment::HeldCertificates>> MemoryRecords::held(const std::string& instance) const {
  using Held = enrolment::HeldCertificates;
  const auto object = read_object(instance_folder(instance) / "held.json");
  if (!object && object.error().code == ErrorCode::kNotFound) return std::optional<Held>{};
  if (!object) return fail(object.error());
  SLIPWAY_ASSIGN(auto client, crypto::PrivateKey::from_pem(text_of(*object, "client")));
  SLIPWAY_ASSIGN(auto serving, crypto::PrivateKey::from_pem(text_of(*object, "serving")));
  SLIPWAY_ASSIGN(const Time obtained, from_rfc3339(text_of(*object, "obtained")));
  SLIPWAY_ASSIGN(const Time expires, from_rfc3339(text_of(*object, "expires")));
  return std::optional<Held>(Held{{std::move(client), std::move(serving)}, obtained, expires});
}

Status MemoryRecords::write_held(const std::string& instance, const enrolment::HeldCertificates& held) {
  return write_object(instance_folder(instance) / "held.json", {{"client", held.keys.client.pem()},
                                                                {"serving", held.keys.serving.pem()},
                                                                {"obtained", to_rfc3339(held.obtained)},
                                                                {"expires", to_rfc3339(held.expires)}});
}

Result<std::pair<std::string, std::string>> MemoryRecords::authority() const {
  return read_pair(folder_ / "authority.json", "certificate", "key");
}

Status MemoryRecords::write_authority(const std::string& certificate, const std::string& key) {
  SLIPWAY_TRY(files::ensure_folder(folder_, 0700));
  return write_object(folder_ / "authority.json", {{"certificate", certificate}, {"key", key}});
}

Status MemoryRecords::remove(const std::string& instance) { return files::remove_path(instance_folder(instance)); }

std::vector<std::string> MemoryRecords::list() const {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "instances", error)) {
    found.push_back(entry.path().filename().native());
  }
  return found;
}

std::filesystem::path MemoryRecords::instance_folder(const std::string& instance) const {
  return folder_ / "instances" / instance;
}

}  // namespace slipway::host
