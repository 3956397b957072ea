#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/host.h"
#include "host/libvirt/domain_xml.h"
#include "host/libvirt/probe.h"

namespace slipway::host {

// The files of one installation's VMs. What only Slipway reads (records) lies below `records`, closed to everybody but
// root; what QEMU reads lies below `machines`, whose folders QEMU's user may enter. Not thread-safe.
class InstanceFiles {
 public:
  // `records` exists. `machines` is this installation's alone; it is made when needed and removed with its last file.
  InstanceFiles(std::filesystem::path records, std::filesystem::path machines);

  // kNotFound if no vTPM was made for the instance.
  Result<RecordedEndorsementKey> vtpm(const std::string& instance) const;
  Status record_vtpm(const std::string& instance, const RecordedEndorsementKey& key);

  // Makes what is missing of the VM's files, overlay, variable store and bootstrap, each whole or not at all, and fills
  // in the plan's paths to them. Notes first which base image it uses.
  Status prepare(const VirtualMachine& vm, const FirmwareFiles& firmware, DomainPlan& plan);
  // The same for a VM without a disk.
  Status prepare_sealed(const std::filesystem::path& variable_store_template, DomainPlan& plan);

  std::filesystem::path console(const std::string& instance) const;
  std::filesystem::path overlay(const std::string& instance) const;
  // The base image that was noted for the overlay; kNotFound where none was.
  Result<std::filesystem::path> base(const std::string& instance) const;
  std::filesystem::path variable_store(const std::string& instance) const;

  // Removes everything of the instance, and base images that nothing uses any more.
  Status remove(const std::string& instance);
  // Instances that have any file here.
  std::vector<std::string> list() const;

 private:
  std::filesystem::path record_folder(const std::string& instance) const { return records_ / instance; }
  std::filesystem::path machine_folder(const std::string& instance) const { return machines_ / instance; }
  Result<std::filesystem::path> ensure_base(const std::filesystem::path& image);
  Status drop_unused_bases();

  const std::filesystem::path records_, machines_;
};

}  // namespace slipway::host
