#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "host/host.h"

namespace slipway::host {

struct LibvirtOptions {
  // slipwayd's own folder. This host keeps its networks, its vTPM authority and what it recorded of each VM in host/
  // below it, and the process ids of a libvirtd that it had to start itself in libvirtd.pids.
  std::filesystem::path state_folder;
  // Calibration boots, one file for each (firmware, QEMU, shape); may be shared between installations.
  std::filesystem::path cache_folder;
  // Where Debian's package ovmf puts OVMF_CODE_4M.secboot.fd, OVMF_VARS_4M.ms.fd and OVMF_VARS_4M.fd.
  std::filesystem::path firmware_folder = "/usr/share/OVMF";
  // Disks, variable stores and consoles, one folder for each VM. QEMU runs as a user of its own, which cannot enter
  // state_folder; so this is another one. Each installation makes a folder of its own below it.
  std::filesystem::path vm_folder = "/var/lib/libvirt/slipway";
  // Of libvirt's, for what a VM may send; see DomainPlan. Empty: none, until "clean-traffic" was seen to let nodes and
  // their pods through on real VMs. No certificate rests on it: a VM gets them for its own address alone.
  std::string traffic_filter{};
  // Used only where libvirtd must be asked elsewhere than on this machine's system socket.
  std::string uri = "qemu:///system";
  Random& random;      // outlives the host
  const Clock& clock;  // outlives the host
};

// The VMs of this machine, through libvirt. Needs root. Starts virtlogd and libvirtd if neither systemd nor anybody
// else does, remembers that in libvirtd.pids, and never restarts one that it did not start.
// kUnavailable, naming what is missing, where libvirt does not answer; kPermissionDenied without root.
Result<std::unique_ptr<Host>> make_libvirt_host(LibvirtOptions options);

}  // namespace slipway::host
