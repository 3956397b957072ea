#include "image/predict.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "bootchain/boot_policy.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"
#include "crypto/digest.h"
#include "image/firmware_constants.h"
#include "image/shim_admission.h"

namespace slipway::image {
namespace {

using bootchain::StoredVariable;

constexpr std::size_t kSha256Size = 32;
constexpr int kMaximumFailingOptions = 64;
constexpr std::string_view kCalling = "Calling EFI Application from Boot Option";
constexpr std::string_view kReturning = "Returning from EFI Application from Boot Option";
constexpr std::string_view kExitInvoked = "Exit Boot Services Invocation";
constexpr std::string_view kExitDone = "Exit Boot Services Returned with Success";
constexpr std::array<std::string_view, 3> kShimLists{"MokList", "MokListX", "MokListTrusted"};
constexpr std::array<std::string_view, 5> kOwnerVariables{"MokList", "MokListX", "MokListTrusted", "MokSBState",
                                                          "MokDBState"};

struct VariableName {
  std::string_view vendor, name;
};
// In the order in which firmware measures them (TCG PC Client Platform Firmware Profile 3.3.4.8).
constexpr std::array<VariableName, 4> kSecureBootVariables{{
    {bootchain::kEfiGlobalVariables, "PK"},
    {bootchain::kEfiGlobalVariables, "KEK"},
    {bootchain::kImageSecurityDatabase, "db"},
    {bootchain::kImageSecurityDatabase, "dbx"},
}};
// Measured behind them, but only where they exist.
constexpr std::array<std::string_view, 2> kFurtherDatabases{"dbt", "dbr"};

Bytes variable_event(std::string_view vendor, std::string_view name, Bytes value) {
  const bootchain::EfiGuid guid = bootchain::guid_from_text(vendor).value_or(bootchain::EfiGuid{});
  return bootchain::encode_variable_data({guid, std::string(name), std::move(value)});
}

Bytes value_of(const std::vector<StoredVariable>& variables, std::string_view vendor, std::string_view name) {
  const StoredVariable* variable = find_variable(variables, vendor, name);
  return variable == nullptr ? Bytes{} : variable->data;
}

std::string first_signer(const BootFile& file) { return file.signers.empty() ? "" : file.signers.front(); }

// Appends events in the order in which they are measured.
class Predictor {
 public:
  Predictor(const Manifest& manifest, const std::vector<StoredVariable>& variables, bool secure_boot)
      : manifest_(manifest), variables_(variables), secure_boot_(secure_boot) {}

  void firmware(const FirmwareFacts& facts) {
    add(0, bootchain::kEvSCrtmVersion, firmware_version_digest(), "pcr0.firmware", "firmware version");
    add(0, bootchain::kEvEfiPlatformFirmwareBlob, facts.calibrated_pei_volume_sha256, "pcr0.firmware",
        "firmware, PEI volume")
        .origin = Origin::kCalibrated;
    add(0, bootchain::kEvEfiPlatformFirmwareBlob, facts.dxe_volume_sha256, "pcr0.firmware", "firmware, DXE volume");
  }

  void secure_boot_variables() {
    const auto measure = [&](std::string_view vendor, std::string_view name, Bytes value) {
      add(7, bootchain::kEvEfiVariableDriverConfig, crypto::sha256(variable_event(vendor, name, std::move(value))),
          "secureBoot.variables", std::string(name));
    };
    measure(bootchain::kEfiGlobalVariables, "SecureBoot", Bytes{secure_boot_ ? std::uint8_t{1} : std::uint8_t{0}});
    for (const VariableName& it : kSecureBootVariables)
      measure(it.vendor, it.name, value_of(variables_, it.vendor, it.name));
    for (const std::string_view name : kFurtherDatabases)
      if (find_variable(variables_, bootchain::kImageSecurityDatabase, name) != nullptr)
        measure(bootchain::kImageSecurityDatabase, name, value_of(variables_, bootchain::kImageSecurityDatabase, name));
    separator(7);
  }

  void boot_options(int failing) {
    add(1, bootchain::kEvEfiVariableBoot, {}, "pcr1.bootEntries", "boot entries").origin = Origin::kMayVary;
    action(4, kCalling);
    for (int pcr = 0; pcr <= 6; ++pcr) separator(pcr);
    for (int i = 0; i < failing; ++i) {
      action(4, kReturning);
      action(4, kCalling);
    }
  }

  void shim(const std::optional<Bytes>& vouching) {
    const BootFile& file = *find_boot_file(manifest_, BootFileRole::kShim);
    if (vouching)
      add(7, bootchain::kEvEfiVariableAuthority,
          crypto::sha256(variable_event(bootchain::kImageSecurityDatabase, "db", *vouching)), "secureBoot.authority",
          "entry of db that vouches for shim");
    add(5, bootchain::kEvEfiGptEvent, manifest_.gpt_event_sha256, "pcr5.partitionTable", "partition table");
    image_of(file);
    list_of_shim(0);
    list_of_shim(1);
    of_file(add(7, bootchain::kEvEfiVariableAuthority,
                secure_boot_ ? manifest_.sbat_level_event_sha256 : manifest_.unenforced_sbat_level_event_sha256,
                "secureBoot.sbat", "shim's revocation level (SbatLevel)"),
            file);
    list_of_shim(2);
    if (secure_boot_)
      of_file(add(7, bootchain::kEvEfiVariableAuthority, manifest_.vendor_authority_event_sha256,
                  "secureBoot.authority", "shim's vendor certificate (MokListRT)"),
              file);
  }

  void grub() {
    image_of(*find_boot_file(manifest_, BootFileRole::kGrub));
    for (const std::string& command : manifest_.grub_commands) {
      PredictedEvent& event =
          add(8, bootchain::kEvIpl, crypto::sha256(as_bytes(command)), "pcr8.command", "GRUB command " + command);
      event.text = command;
      of_file(event, *find_boot_file(manifest_, BootFileRole::kGrubConfig));
      const std::string_view word = std::string_view(command).substr(0, command.find(' '));
      if (word == "source") file_of(BootFileRole::kGrubConfig);
      if (word == "linux" || word == "linuxefi") kernel();
      if (word == "initrd" || word == "initrdefi") file_of(BootFileRole::kInitrd);
    }
  }

  void exit_of_boot_services() {
    action(5, kExitInvoked);
    action(5, kExitDone);
  }

  std::vector<PredictedEvent> take() { return std::move(events_); }

 private:
  PredictedEvent& add(int pcr, std::uint32_t type, Bytes sha256, std::string rule, std::string component) {
    PredictedEvent event;
    event.pcr = pcr;
    event.type = type;
    event.sha256 = std::move(sha256);
    event.rule = std::move(rule);
    event.component = std::move(component);
    events_.push_back(std::move(event));
    return events_.back();
  }

  static void of_file(PredictedEvent& event, const BootFile& file) {
    event.package = file.package;
    event.signer = first_signer(file);
  }

  void separator(int pcr) {
    add(pcr, bootchain::kEvSeparator, separator_digest(), fmt::format("pcr{}.separator", pcr), "separator");
  }

  void action(int pcr, std::string_view text) {
    add(pcr, bootchain::kEvEfiAction, crypto::sha256(as_bytes(text)), fmt::format("pcr{}.action", pcr),
        "firmware action")
        .text = text;
  }

  void list_of_shim(std::size_t index) {
    of_file(add(14, bootchain::kEvIpl, manifest_.pcr14_sha256[index], "pcr14.machineOwnerKeys",
                std::string(kShimLists[index])),
            *find_boot_file(manifest_, BootFileRole::kShim));
  }

  void image_of(const BootFile& file) {
    of_file(add(4, bootchain::kEvEfiBootServicesApplication, file.authenticode_sha256,
                fmt::format("pcr4.{}", to_string(file.role)), file.path),
            file);
  }

  void file_of(BootFileRole role) {
    const BootFile& file = *find_boot_file(manifest_, role);
    of_file(add(9, bootchain::kEvIpl, file.sha256, fmt::format("pcr9.{}", to_string(role)), file.path), file);
  }

  void kernel() {
    file_of(BootFileRole::kKernel);
    // Under Secure Boot GRUB asks shim about the kernel when it opens the file and again before it starts it, and shim
    // measures what it is asked about. Without, GRUB asks nobody, and the kernel stands in PCR 9 alone.
    if (secure_boot_)
      for (int i = 0; i < 2; ++i) image_of(*find_boot_file(manifest_, BootFileRole::kKernel));
    PredictedEvent& event = add(8, bootchain::kEvIpl, crypto::sha256(as_bytes(manifest_.kernel_command_line)),
                                "pcr8.kernelCommandLine", "kernel command line");
    event.text = manifest_.kernel_command_line;
    of_file(event, *find_boot_file(manifest_, BootFileRole::kGrubConfig));
  }

  const Manifest& manifest_;
  const std::vector<StoredVariable>& variables_;
  bool secure_boot_;
  std::vector<PredictedEvent> events_;
};

Status check_digest(const Bytes& digest, std::string_view what) {
  if (digest.size() == kSha256Size) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} has {} bytes, not 32", what, digest.size()));
}

Status check_manifest(const Manifest& manifest) {
  for (const BootFileRole role : {BootFileRole::kShim, BootFileRole::kGrub, BootFileRole::kGrubConfig,
                                  BootFileRole::kKernel, BootFileRole::kInitrd}) {
    const BootFile* file = find_boot_file(manifest, role);
    if (file == nullptr)
      return fail(ErrorCode::kInvalidArgument, fmt::format("the image's manifest names no {}", to_string(role)));
    SLIPWAY_TRY(check_digest(file->sha256, file->path + ": its digest"));
    if (role == BootFileRole::kShim || role == BootFileRole::kGrub || role == BootFileRole::kKernel)
      SLIPWAY_TRY(check_digest(file->authenticode_sha256, file->path + ": its Authenticode digest"));
  }
  if (manifest.grub_commands.empty() || manifest.kernel_command_line.empty())
    return fail(ErrorCode::kInvalidArgument, "the image's manifest has no GRUB commands or no kernel command line");
  if (manifest.pcr14_sha256.size() != kShimLists.size())
    return fail(ErrorCode::kInvalidArgument, fmt::format("the image's manifest has {} digests for PCR 14, not {}",
                                                         manifest.pcr14_sha256.size(), kShimLists.size()));
  for (const Bytes& digest : manifest.pcr14_sha256) SLIPWAY_TRY(check_digest(digest, "a digest for PCR 14"));
  SLIPWAY_TRY(check_digest(manifest.gpt_event_sha256, "the digest of the partition table"));
  SLIPWAY_TRY(check_digest(manifest.sbat_level_event_sha256, "the digest of shim's revocation level"));
  SLIPWAY_TRY(check_digest(manifest.unenforced_sbat_level_event_sha256, "the digest of shim's first revocation level"));
  return check_digest(manifest.vendor_authority_event_sha256, "the digest of shim's vendor authority");
}

Status check_shim_variables(const std::vector<StoredVariable>& variables, const Bytes& sbat_level_event) {
  for (const std::string_view name : kOwnerVariables) {
    if (find_variable(variables, bootchain::kShimVariables, name) == nullptr) continue;
    return fail(ErrorCode::kPreconditionFailed,
                fmt::format("the variable store holds {}, by which a machine's owner changes what shim trusts; its "
                            "boots are not predicted. Start from a store without it",
                            name));
  }
  const StoredVariable* level = find_variable(variables, bootchain::kShimVariables, "SbatLevel");
  if (level == nullptr ||
      crypto::sha256(variable_event(bootchain::kShimVariables, "SbatLevel", level->data)) == sbat_level_event)
    return {};
  return fail(ErrorCode::kPreconditionFailed,
              "the variable store holds another revocation level (SbatLevel) than this image's shim sets, so it has "
              "booted another shim; start from a store that has not");
}

std::vector<SignedFile> signed_files_of(const Manifest& manifest) {
  std::vector<SignedFile> files;
  const auto add = [&](BootFileRole role, const CertificateChains& chains) {
    if (!chains.empty()) files.push_back({find_boot_file(manifest, role)->path, chains});
  };
  add(BootFileRole::kShim, manifest.shim_certificate_chains);
  add(BootFileRole::kGrub, manifest.grub_certificate_chains);
  add(BootFileRole::kKernel, manifest.kernel_certificate_chains);
  return files;
}

}  // namespace

Result<Prediction> predict(const Manifest& manifest, const FirmwareFacts& firmware,
                           const std::vector<StoredVariable>& variables, const MachineFacts& machine) {
  SLIPWAY_TRY(check_manifest(manifest));
  SLIPWAY_TRY(check_digest(firmware.code_sha256, "the digest of the firmware file"));
  SLIPWAY_TRY(check_digest(firmware.dxe_volume_sha256, "the digest of the firmware's DXE volume"));
  if (!firmware.calibrated_pei_volume_sha256.empty())
    SLIPWAY_TRY(check_digest(firmware.calibrated_pei_volume_sha256, "the calibrated digest of the PEI volume"));
  if (machine.failing_boot_options < 0 || machine.failing_boot_options > kMaximumFailingOptions)
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} boot options cannot fail before the disk; 0 to {} can",
                                                         machine.failing_boot_options, kMaximumFailingOptions));
  const bool secure_boot = bootchain::enforces_secure_boot(variables);
  SLIPWAY_TRY(check_shim_variables(
      variables, secure_boot ? manifest.sbat_level_event_sha256 : manifest.unenforced_sbat_level_event_sha256));
  std::optional<Bytes> vouching;
  if (secure_boot) {
    SLIPWAY_ASSIGN(vouching, entry_that_admits_shim(manifest, variables));
  }
  Predictor predictor(manifest, variables, secure_boot);
  predictor.firmware(firmware);
  predictor.secure_boot_variables();
  predictor.boot_options(machine.failing_boot_options);
  predictor.shim(vouching);
  predictor.grub();
  predictor.exit_of_boot_services();
  return Prediction{manifest.version, secure_boot, firmware.code_sha256, predictor.take(), signed_files_of(manifest)};
}

}  // namespace slipway::image
