#include "host/memory/simulated_boot.h"

#include <array>

#include "base/byte_reader.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"
#include "bootchain/signature_list.h"
#include "bootchain/variable_store.h"
#include "crypto/digest.h"
#include "image/predict.h"

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

constexpr std::string_view kPeiVolume = "simulated firmware volume PEI";
constexpr std::string_view kDxeVolume = "simulated firmware volume DXE";

// What lets the image's shim run: its digest.
Bytes db_entry(const Manifest& manifest) {
  const auto owner = bootchain::guid_from_text(bootchain::kShimVariables).value_or(bootchain::EfiGuid{});
  Bytes entry(owner.bytes.begin(), owner.bytes.end());
  if (const BootFile* shim = find_boot_file(manifest, BootFileRole::kShim)) put_bytes(entry, shim->authenticode_sha256);
  return entry;
}

// A list of one digest.
Bytes digest_list(const Bytes& entry) {
  const auto type = bootchain::guid_from_text(bootchain::kSha256Signature).value_or(bootchain::EfiGuid{});
  Bytes list(type.bytes.begin(), type.bytes.end());
  put_u32_le(list, static_cast<std::uint32_t>(28 + entry.size()));
  put_u32_le(list, 0);
  put_u32_le(list, static_cast<std::uint32_t>(entry.size()));
  put_bytes(list, entry);
  return list;
}

// The variable store that a simulated VM starts with: one entry in each list, or nothing.
std::vector<bootchain::StoredVariable> variable_store(const Manifest& manifest, bool secure_boot) {
  if (!secure_boot) return {};
  const auto owner = bootchain::guid_from_text(bootchain::kShimVariables).value_or(bootchain::EfiGuid{});
  const auto stored = [](std::string_view vendor, std::string_view name, Bytes value) {
    return bootchain::StoredVariable{bootchain::guid_from_text(vendor).value_or(bootchain::EfiGuid{}),
                                     std::string(name), 0, std::move(value)};
  };
  const auto list = [&owner](std::string_view certificate) {
    return bootchain::make_certificate_list(owner, as_bytes(certificate));
  };
  return {stored(bootchain::kEfiGlobalVariables, "PK", list("simulated platform key")),
          stored(bootchain::kEfiGlobalVariables, "KEK", list("simulated key exchange key")),
          stored(bootchain::kImageSecurityDatabase, "db", digest_list(db_entry(manifest))),
          stored(bootchain::kImageSecurityDatabase, "dbx", list("simulated revocation"))};
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
  for (const std::string_view volume : {kPeiVolume, kDxeVolume})
    log.add(0, bootchain::kEvEfiPlatformFirmwareBlob, to_bytes(volume), crypto::sha256(as_bytes(volume)));
}

void measure_variables(Log& log, const std::vector<bootchain::StoredVariable>& store, bool secure_boot) {
  const auto add = [&](std::string_view vendor, std::string_view name, Bytes value) {
    log.measure(7, bootchain::kEvEfiVariableDriverConfig, variable(vendor, name, std::move(value)));
  };
  const auto add_stored = [&](std::string_view vendor, std::string_view name) {
    const bootchain::StoredVariable* const found = find_variable(store, vendor, name);
    add(vendor, name, found == nullptr ? Bytes{} : found->data);
  };
  add(bootchain::kEfiGlobalVariables, "SecureBoot", Bytes{static_cast<std::uint8_t>(secure_boot ? 1 : 0)});
  add_stored(bootchain::kEfiGlobalVariables, "PK");
  add_stored(bootchain::kEfiGlobalVariables, "KEK");
  add_stored(bootchain::kImageSecurityDatabase, "db");
  add_stored(bootchain::kImageSecurityDatabase, "dbx");
  log.separator(7);
}

// OVMF digests the value of a boot entry alone.
void measure_boot_order(Log& log) {
  const Bytes order{0, 0};
  log.add(1, bootchain::kEvEfiVariableBoot,
          bootchain::encode_variable_data(variable(bootchain::kEfiGlobalVariables, "BootOrder", order)),
          crypto::sha256(order));
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
  for (const std::string& command : manifest.grub_commands) {
    log.grub("grub_cmd: ", command);
    const BootFile* const config = find_boot_file(manifest, BootFileRole::kGrubConfig);
    if (command.starts_with("source ") && config != nullptr) log.file(*config);
    if (command.starts_with("linux ") || command.starts_with("linuxefi ")) measure_kernel(log, manifest, secure_boot);
  }
  if (const BootFile* initrd = find_boot_file(manifest, BootFileRole::kInitrd)) log.file(*initrd);
}

}  // namespace

Manifest with_simulated_digests(Manifest manifest) {
  const BootFile* const config = find_boot_file(manifest, BootFileRole::kGrubConfig);
  if (config != nullptr && !manifest.grub_commands.empty() && !manifest.grub_commands.front().starts_with("source "))
    manifest.grub_commands.insert(manifest.grub_commands.begin(), "source (hd0,gpt1)" + config->path);
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

Bytes simulate_boot(const Manifest& manifest, bool secure_boot) {
  Log log;
  measure_firmware(log);
  measure_variables(log, variable_store(manifest, secure_boot), secure_boot);
  measure_boot_order(log);
  log.action(4, kCalling);
  for (std::uint32_t pcr = 0; pcr < 7; ++pcr) log.separator(pcr);
  if (secure_boot) {
    log.measure(7, bootchain::kEvEfiVariableAuthority,
                variable(bootchain::kImageSecurityDatabase, "db", db_entry(manifest)));
  }
  log.measure(5, bootchain::kEvEfiGptEvent, partition_table(manifest));
  if (const BootFile* shim = find_boot_file(manifest, BootFileRole::kShim)) log.image(*shim);
  measure_shim(log, manifest, secure_boot);
  if (const BootFile* grub = find_boot_file(manifest, BootFileRole::kGrub)) log.image(*grub);
  measure_grub(log, manifest, secure_boot);
  log.action(5, "Exit Boot Services Invocation");
  log.action(5, "Exit Boot Services Returned with Success");
  return bootchain::encode_event_log(log.log());
}

Result<image::Prediction> predict_simulated(const Manifest& manifest, bool secure_boot) {
  image::FirmwareFacts facts;
  facts.code_sha256 = crypto::sha256(as_bytes("simulated firmware"));
  facts.dxe_volume_sha256 = crypto::sha256(as_bytes(kDxeVolume));
  facts.calibrated_pei_volume_sha256 = crypto::sha256(as_bytes(kPeiVolume));
  return image::predict(manifest, facts, variable_store(manifest, secure_boot));
}

SecureBootVariables simulated_variables(const Manifest& manifest, bool secure_boot) {
  const auto store = variable_store(manifest, secure_boot);
  const auto digest = [&store](std::string_view vendor, std::string_view name) {
    const bootchain::StoredVariable* const found = find_variable(store, vendor, name);
    return crypto::sha256(found == nullptr ? Bytes{} : found->data);
  };
  return {digest(bootchain::kEfiGlobalVariables, "PK"), digest(bootchain::kEfiGlobalVariables, "KEK"),
          digest(bootchain::kImageSecurityDatabase, "db"), digest(bootchain::kImageSecurityDatabase, "dbx")};
}

std::vector<Bytes> simulated_pcr0_events() {
  Log log;
  measure_firmware(log);
  log.separator(0);
  std::vector<Bytes> digests;
  for (const auto& event : log.log().events) digests.push_back(event.digests.front().digest.bytes());
  return digests;
}

}  // namespace slipway::host
