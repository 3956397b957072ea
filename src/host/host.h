#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "image/disk_contents.h"
#include "image/manifest.h"
#include "image/prediction.h"

// VMs on one host: the seam between Slipway and libvirt. Behind it are host/libvirt (real VMs) and host/memory (no VMs:
// simulated attesters), under the same contract tests (host/host_contract_test.cc).
namespace slipway::host {

// What this host can run, found by trying and not by asking.
struct Capabilities {
  std::string accelerator;  // "kvm" or "tcg" (software emulation) or "simulated"
  std::string explanation;  // one line for people: why this accelerator
  std::string qemu_version;
  std::string machine_type;  // "pc-q35-7.2"
};

// The network of one cluster's nodes on this host: a bridge with NAT of Slipway's own, never libvirt's "default".
struct Network {
  std::string name;     // "slipway-3f9a"
  std::string bridge;   // interface name, at most 15 characters
  std::string gateway;  // the bridge's address, where the node listener and the apiserver answer: "10.77.0.1"
  std::string cidr;     // "10.77.0.0/24"
  // A VM gets VirtualMachine::address from the network, and nobody else does. Networks of earlier versions, and those
  // of the memory host, give addresses as they come.
  bool binds_addresses = false;
};

// The address of a network's VM by its number, from 1 to kNetworkMachines, and the MAC address that goes with it: DHCP
// knows a VM by that. kResourceExhausted for other numbers.
inline constexpr int kNetworkMachines = 253;
Result<std::string> machine_address(const Network& network, int number);
std::string mac_address_for(const std::string& ip_address);

// The EK of a vTPM, recorded when it was made and before anything ran on it.
struct RecordedEndorsementKey {
  Bytes public_area;        // TPMT_PUBLIC of the RSA-2048 EK
  std::string certificate;  // PEM, by the platform's own CA
  // PEM of that CA. Empty where the certificate is none of a TPM's (a simulated one), and in records of before.
  std::string authority;
};

// The shape that firmware measures into PCR 0 and 1; calibration is per shape.
struct Shape {
  int vcpus = 2;
  int memory_mib = 2048;
};

struct VirtualMachine {
  std::string instance;  // node instance id, a UUID; also the domain's UUID
  std::string name;      // node name; also the domain's name
  Shape shape;
  bool secure_boot = false;
  bool vtpm = false;
  std::filesystem::path image;  // base qcow2, never written; the VM gets an overlay of the same virtual size
  std::string network;          // Network::name
  std::string address;          // in it, where it binds addresses; else empty
  std::string bootstrap;        // JSON of enrolment::Bootstrap, handed over in SMBIOS type 11
};

enum class PowerState { kAbsent, kRunning, kOff };

// What the host sees of a VM from outside, without asking the guest.
struct Observation {
  PowerState power = PowerState::kAbsent;
  // Why the boot stopped before an OS ran, where the console or the variable store says so ("Access Denied" for shim,
  // "Verification failed", "bad shim signature"); empty where nothing of the kind was seen.
  std::string boot_refusal;
  std::string console_tail;  // the last 4 KiB of the console, bounded and escaped
};

// What the host reads from the VM's own variable store and firmware file; the proof behind `hostObserved`.
struct FirmwareObservation {
  bool secure_boot_enabled = false;  // PK present, SecureBootEnable not off, firmware is the Secure Boot build
  Bytes firmware_sha256;
  Bytes platform_key_sha256, key_exchange_keys_sha256, db_sha256, dbx_sha256;  // of each variable's data
  int revocations = 0;                                                         // entries in dbx
  std::string detail;                                                          // one line for people
};

// SHA-256 of the values of the variables that decide what Secure Boot lets run, as the host reads them from a variable
// store.
struct SecureBootVariables {
  Bytes platform_key_sha256, key_exchange_keys_sha256, db_sha256, dbx_sha256;
};

// PCR 0's part that only running the firmware can give; docs/threat-model.md, "What a node is made of".
struct FirmwareReference {
  Bytes firmware_sha256;  // of the firmware code file
  std::string qemu_version, machine_type;
  Shape shape;
  bool secure_boot = false;
  std::vector<Bytes> pcr0_events;  // sha256 digests of the events of PCR 0, in order, from the sealed calibration boot
  // Of the variable store that a VM of this kind starts with; the digest of nothing where a variable is not there.
  SecureBootVariables variables;
};

// Every call is idempotent: asked twice, it leaves one thing. `ensure` makes what is missing and keeps what is there.
// Calls block (seconds); none is made on an event loop. Thread-safe.
class Host {
 public:
  virtual ~Host() = default;

  virtual Result<Capabilities> probe() = 0;

  // Picks a free bridge name and subnet the first time; the same from then on.
  virtual Result<Network> ensure_network(const std::string& cluster) = 0;
  virtual Status remove_network(const std::string& cluster) = 0;
  // Opens the gateway's firewall for one TCP port (node listener, apiserver); all else on the bridge stays shut but
  // DHCP and DNS.
  virtual Status allow_gateway_port(const std::string& cluster, int port) = 0;

  // Makes the vTPM of an instance and records its EK; a second call gives the same EK.
  virtual Result<RecordedEndorsementKey> ensure_vtpm(const std::string& instance) = 0;
  // What was recorded then; kNotFound for an instance without a vTPM. Makes nothing, and waits for nothing.
  virtual Result<RecordedEndorsementKey> vtpm(const std::string& instance) = 0;
  // Reference values of this firmware for this shape; boots the sealed calibration VM if the cache has none.
  virtual Result<FirmwareReference> firmware_reference(const Shape& shape, bool secure_boot) = 0;

  // What a VM of this shape must measure when it boots the image: a function of the manifest, of the firmware file and
  // the variable store that it starts with, and of the calibration above.
  virtual Result<image::Prediction> predict(const image::Manifest& manifest, const Shape& shape, bool secure_boot) = 0;

  // Overlay, variable store, domain; and starts it. kPreconditionFailed if vtpm is asked for and ensure_vtpm was not
  // called.
  virtual Status ensure_vm(const VirtualMachine& vm) = 0;
  virtual Result<Observation> observe(const std::string& instance) = 0;
  virtual Result<FirmwareObservation> observe_firmware(const std::string& instance) = 0;
  // Reads the VM's disk from outside, running or not, and holds its root partition against the manifest's root hash:
  // for a VM whose guest says nothing. Takes seconds. Files above 256 MiB, and more than 256 of them, are kMalformed.
  virtual Result<image::DiskContents> inspect_disk(const std::string& instance, const image::Manifest& manifest) = 0;
  // Power cut and power on again: the VM's disk, TPM and variables stay.
  virtual Status restart_vm(const std::string& instance) = 0;
  // Power cut, undefine, and remove overlay, variable store and vTPM state. Absent is fine.
  virtual Status remove_vm(const std::string& instance) = 0;
  // Instances that exist here, for finding what nobody wants any more.
  virtual Result<std::vector<std::string>> list() = 0;
};

}  // namespace slipway::host
