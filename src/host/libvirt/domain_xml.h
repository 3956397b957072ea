#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "host/host.h"

// The domain that a VM becomes, as libvirt's XML. Pure: text out of values.
namespace slipway::host {

struct DomainDisk {
  std::filesystem::path overlay, base;  // both qcow2; base is never written
};

struct DomainPlan {
  std::string uuid, name;
  std::string installation;  // marks the domain as this installation's
  std::string accelerator;   // "kvm" or "tcg"
  std::string machine_type;  // "pc-q35-7.2"
  Shape shape;
  std::filesystem::path firmware;        // the Secure Boot build: needs SMM
  std::filesystem::path variable_store;  // the VM's own
  std::filesystem::path console;         // the serial line's bytes
  bool vtpm = false;
  // All three are absent for a calibration boot, which is sealed: nothing but firmware can run in it.
  std::optional<DomainDisk> disk;
  std::string network;  // libvirt's name of it
  std::string address;  // the VM's own in it; empty: as it comes
  // libvirt's filter for what the VM may send, "clean-traffic": nothing but from its own MAC and IP address. Needs
  // `address`; empty: none.
  std::string traffic_filter;
  std::filesystem::path bootstrap;  // a file with one SMBIOS type 11 string
};

// The bootstrap is handed to QEMU as a file, since every user of the host can read QEMU's command line; the same file
// stands in <sysinfo type='fwcfg'> so that libvirt's AppArmor profile lets QEMU read it and gives it QEMU's user.
std::string domain_xml(const DomainPlan& plan);

// 52:54:... from the instance id: the same instance always has the same address.
std::string mac_address(std::string_view uuid);

// The installation that a domain's XML names; empty for a domain of somebody else's.
std::string installation_of(const std::string& xml);

}  // namespace slipway::host
