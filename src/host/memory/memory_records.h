#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "enrolment/client.h"
#include "host/host.h"

namespace slipway::host {

// A simulated VM as its file tells.
struct RecordedMachine {
  VirtualMachine vm;
  bool running = true;
};

// The files behind the in-memory host: what libvirt, QEMU and the guest's own disk keep for a real VM. Every file is
// replaced whole. Not thread-safe.
class MemoryRecords {
 public:
  explicit MemoryRecords(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Cluster to network.
  Result<std::map<std::string, Network>> networks() const;
  Status write_networks(const std::map<std::string, Network>& networks);

  // kNotFound if the instance has none. The first is SoftwareAttester's state, the second the EK's certificate.
  Result<std::pair<std::string, std::string>> vtpm(const std::string& instance) const;
  Status write_vtpm(const std::string& instance, const std::string& state, const std::string& certificate);

  Result<RecordedMachine> machine(const std::string& instance) const;  // kNotFound
  Status write_machine(const RecordedMachine& machine);

  // What the guest would keep on its disk: the keys certified last. Nothing if it never was admitted.
  Result<std::optional<enrolment::HeldCertificates>> held(const std::string& instance) const;
  Status write_held(const std::string& instance, const enrolment::HeldCertificates& held);

  // The PEM of the authority that certifies EKs: certificate, key. kNotFound before write_authority.
  Result<std::pair<std::string, std::string>> authority() const;
  Status write_authority(const std::string& certificate, const std::string& key);

  Status remove(const std::string& instance);
  std::vector<std::string> list() const;

 private:
  std::filesystem::path instance_folder(const std::string& instance) const;

  const std::filesystem::path folder_;
};

}  // namespace slipway::host
