#pragma once

#include <string_view>

namespace slipway::bootchain::testing {

// The script that Debian builds into its signed GRUB 2.06.
inline constexpr std::string_view kBuiltInGrubScript =
    "if [ -z \"$prefix\" -o ! -e \"$prefix\" ]; then\n\tif ! search --file --set=root /.disk/info; then\n"
    "\t\tsearch --file --set=root /.disk/mini-info\n\tfi\n\tset prefix=($root)/boot/grub\nfi\n"
    "if [ -e $prefix/x86_64-efi/grub.cfg ]; then\n\tsource $prefix/x86_64-efi/grub.cfg\n"
    "elif [ -e $prefix/grub.cfg ]; then\n\tsource $prefix/grub.cfg\nelse\n\tsource $cmdpath/grub.cfg\nfi\n";

}  // namespace slipway::bootchain::testing
