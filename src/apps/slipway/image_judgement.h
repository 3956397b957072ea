#pragma once

#include <map>
#include <string>

#include "apps/slipway/boot_machine.h"
#include "image/disk_image.h"

namespace slipway::cli {

// Whether a machine would boot an image, component by component.
struct ImageJudgement {
  // Of shim, GRUB and kernel, by path, with the rules of BootDecision and two more: "component.malformed" for a file
  // that is no PE image, or a shim whose own sections do not parse; "shim.missing" where there is no shim to be asked.
  std::map<std::string, BootDecisions> decisions;
  // Every one of them loads, and none of the three is missing.
  bool boots = false;
  std::optional<MoreRevocations> more_revocations;
};

// Firmware judges /EFI/BOOT/BOOTX64.EFI, this shim /EFI/BOOT/grubx64.efi, and shim_lock the kernel: the one of the
// manifest, or where there is none every file that is called vmlinuz or begins with vmlinuz-. Each is judged for
// itself, also behind one that does not load. Pure.
ImageJudgement judge_image(const image::DiskImage& image, const Result<image::Manifest>& manifest,
                           const BootMachine& machine);

}  // namespace slipway::cli
