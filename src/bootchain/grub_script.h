#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace slipway::bootchain {

// What GRUB measures while it carries out a script, in order.
struct GrubMeasurements {
  // PCR 8, without "grub_cmd: ": each command after expansion, its words joined by one space.
  std::vector<std::string> commands;
  // PCR 8, without "kernel_cmdline: ": the arguments of `linux` or `linuxefi` as GRUB joins and escapes them;
  // /proc/cmdline shows the same behind "BOOT_IMAGE=". Empty where the script loads no kernel.
  std::string kernel_command_line;
  // How many of `commands` GRUB measures before kernel_command_line: it follows the command that loads the kernel.
  std::size_t commands_before_kernel = 0;
  // PCR 9: paths on the boot partition, in the order in which GRUB opens them: "/EFI/debian/vmlinuz".
  std::vector<std::string> files;
};

// Where GRUB was started from.
struct GrubEnvironment {
  std::string root;      // "hd0,gpt1"
  std::string prefix;    // path of the prefix on that partition: "/EFI/debian"
  std::string platform;  // "x86_64-efi"
};

// Predicts the measurements of Debian's signed GRUB 2.06: first those of the script that is built into its image, which
// ends with `source $prefix/grub.cfg`, then those of grub.cfg. kPreconditionFailed unless `grub_image` holds exactly
// the built-in script that this function knows.
//
// Of GRUB's language, grub.cfg may use simple commands, comments, quotes and the variables root, prefix and those that
// it sets itself with `set`. Anything else (if, menuentry, search, insmod of another file, an unknown variable) is
// kInvalidArgument with its line: a node's boot has no branches, so that its measurements are exactly known. At most
// 64 KiB.
Result<GrubMeasurements> predict_grub(ByteView grub_image, std::string_view grub_config,
                                      const GrubEnvironment& environment);

}  // namespace slipway::bootchain
