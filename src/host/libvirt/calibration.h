#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "host/host.h"
#include "host/libvirt/domain_xml.h"
#include "host/libvirt/handles.h"

namespace slipway::host {

// The name of a calibration's result: everything that PCR 0 depends on, the variables too. 64 hexadecimal digits.
std::string calibration_key(const FirmwareReference& inputs, const std::string& accelerator);

// The digests that a calibration gave, with its inputs, as JSON.
std::string to_json(const FirmwareReference& reference);
Result<FirmwareReference> firmware_reference_from_json(std::string_view json);

// Boots the plan as a transient domain that ends with this connection, waits until its firmware has closed PCR 0, reads
// the digests of that PCR's events out of its memory, and destroys it. The plan has no disk and no network; its
// variable store, console folder and vTPM must be there. kUnavailable if the firmware did not get so far in 4 minutes.
Result<std::vector<Bytes>> boot_for_pcr0(virConnectPtr connection, const DomainPlan& plan);

}  // namespace slipway::host
