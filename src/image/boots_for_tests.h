#pragma once

#include <string>
#include <vector>

#include "bootchain/corpus_for_tests.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"
#include "bootchain/variable_store.h"
#include "crypto/digest.h"
#include "image/predict.h"

namespace slipway::image {

// The recorded boots of tests/corpus/boots, as inputs of a prediction.

inline constexpr const char* kVerityBoot = "boots/debian12-ovmf-verity";
inline constexpr const char* kWritableBoot = "boots/debian12-ovmf-secureboot";
inline constexpr const char* kMinimalOn = "boots/debian12-ovmf-minimal-secureboot-on";
inline constexpr const char* kMinimalOff = "boots/debian12-ovmf-minimal-secureboot-off";

inline Bytes hex_bytes(std::string_view text) { return from_hex(text).value(); }

inline std::vector<bootchain::UnverifiedEvent> events_of(const std::string& boot) {
  const auto log = bootchain::parse_event_log(bootchain::read_corpus(boot + "/log.bin"));
  EXPECT_TRUE(log);
  return log->events;
}

inline Bytes sha256_of(const bootchain::UnverifiedEvent& event) {
  return bootchain::find_digest(event, bootchain::kSha256Bank)->bytes();
}

// Debian 12's OVMF 2022.11; the PEI volume as that boot's log has it, which stands for its calibration.
inline FirmwareFacts firmware_of(const std::string& boot) {
  FirmwareFacts facts;
  facts.code_sha256 = hex_bytes("d50189a486d22af418198226a3a5bcb6ddac775590f6a808bd629474ee034d62");
  facts.dxe_volume_sha256 = hex_bytes("a644ed209b188dd428ea3e15c0b1dbbc1ad05d406bb2857cac4a73b98d0b6b4f");
  for (const bootchain::UnverifiedEvent& event : events_of(boot)) {
    if (event.type != bootchain::kEvEfiPlatformFirmwareBlob) continue;
    facts.calibrated_pei_volume_sha256 = sha256_of(event);
    break;
  }
  return facts;
}

// The variables that every recorded boot with Secure Boot started with: Debian's template with Microsoft's keys.
inline std::vector<bootchain::StoredVariable> microsoft_variables() {
  std::vector<bootchain::StoredVariable> variables;
  const auto add = [&](std::string_view vendor, const std::string& name) {
    const Bytes file = bootchain::read_corpus(std::string(kVerityBoot) + "/var-" + name + ".bin");
    bootchain::StoredVariable variable;
    variable.vendor = bootchain::guid_from_text(vendor).value();
    variable.name = name;
    variable.data.assign(file.begin() + 4, file.end());  // the kernel's file begins with the attributes
    variables.push_back(std::move(variable));
  };
  add(bootchain::kEfiGlobalVariables, "PK");
  add(bootchain::kEfiGlobalVariables, "KEK");
  add(bootchain::kImageSecurityDatabase, "db");
  add(bootchain::kImageSecurityDatabase, "dbx");
  return variables;
}

inline Manifest minimal_manifest(const std::string& boot) {
  return manifest_from_json(as_text(bootchain::read_corpus(boot + "/manifest.json"))).value();
}

// The manifest of the disks of the two boots that were recorded before there were manifests. Their shim and GRUB are
// those of the minimal boots; the digests of kernel, initrd and partition table are those of the files at the time, and
// grub.cfg's commands are what is given here.
inline Manifest early_manifest(const std::string& boot, std::vector<std::string> config_commands) {
  Manifest manifest = minimal_manifest(kMinimalOn);
  const bool verity = boot == kVerityBoot;
  manifest.version = verity ? "debian12-ovmf-verity" : "debian12-ovmf-secureboot";
  manifest.grub_commands.resize(4);  // those of the built-in script
  for (std::string& command : config_commands) manifest.grub_commands.push_back(std::move(command));
  for (const std::string& command : manifest.grub_commands)
    if (command.substr(0, 6) == "linux ") manifest.kernel_command_line = command.substr(6);
  manifest.gpt_event_sha256 = hex_bytes(verity ? "10005247298b78880527b448f93f7a48759d42f40ac2101786d084317fdbead5"
                                               : "63bc62f2b381c7bc75e44725191591acd6c60a36e1192a9b82633671024aa937");
  for (BootFile& file : manifest.boot_files) {
    if (file.role == BootFileRole::kGrubConfig)
      file.sha256 = verity ? crypto::sha256(bootchain::read_corpus(boot + "/grub.cfg"))
                           : hex_bytes("17c8c080c93dbb1abc1251e7c6a907bec2a6446a3d1b0d294889ebe3d22a21e0");
    if (file.role == BootFileRole::kKernel) {
      file.sha256 = hex_bytes("3d616aa853fe11b1c0ea99a1cdb4fb6ddc9010ba7c4562de700ad94264989654");
      file.authenticode_sha256 = hex_bytes("48df3aee4f7518867d5cd624da73db46d6b954bb3cde4dc5236ca9c0555c2d65");
    }
    if (file.role == BootFileRole::kInitrd)
      file.sha256 = hex_bytes(verity ? "70f521b53e3d124e43bdc4a25ec423f95b9eae87ba1c7e1becadddb6621a0194"
                                     : "3cca74f8e06de2e67ccae35d6a51179064a33e47cf725f0e84e84f3fceac2d39");
  }
  return manifest;
}

// In those two VMs an empty DVD drive stood in front of the disk.
inline constexpr MachineFacts kEarlyMachine{.failing_boot_options = 1};

}  // namespace slipway::image
