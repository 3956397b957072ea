#include <fmt/format.h>

#include "control/image_store.h"
#include "crypto/digest.h"
#include "host/memory/simulated_boot.h"

namespace slipway::control {
namespace {

// A boot file that nobody has: its digests are those of its name and the image's version, so that two images differ as
// two real ones would.
image::BootFile boot_file(const std::string& version, image::BootFileRole role, std::string path, std::string package,
                          std::vector<std::string> signers) {
  image::BootFile file;
  file.role = role;
  file.path = std::move(path);
  file.package = std::move(package);
  file.size = 1;
  file.sha256 = crypto::sha256(as_bytes(version + " simulated file " + file.path));
  if (!signers.empty()) file.authenticode_sha256 = crypto::sha256(as_bytes(version + " simulated image " + file.path));
  file.signers = std::move(signers);
  return file;
}

StoredImage simulated_image(const std::string& version, bool trusted_launch) {
  using Role = image::BootFileRole;
  image::Manifest manifest;
  manifest.version = version;
  manifest.trusted_launch = trusted_launch;
  manifest.root_hash = crypto::sha256(as_bytes(version + " simulated root"));
  const std::string options = fmt::format(
      "root=/dev/mapper/root rootfstype=erofs ro slipway.roothash={} panic=10 "
      "systemd.gpt_auto=0",
      to_hex(manifest.root_hash));
  manifest.grub_config =
      fmt::format("linux ($root)/EFI/debian/vmlinuz {}\ninitrd ($root)/EFI/debian/initrd.img\nboot\n", options);
  manifest.boot_files = {
      boot_file(version, Role::kShim, "/EFI/BOOT/BOOTX64.EFI", "shim-signed (simulated)",
                {"CN=Microsoft Windows UEFI Driver Publisher (simulated)"}),
      boot_file(version, Role::kGrub, "/EFI/BOOT/grubx64.efi", "grub-efi-amd64-signed (simulated)",
                {"CN=Debian Secure Boot Signer (simulated)"}),
      boot_file(version, Role::kGrubConfig, "/EFI/debian/grub.cfg", "", {}),
      boot_file(version, Role::kKernel, "/EFI/debian/vmlinuz", "linux-image-cloud-amd64 (simulated)",
                {"CN=Debian Secure Boot Signer (simulated)"}),
      boot_file(version, Role::kInitrd, "/EFI/debian/initrd.img", "", {}),
  };
  manifest.boot_files[2].sha256 = crypto::sha256(as_bytes(manifest.grub_config));
  manifest.boot_files[2].size = manifest.grub_config.size();
  manifest.grub_commands = {"linux (hd0,gpt1)/EFI/debian/vmlinuz " + options, "initrd (hd0,gpt1)/EFI/debian/initrd.img",
                            "boot"};
  manifest.kernel_command_line = "(hd0,gpt1)/EFI/debian/vmlinuz " + options;
  manifest.virtual_size = 8ULL << 30;
  return {host::with_simulated_digests(std::move(manifest)), "simulated:" + version};
}

class SimulatedImageStore final : public ImageStore {
 public:
  std::vector<StoredImage> list() override { return images_; }

 private:
  const std::vector<StoredImage> images_ = {simulated_image("SlipwaySimulated-12-gen2TLcontainerd-202611.23.0", true),
                                            simulated_image("SlipwaySimulated-12-gen2containerd-202611.23.0", false)};
};

}  // namespace

std::unique_ptr<ImageStore> make_simulated_image_store() { return std::make_unique<SimulatedImageStore>(); }

}  // namespace slipway::control
