#include "host/libvirt/instance_files.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <set>

#include "base/time.h"
#include "crypto/digest.h"
#include "files/file.h"
#include "host/instance.h"
#include "host/process.h"

namespace slipway::host {
namespace {

constexpr const char* kQemuUser = "libvirt-qemu";
constexpr std::size_t kMaximumRecord = 64U << 10;
constexpr std::size_t kMaximumBaseName = 256;

struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};

Result<Owner> qemu_owner() {
  const passwd* user = ::getpwnam(kQemuUser);
  if (user == nullptr) {
    return fail(ErrorCode::kUnavailable, "user libvirt-qemu does not exist: install the package libvirt-daemon-system");
  }
  return Owner{user->pw_uid, user->pw_gid};
}

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Status give(const std::filesystem::path& path, const Owner& owner, mode_t mode) {
  if (::chown(path.c_str(), owner.user, owner.group) != 0 || ::chmod(path.c_str(), mode) != 0) {
    return fail(files::system_error(path.native() + " cannot get its owner"));
  }
  return {};
}

Status ensure_overlay(const std::filesystem::path& overlay, const std::filesystem::path& base, const Owner& owner) {
  if (is_there(overlay)) return {};
  const std::filesystem::path unfinished = overlay.native() + ".new";
  SLIPWAY_TRY(files::remove_path(unfinished));
  SLIPWAY_TRY(run_checked(
      {.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base.native(), unfinished.native()},
       .timeout = seconds{60}}));
  SLIPWAY_TRY(give(unfinished, owner, 0600));
  std::error_code error;
  std::filesystem::rename(unfinished, overlay, error);
  if (error) return fail(ErrorCode::kInternal, overlay.native() + " cannot be made: " + error.message());
  return {};
}

Status ensure_copy(const std::filesystem::path& from, const std::filesystem::path& to, const Owner& owner) {
  if (is_there(to)) return {};
  return files::copy_file(from, to, owner.user, owner.group, 0600);
}

// One string of SMBIOS type 11; systemd decodes the credential (systemd.system-credentials(7)).
std::string bootstrap_string(const std::string& bootstrap) {
  return "io.systemd.credential.binary:slipway.bootstrap=" + to_base64(as_bytes(bootstrap));
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

InstanceFiles::InstanceFiles(std::filesystem::path records, std::filesystem::path machines)
    : records_(std::move(records)), machines_(std::move(machines)) {}

Result<RecordedEndorsementKey> InstanceFiles::vtpm(const std::string& instance) const {
  SLIPWAY_ASSIGN(const Bytes text, files::read_file(record_folder(instance) / "vtpm.json", kMaximumRecord));
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse({as_text(text).data(), text.size()}, error);
  if (error || !value.is_object()) {
    return fail(ErrorCode::kMalformed, "the record of the vTPM of " + instance + " is not a JSON object");
  }
  RecordedEndorsementKey key;
  SLIPWAY_ASSIGN(key.public_area, from_base64(text_of(value.get_object(), "publicArea")));
  key.certificate = text_of(value.get_object(), "certificate");
  key.authority = text_of(value.get_object(), "authority");
  return key;
}

Status InstanceFiles::record_vtpm(const std::string& instance, const RecordedEndorsementKey& key) {
  SLIPWAY_TRY(files::ensure_folder(record_folder(instance), 0700));
  const boost::json::object record{
      {"publicArea", to_base64(key.public_area)}, {"certificate", key.certificate}, {"authority", key.authority}};
  return files::replace_file(record_folder(instance) / "vtpm.json", as_bytes(boost::json::serialize(record)), 0600);
}

Status InstanceFiles::prepare(const VirtualMachine& vm, const FirmwareFiles& firmware, DomainPlan& plan) {
  SLIPWAY_ASSIGN(const Owner owner, qemu_owner());
  const std::filesystem::path folder = machine_folder(vm.instance);
  SLIPWAY_TRY(files::ensure_folder(record_folder(vm.instance), 0700));
  SLIPWAY_TRY(files::ensure_folder(machines_, 0711));
  SLIPWAY_TRY(files::ensure_folder(folder, 0711));
  SLIPWAY_ASSIGN(const std::filesystem::path base, ensure_base(vm.image));
  SLIPWAY_TRY(files::replace_file(record_folder(vm.instance) / "base", as_bytes(base.filename().native()), 0600));
  plan.disk = DomainDisk{overlay(vm.instance), base};
  SLIPWAY_TRY(ensure_overlay(plan.disk->overlay, base, owner));
  plan.variable_store = variable_store(vm.instance);
  SLIPWAY_TRY(ensure_copy(vm.secure_boot ? firmware.enrolled_store : firmware.empty_store, plan.variable_store, owner));
  plan.console = console(vm.instance);
  plan.bootstrap = folder / "bootstrap";
  SLIPWAY_TRY(files::replace_file(plan.bootstrap, as_bytes(bootstrap_string(vm.bootstrap)), 0400));
  return give(plan.bootstrap, owner, 0400);
}

Status InstanceFiles::prepare_sealed(const std::filesystem::path& variable_store_template, DomainPlan& plan) {
  SLIPWAY_ASSIGN(const Owner owner, qemu_owner());
  SLIPWAY_TRY(files::ensure_folder(record_folder(plan.uuid), 0700));
  SLIPWAY_TRY(files::ensure_folder(machines_, 0711));
  SLIPWAY_TRY(files::ensure_folder(machine_folder(plan.uuid), 0711));
  plan.variable_store = variable_store(plan.uuid);
  plan.console = console(plan.uuid);
  return ensure_copy(variable_store_template, plan.variable_store, owner);
}

std::filesystem::path InstanceFiles::console(const std::string& instance) const {
  return machine_folder(instance) / "console.log";
}

std::filesystem::path InstanceFiles::overlay(const std::string& instance) const {
  return machine_folder(instance) / "disk.qcow2";
}

Result<std::filesystem::path> InstanceFiles::base(const std::string& instance) const {
  SLIPWAY_ASSIGN(const Bytes name, files::read_file(record_folder(instance) / "base", kMaximumBaseName));
  return machines_ / "images" / as_text(name);
}

std::filesystem::path InstanceFiles::variable_store(const std::string& instance) const {
  return machine_folder(instance) / "variables_VARS.fd";
}

// QEMU's user cannot enter the folder of the image: so it gets a link to the file where that is readable by all and on
// the same file system, else a copy. The name changes with the file, so that an image made anew is another base.
Result<std::filesystem::path> InstanceFiles::ensure_base(const std::filesystem::path& image) {
  struct stat found {};
  if (::stat(image.c_str(), &found) != 0) {
    return fail(ErrorCode::kNotFound,
                files::system_error("the node image " + image.native() + " cannot be read").message);
  }
  std::error_code error;
  const std::string identity = fmt::format("{}\n{}\n{}\n{}.{:09}\n", std::filesystem::canonical(image, error).native(),
                                           found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
  const std::filesystem::path folder = machines_ / "images";
  SLIPWAY_TRY(files::ensure_folder(folder, 0711));
  const std::filesystem::path base =
      folder / (to_hex(ByteView(crypto::sha256(as_bytes(identity))).first(12)) + ".qcow2");
  if (is_there(base)) return base;
  const bool readable_by_all = (found.st_mode & S_IROTH) != 0;
  if (readable_by_all && ::link(image.c_str(), base.c_str()) == 0) return base;
  SLIPWAY_TRY(files::copy_file(image, base, 0, 0, 0444));
  return base;
}

Status InstanceFiles::remove(const std::string& instance) {
  SLIPWAY_TRY(files::remove_path(machine_folder(instance)));
  SLIPWAY_TRY(files::remove_path(record_folder(instance)));
  SLIPWAY_TRY(drop_unused_bases());
  // Folders that are not empty stay.
  for (const auto& folder : {machines_ / "images", machines_, machines_.parent_path()}) ::rmdir(folder.c_str());
  return {};
}

Status InstanceFiles::drop_unused_bases() {
  std::set<std::string> used;
  for (const std::string& instance : list()) {
    const auto name = files::read_file(record_folder(instance) / "base", kMaximumBaseName);
    if (name) used.insert(std::string(as_text(*name)));
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(machines_ / "images", error)) {
    if (used.count(entry.path().filename().native()) == 0) SLIPWAY_TRY(files::remove_path(entry.path()));
  }
  return {};
}

std::vector<std::string> InstanceFiles::list() const {
  std::set<std::string> found;
  for (const auto& folder : {records_, machines_}) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().native();
      if (check_instance(name)) found.insert(name);
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace slipway::host
