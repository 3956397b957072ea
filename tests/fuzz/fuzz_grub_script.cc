#include "bootchain/grub_script.h"

// The input is grub.cfg; the image is one that holds the built-in script that predict_grub asks for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  static constexpr std::string_view kImage =
      "if [ -z \"$prefix\" -o ! -e \"$prefix\" ]; then\n\tif ! search --file --set=root /.disk/info; then\n"
      "\t\tsearch --file --set=root /.disk/mini-info\n\tfi\n\tset prefix=($root)/boot/grub\nfi\n"
      "if [ -e $prefix/x86_64-efi/grub.cfg ]; then\n\tsource $prefix/x86_64-efi/grub.cfg\n"
      "elif [ -e $prefix/grub.cfg ]; then\n\tsource $prefix/grub.cfg\nelse\n\tsource $cmdpath/grub.cfg\nfi\n";
  const auto prediction =
      bootchain::predict_grub(as_bytes(kImage), as_text({data, size}), {"hd0,gpt1", "/EFI/debian", "x86_64-efi"});
  if (!prediction) return 0;
  if (prediction->commands_before_kernel > prediction->commands.size() || prediction->files.size() < 2)
    __builtin_trap();
  return 0;
}
