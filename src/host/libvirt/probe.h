#pragma once

#include <filesystem>

#include "host/host.h"
#include "host/libvirt/connection.h"

namespace slipway::host {

struct FirmwareFiles {
  std::filesystem::path code;            // the build with Secure Boot and SMM, for every VM
  std::filesystem::path enrolled_store;  // with Microsoft's keys: Secure Boot on
  std::filesystem::path empty_store;     // without keys: Secure Boot off
};

// kUnavailable, naming the package, where one of them is missing.
Result<FirmwareFiles> find_firmware(const std::filesystem::path& folder);

// Tries KVM by booting the firmware with SMM on it until its boot manager speaks, since /dev/kvm that opens is not yet
// KVM that runs this firmware. Falls back to software emulation, and says why in one line. Takes up to 20 s.
Result<Capabilities> probe_machine(virConnectPtr connection, const FirmwareFiles& firmware,
                                   const std::filesystem::path& scratch_folder);

// The versioned name behind "q35" in libvirt's domain capabilities ("pc-q35-7.2"); empty if there is none.
std::string machine_type_of(const std::string& domain_capabilities);

}  // namespace slipway::host
