#include "host/memory/simulated_boot.h"

#include <array>

#include "base/byte_reader.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"
#include "bootchain/signature_list.h"
#include "crypto/digest.h"

namespace slipway::host {
namespace {

using bootchain::EfiVariable;
using image::BootFile;
using image::BootFileRole;
using image::Manifest;

constexpr std::array<std::string_view, 3> kShimState{"MokList", "MokListX", "MokListTrusted"};
constexpr std::string_view kCalling = "Calling EFI Application from Boot Option";
constexpr std::array<std::uint8_t, 4> kSeparator{0, 0, 0, 0};

Bytes with_nul(std::string text) {
  text.push_back('\0');
  return to_bytes(std::string_view(text));
}

EfiVariable variable(std::string_view vendor, std::string_view name, Bytes value) {
  // The text is a constant of ours and well-formed; a GUID of zeros would show at once in every verdict.
  return EfiVariable{bootchain::guid_from_text(vendor).value_or(bootchain::EfiGuid{}), std::string(name),
                     std::move(value)};
}

Bytes partition_table(const Manifest& manifest) {
  return to_bytes(std::string_view(manifest.version + " simulated partition table"));
}

Bytes sbat_level() {
  return bootchain::encode_variable_data(
      variable(bootchain::kShimVariables, "SbatLevel", to_bytes("sbat,1,2025021800\nshim,4\ngrub,5\n")));
}

Bytes vendor_authority() {
  return bootchain::encode_variable_data(
      variable(bootchain::kShimVariables, "MokListRT", to_bytes("simulated vendor certificate")));
}

// The variable store: one entry in each list, or nothing.
struct VariableStore {
  Bytes platform_key, key_exchange_keys, db, dbx;
  Bytes db_entry;  // owner and certificate, as an authority event carries them
};

VariableStore variable_store(bool secure_boot) {
  if (!secure_boot) return {};
  const auto owner = bootchain::guid_from_text(bootchain::kShimVariables).value_or(bootchain::EfiGuid{});
  const auto list = [&owner](std::string_view certificate) {
    return bootchain::make_certificate_list(owner, as_bytes(certificate));
  };
  constexpr std::string_view kAuthority = "simulated UEFI authority";
  VariableStore store{list("simulated platform key"),
                      list("simulated key exchange key"),
                      list(kAuthority),
                      list("simulated revocation"),
                      {}};
  store.db_entry.reserve(owner.bytes.size() + kAuthority.size());
  put_bytes(store.db_entry, owner.bytes);
  put_bytes(store.db_entry, as_bytes(kAuthority));
  return store;
}

// A log under construction.
class Log {
 public:
  Log() { log_.banks = {{bootchain::kSha256Bank, 32}}; }

  void add(std::uint32_t pcr, std::uint32_t type, Bytes data, Bytes digest) {
    bootchain::UnverifiedEvent event;
    event.index = static_cast<int>(log_.events.size()) + 1;
    event.pcr = pcr;
    event.type = type;
    event.digests = {{bootchain::kSha256Bank, std::move(digest)}};
    event.data = std::move(data);
    log_.events.push_back(std::move(event));
  }
  // An event whose digest is that of its data.
  void measure(std::uint32_t pcr, std::uint32_t type, Bytes data) {
    Bytes digest = crypto::sha256(data);
    add(pcr, type, std::move(data), std::move(digest));
  }
  void measure(std::uint32_t pcr, std::uint32_t type, const EfiVariable& measured) {
    measure(pcr, type, bootchain::encode_variable_data(measured));
  }
  void action(std::uint32_t pcr, std::string_view text) { measure(pcr, bootchain::kEvEfiAction, to_bytes(text)); }
  void separator(std::uint32_t pcr) { measure(pcr, bootchain::kEvSeparator, to_bytes(ByteView(kSeparator))); }
  // GRUB's digest covers the text without its prefix and final NUL.
  void grub(std::string_view prefix, const std::string& text) {
    add(8, bootchain::kEvIpl, with_nul(std::string(prefix) + text), crypto::sha256(as_bytes(text)));
  }
  void image(const BootFile& file) {
    add(4, bootchain::kEvEfiBootServicesApplication, to_bytes(file.path), file.authenticode_sha256);
  }
  void file(const BootFile& measured) {
    add(9, bootchain::kEvIpl, with_nul("(hd0,gpt1)" + measured.path), measured.sha256);
  }

  const bootchain::UnverifiedEventLog& log() const { return log_; }

 private:
  bootchain::UnverifiedEventLog log_;
};

void measure_firmware(Log& log) {
  log.measure(0, bootchain::kEvSCrtmVersion, Bytes{0, 0});
  for (const std::string_view volume : {"PEI", "DXE"}) {
    log.add(0, bootchain::kEvEfiPlatformFirmwareBlob, to_bytes(volume),
            crypto::sha256(as_bytes("simulated firmware volume " + std::string(volume))));
  }
}

void measure_variables(Log& log, const VariableStore& store, bool secure_boot) {
  const auto add = [&log](std::string_view vendor, std::string_view name, const Bytes& value) {
    log.measure(7, bootchain::kEvEfiVariableDriverConfig, variable(vendor, name, value));
  };
  add(bootchain::kEfiGlobalVariables, "SecureBoot", Bytes{static_cast<std::uint8_t>(secure_boot ? 1 : 0)});
  add(bootchain::kEfiGlobalVariables, "PK", store.platform_key);
  add(bootchain::kEfiGlobalVariables, "KEK", store.key_exchange_keys);
  add(bootchain::kImageSecurityDatabase, "db", store.db);
  add(bootchain::kImageSecurityDatabase, "dbx", store.dbx);
  log.separator(7);
}

void measure_shim(Log& log, const Manifest& manifest, bool secure_boot) {
  for (std::size_t at = 0; at < manifest.pcr14_sha256.size(); ++at) {
    const std::string name(at < kShimState.size() ? kShimState[at] : "MokListUnknown");
    log.add(14, bootchain::kEvIpl, with_nul(name), manifest.pcr14_sha256[at]);
  }
  log.measure(7, bootchain::kEvEfiVariableAuthority, sbat_level());
  if (secure_boot) log.measure(7, bootchain::kEvEfiVariableAuthority, vendor_authority());
}

void measure_kernel(Log& log, const Manifest& manifest, bool secure_boot) {
  const BootFile* kernel = find_boot_file(manifest, BootFileRole::kKernel);
  if (kernel != nullptr) {
    log.file(*kernel);
    // Under Secure Boot GRUB asks shim twice; without, nobody.
    if (secure_boot) {
      log.image(*kernel);
      log.image(*kernel);
    }
  }
  log.grub("kernel_cmdline: ", manifest.kernel_command_line);
}

// GRUB reads its configuration at the command that sources it, and the other files at theirs.
void measure_grub(Log& log, const Manifest& manifest, bool secure_boot) {
  if (const BootFile* config = find_boot_file(manifest, BootFileRole::kGrubConfig)) log.file(*config);
  for (const std::string& command : manifest.grub_commands) {
    log.grub("grub_cmd: ", command);
    if (command.starts_with("linux ") || command.starts_with("linuxefi ")) measure_kernel(log, manifest, secure_boot);
  }
  if (const BootFile* initrd = find_boot_file(manifest, BootFileRole::kInitrd)) log.file(*initrd);
}

}  // namespace

Manifest with_simulated_digests(Manifest manifest) {
  manifest.gpt_event_sha256 = crypto::sha256(partition_table(manifest));
  manifest.pcr14_sha256.clear();
  for (const std::string_view name : kShimState) {
    manifest.pcr14_sha256.push_back(crypto::sha256(as_bytes("simulated " + std::string(name))));
  }
  manifest.sbat_level_event_sha256 = crypto::sha256(sbat_level());
  manifest.unenforced_sbat_level_event_sha256 = manifest.sbat_level_event_sha256;
  manifest.vendor_authority_event_sha256 = crypto::sha256(vendor_authority());
  return manifest;
}

SimulatedBoot simulate_boot(const Manifest& manifest, bool secure_boot) {
  const VariableStore store = variable_store(secure_boot);
  Log log;
  measure_firmware(log);
  measure_variables(log, store, secure_boot);
  log.measure(1, bootchain::kEvEfiVariableBoot2, variable(bootchain::kEfiGlobalVariables, "BootOrder", Bytes{0, 0}));
  log.action(4, kCalling);
  for (std::uint32_t pcr = 0; pcr < 7; ++pcr) log.separator(pcr);
  if (secure_boot) {
    log.measure(7, bootchain::kEvEfiVariableAuthority,
                variable(bootchain::kImageSecurityDatabase, "db", store.db_entry));
  }
  log.measure(5, bootchain::kEvEfiGptEvent, partition_table(manifest));
  if (const BootFile* shim = find_boot_file(manifest, BootFileRole::kShim)) log.image(*shim);
  measure_shim(log, manifest, secure_boot);
  if (const BootFile* grub = find_boot_file(manifest, BootFileRole::kGrub)) log.image(*grub);
  measure_grub(log, manifest, secure_boot);
  log.action(5, "Exit Boot Services Invocation");
  log.action(5, "Exit Boot Services Returned with Success");

  SimulatedBoot boot;
  boot.firmware_event_log = bootchain::encode_event_log(log.log());
  for (const auto& event : log.log().events) {
    if (event.pcr == 0) boot.pcr0_events.push_back(event.digests.front().digest);
  }
  boot.variables = {crypto::sha256(store.platform_key), crypto::sha256(store.key_exchange_keys),
                    crypto::sha256(store.db), crypto::sha256(store.dbx)};
  return boot;
}

}  // namespace slipway::host
