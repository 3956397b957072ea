#pragma once

#include <string>
#include <vector>

#include "bootchain/variable_store.h"
#include "image/manifest.h"
#include "image/prediction.h"

namespace slipway::image {

// What is known of a firmware's code file.
struct FirmwareFacts {
  Bytes code_sha256;        // of the file
  Bytes dxe_volume_sha256;  // of the volume that firmware unpacks and measures: bootchain::read_ovmf_firmware
  // Of the PEI volume, as one sealed boot of this firmware, QEMU and shape of VM measured it; empty: not known.
  Bytes calibrated_pei_volume_sha256;
};

// What is known of the VM besides its firmware.
struct MachineFacts {
  // Devices that the firmware tries in vain before the image's disk: an empty DVD drive in front of it. Each stands in
  // PCR 4. 0 for every VM that Slipway makes: the disk is its first boot device.
  int failing_boot_options = 0;
};

// The events of booting the image on Debian 12's OVMF with Secure Boot and SMM, in the order of the log. Pure.
// `variables` are those of the store that the VM starts with; Secure Boot is what they say. kInvalidArgument for a
// manifest that lacks a file or digest, and for a digest of the firmware that is not 32 bytes; kPreconditionFailed
// where firmware would not start the image's shim (no entry of db vouches for it, or dbx forbids it;
// image/shim_admission.h), and where the store holds keys of the machine's owner (MokList, MokListX): shim's
// measurements would follow from them too.
Result<Prediction> predict(const Manifest& manifest, const FirmwareFacts& firmware,
                           const std::vector<bootchain::StoredVariable>& variables, const MachineFacts& machine = {});

}  // namespace slipway::image
