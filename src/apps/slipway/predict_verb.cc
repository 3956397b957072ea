#include "apps/slipway/predict_verb.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "apps/slipway/image_file.h"
#include "apps/slipway/image_name.h"
#include "apps/slipway/inspect_verbs.h"
#include "apps/slipway/prediction_document.h"
#include "bootchain/boot_policy.h"
#include "bootchain/ovmf_firmware.h"
#include "bootchain/variable_store.h"
#include "image/calibration.h"
#include "image/predict.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFirmware = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
constexpr const char* kVariablesOn = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";
constexpr const char* kVariablesOff = "/usr/share/OVMF/OVMF_VARS_4M.fd";
constexpr std::size_t kMaximumCalibration = 64U << 10;
constexpr std::size_t kMaximumCalibrations = 4096;

struct PredictOptions {
  std::string image, manifest, firmware = kFirmware, variables, secure_boot, calibration, compare, format = "table";
  int vcpus = 0, memory_mib = 0, failing_boot_options = 0;
  bool without_manifest = false;
};

template <typename T>
Result<T> of_file(const std::string& path, Result<T> result) {
  if (result) return result;
  return fail(malformed_input(path, result.error()));
}

// A disk may be well formed, and yet none that Slipway boots.
Result<image::Manifest> of_image(const std::string& path, Result<image::Manifest> result) {
  if (result || result.error().code == ErrorCode::kMalformed) return of_file(path, std::move(result));
  return fail(result.error().code, fmt::format("{}: {}", path, result.error().message));
}

Result<image::Manifest> manifest_for(const PredictOptions& options) {
  if (options.image.empty()) {
    SLIPWAY_ASSIGN(NamedManifest named, read_image_manifest(options.manifest));
    return *std::move(named.manifest);
  }
  NamedManifest named;
  named.name.version = fs::path(options.image).stem().string();
  if (!options.manifest.empty()) {
    SLIPWAY_ASSIGN(named, read_image_manifest(options.manifest));
  } else if (!options.without_manifest) {
    SLIPWAY_ASSIGN(named, find_manifest(options.image));
  }
  SLIPWAY_ASSIGN(const image::DiskImage disk, read_image_file(options.image));
  SLIPWAY_ASSIGN(image::Manifest manifest, of_image(options.image, image::manifest_of(disk, named.name)));
  if (!named.manifest) return manifest;
  const std::string difference = image::first_difference(manifest, *named.manifest);
  if (difference.empty()) return manifest;
  return fail(
      ErrorCode::kPreconditionFailed,
      fmt::format("{} is not the image that its manifest describes: they differ in {}. Either was changed after "
                  "the build; --no-manifest predicts what the image holds now",
                  options.image, difference));
}

Result<image::Calibration> read_calibration(const std::string& path) {
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(path, kMaximumCalibration));
  return of_file(path, image::calibration_from_json(as_text(bytes)));
}

fs::path calibration_folder() {
  const char* cache = std::getenv("SLIPWAY_CACHE");
  if (cache != nullptr && *cache != '\0') return fs::path(cache) / "calibrations";
  const char* user_cache = std::getenv("XDG_CACHE_HOME");
  if (user_cache != nullptr && *user_cache != '\0') return fs::path(user_cache) / "slipway/calibrations";
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : "") / ".cache/slipway/calibrations";
}

// The PEI volume's digest that this host's calibrations of the shape agree on.
Result<Bytes> find_calibration(const PredictOptions& options, const bootchain::OvmfFirmware& firmware,
                               bool secure_boot) {
  const fs::path folder = calibration_folder();
  std::set<Bytes> found;
  std::error_code error;
  std::size_t seen = 0;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (++seen > kMaximumCalibrations) break;
    if (entry->path().extension() != ".json") continue;
    const auto calibration = read_calibration(entry->path().string());
    if (!calibration || calibration->firmware_sha256 != firmware.code_sha256 || calibration->vcpus != options.vcpus ||
        calibration->memory_mib != options.memory_mib || calibration->secure_boot != secure_boot)
      continue;
    SLIPWAY_ASSIGN(Bytes pei, image::calibrated_pei_volume(calibration->pcr0_events, firmware.dxe_volume_sha256));
    found.insert(std::move(pei));
  }
  if (found.size() == 1) return *found.begin();
  const std::string shape = fmt::format("{} vCPU and {} MiB with Secure Boot {}", options.vcpus, options.memory_mib,
                                        secure_boot ? "on" : "off");
  if (found.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("{} has no calibration of this firmware for {}; slipwayd makes one before it starts the "
                            "first VM of a shape. Without --vcpus and --memory the prediction leaves that event open",
                            folder.string(), shape));
  return fail(ErrorCode::kPreconditionFailed,
              fmt::format("{} has {} different calibrations of this firmware for {} (of several QEMU versions, machine "
                          "types or variable stores); name one with --calibration",
                          folder.string(), found.size(), shape));
}

Result<image::FirmwareFacts> firmware_facts(const PredictOptions& options, bool secure_boot) {
  SLIPWAY_ASSIGN(const Bytes code, read_input(options.firmware, bootchain::kMaximumFirmware));
  SLIPWAY_ASSIGN(const bootchain::OvmfFirmware firmware,
                 of_file(options.firmware, bootchain::read_ovmf_firmware(code)));
  image::FirmwareFacts facts{firmware.code_sha256, firmware.dxe_volume_sha256, {}};
  if (!options.calibration.empty()) {
    SLIPWAY_ASSIGN(const image::Calibration calibration, read_calibration(options.calibration));
    if (calibration.firmware_sha256 != firmware.code_sha256 || calibration.secure_boot != secure_boot)
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{} is a calibration of firmware {} with Secure Boot {}, but the prediction is for {} with "
                      "Secure Boot {}",
                      options.calibration, to_hex(calibration.firmware_sha256), calibration.secure_boot ? "on" : "off",
                      to_hex(firmware.code_sha256), secure_boot ? "on" : "off"));
    SLIPWAY_ASSIGN(facts.calibrated_pei_volume_sha256,
                   image::calibrated_pei_volume(calibration.pcr0_events, firmware.dxe_volume_sha256));
  } else if (options.vcpus != 0) {
    SLIPWAY_ASSIGN(facts.calibrated_pei_volume_sha256, find_calibration(options, firmware, secure_boot));
  }
  return facts;
}

Result<std::vector<bootchain::StoredVariable>> read_variables(const PredictOptions& options) {
  const std::string path = !options.variables.empty()     ? options.variables
                           : options.secure_boot == "off" ? kVariablesOff
                                                          : kVariablesOn;
  SLIPWAY_ASSIGN(const Bytes store, read_input(path, bootchain::kMaximumVariableStore));
  SLIPWAY_ASSIGN(auto variables, of_file(path, bootchain::read_variable_store(store)));
  const bool on = bootchain::enforces_secure_boot(variables);
  if (!options.secure_boot.empty() && on != (options.secure_boot == "on"))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--secure-boot {}, but with the variables in {} Secure Boot is {}", options.secure_boot,
                            path, on ? "on" : "off"));
  return variables;
}

Status show(const PredictOptions& options, const image::Prediction& prediction) {
  if (options.format == "json") {
    std::cout << to_json(prediction) << '\n';
  } else {
    std::cout << prediction_table(prediction);
  }
  return {};
}

Status compare(const PredictOptions& options, const image::Prediction& prediction) {
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(options.compare, bootchain::kMaximumEventLogSize));
  SLIPWAY_ASSIGN(const bootchain::UnverifiedEventLog log, of_file(options.compare, bootchain::parse_event_log(bytes)));
  const auto comparison = compare_boot(prediction, log);
  std::cout << (options.format == "json" ? to_pretty_json(comparison_document(prediction, comparison))
                                         : comparison_table(prediction, comparison));
  if (is_as_predicted(comparison)) return {};
  return fail(ErrorCode::kPreconditionFailed,
              fmt::format("{} of the events in {} are not as predicted; the lines above name them",
                          count_differences(comparison), options.compare));
}

Status run(const PredictOptions& options) {
  if (options.image.empty() && options.manifest.empty())
    return fail(ErrorCode::kInvalidArgument, "name an IMAGE, or a --manifest");
  if ((options.vcpus != 0) != (options.memory_mib != 0))
    return fail(ErrorCode::kInvalidArgument, "--vcpus and --memory go together: both make the shape of the VM");
  SLIPWAY_ASSIGN(const auto variables, read_variables(options));
  SLIPWAY_ASSIGN(const image::FirmwareFacts firmware,
                 firmware_facts(options, bootchain::enforces_secure_boot(variables)));
  SLIPWAY_ASSIGN(const image::Manifest manifest, manifest_for(options));
  SLIPWAY_ASSIGN(const image::Prediction prediction,
                 image::predict(manifest, firmware, variables, {options.failing_boot_options}));
  return options.compare.empty() ? show(options, prediction) : compare(options, prediction);
}

}  // namespace

void add_predict(Shell& shell) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* verb =
      shell.add_verb(shell.app(), "predict", "Every event that booting an image must measure (needs no server)",
                     "  slipway predict SlipwayDebian-12-gen2TLcontainerd-202611.23.0.qcow2 --vcpus 2 --memory 2048\n"
                     "  slipway predict node.qcow2 --secure-boot off -o json\n"
                     "  slipway predict node.qcow2 --vcpus 2 --memory 2048 --compare binary_bios_measurements\n",
                     [options] { return run(*options); });
  verb->add_option("IMAGE", options->image, "A disk image, raw or qcow2");
  verb->add_option("--manifest", options->manifest,
                   "The image's manifest; default: NAME.manifest.json beside the image. Without IMAGE it alone counts");
  verb->add_flag("--no-manifest", options->without_manifest, "Leave the manifest beside the image alone");
  verb->add_option("--firmware", options->firmware, "OVMF's code file")->capture_default_str();
  verb->add_option("--variables", options->variables,
                   "The variable store that the VM starts with; default: OVMF's own, as --secure-boot says");
  verb->add_option("--secure-boot", options->secure_boot, "on or off; default: what the variable store says")
      ->check(CLI::IsMember({"on", "off"}));
  CLI::Option* calibration =
      verb->add_option("--calibration", options->calibration, "The record of the firmware's calibration boot");
  verb->add_option("--vcpus", options->vcpus, "Virtual processors: find this host's calibration of the shape")
      ->check(CLI::PositiveNumber)
      ->excludes(calibration);
  verb->add_option("--memory", options->memory_mib, "Memory in MiB")->check(CLI::PositiveNumber)->excludes(calibration);
  verb->add_option("--failing-boot-options", options->failing_boot_options,
                   "Devices that firmware tries in vain before the disk; Slipway's VMs have none")
      ->check(CLI::Range(0, 64));
  verb->add_option("--compare", options->compare, "Hold this firmware event log against the prediction");
  verb->add_option("--output,-o", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace slipway::cli
