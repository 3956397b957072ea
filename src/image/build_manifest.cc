#include "image/build_manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "bootchain/gpt.h"
#include "bootchain/grub_script.h"
#include "bootchain/pe_image.h"
#include "bootchain/shim_state.h"
#include "crypto/authenticode_signers.h"
#include "crypto/digest.h"

namespace slipway::image {
namespace {

constexpr std::string_view kShimPath = "/EFI/BOOT/BOOTX64.EFI";
constexpr std::string_view kGrubPath = "/EFI/BOOT/grubx64.efi";
constexpr std::string_view kGrubPrefix = "/EFI/debian";
constexpr std::string_view kGrubConfigPath = "/EFI/debian/grub.cfg";
constexpr std::size_t kRootHashSize = 32;
constexpr std::uint64_t kBlockSize = 512;

Result<const Bytes*> file_bytes(const ManifestInputs& inputs, std::string_view path) {
  const auto found = inputs.esp_files.find(std::string(path));
  if (found == inputs.esp_files.end())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the EFI system partition has no {}, which the boot loads", path));
  return &found->second;
}

template <typename T>
Result<T> in_file(std::string_view path, Result<T> result) {
  if (result) return result;
  Error error = std::move(result).error();
  error.message = fmt::format("{}: {}", path, error.message);
  return fail(std::move(error));
}

Result<BootFile> describe(const ManifestInputs& inputs, BootFileRole role, const std::string& path) {
  SLIPWAY_ASSIGN(const Bytes* bytes, file_bytes(inputs, path));
  BootFile file;
  file.role = role;
  file.path = path;
  if (const auto package = inputs.packages.find(path); package != inputs.packages.end()) file.package = package->second;
  file.size = bytes->size();
  file.sha256 = crypto::sha256(*bytes);
  if (role == BootFileRole::kShim || role == BootFileRole::kGrub || role == BootFileRole::kKernel) {
    SLIPWAY_ASSIGN(file.authenticode_sha256, in_file(path, bootchain::authenticode_sha256(*bytes)));
    SLIPWAY_ASSIGN(file.signers, in_file(path, bootchain::pe_signers(*bytes)));
  }
  return file;
}

Result<CertificateChains> certificate_chains(const ManifestInputs& inputs, const std::string& path) {
  SLIPWAY_ASSIGN(const Bytes* bytes, file_bytes(inputs, path));
  SLIPWAY_ASSIGN(const std::vector<ByteView> signatures, in_file(path, bootchain::pe_signatures(*bytes)));
  CertificateChains chains;
  for (const ByteView signature : signatures) {
    SLIPWAY_ASSIGN(auto chain, in_file(path, crypto::authenticode_certificate_chain(signature)));
    chains.push_back(std::move(chain));
  }
  return chains;
}

// GRUB's name of the partition that it was loaded from: the first disk's EFI system partition.
Result<std::string> grub_root(const bootchain::PartitionTable& table) {
  std::optional<int> number;
  for (const bootchain::GptPartition& partition : table.partitions) {
    if (to_string(partition.type) != bootchain::kEfiSystemPartition) continue;
    if (number) return fail(ErrorCode::kInvalidArgument, "the disk has more than one EFI system partition");
    number = partition.number;
  }
  if (!number) return fail(ErrorCode::kInvalidArgument, "the disk has no EFI system partition");
  return fmt::format("hd0,gpt{}", *number);
}

Status check_root_hash(const ManifestInputs& inputs, const std::string& command_line) {
  if (inputs.root_hash.size() != kRootHashSize)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the dm-verity root hash has {} bytes, not 32", inputs.root_hash.size()));
  const std::string argument = fmt::format(" slipway.roothash={} ", to_hex(inputs.root_hash));
  if (fmt::format(" {} ", command_line).find(argument) == std::string::npos)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the kernel command line in grub.cfg does not hold \"{}\", so the root file system would "
                            "not be inside the proof",
                            std::string_view(argument).substr(1, argument.size() - 2)));
  return {};
}

Status check_no_other_files(const ManifestInputs& inputs, const Manifest& manifest) {
  for (const auto& [path, bytes] : inputs.esp_files) {
    const auto is_it = [&path = path](const BootFile& file) { return file.path == path; };
    if (std::none_of(manifest.boot_files.begin(), manifest.boot_files.end(), is_it))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the EFI system partition holds {}, which the boot does not load; remove it", path));
  }
  return {};
}

}  // namespace

Result<Manifest> build_manifest(const ManifestInputs& inputs) {
  if (inputs.version.empty()) return fail(ErrorCode::kInvalidArgument, "the image version is empty");
  if (inputs.virtual_size == 0 || inputs.virtual_size % kBlockSize != 0)
    return fail(ErrorCode::kInvalidArgument, "the disk's size is not a positive multiple of 512 bytes");
  SLIPWAY_ASSIGN(const bootchain::PartitionTable table, bootchain::read_partition_table(inputs.disk_start));
  SLIPWAY_ASSIGN(std::string root, grub_root(table));
  SLIPWAY_ASSIGN(const Bytes* shim, file_bytes(inputs, kShimPath));
  SLIPWAY_ASSIGN(const bootchain::ShimState shim_state, in_file(kShimPath, bootchain::read_shim_state(*shim)));
  SLIPWAY_ASSIGN(const Bytes* grub, file_bytes(inputs, kGrubPath));
  SLIPWAY_ASSIGN(const Bytes* config, file_bytes(inputs, kGrubConfigPath));

  const bootchain::GrubEnvironment environment{std::move(root), std::string(kGrubPrefix), "x86_64-efi"};
  SLIPWAY_ASSIGN(const bootchain::GrubMeasurements grub_measurements,
                 bootchain::predict_grub(*grub, as_text(*config), environment));
  SLIPWAY_TRY(check_root_hash(inputs, grub_measurements.kernel_command_line));
  if (grub_measurements.files.size() != 3)
    return fail(ErrorCode::kInvalidArgument, "grub.cfg must load one kernel and one initrd, and no further file");

  Manifest manifest;
  manifest.version = inputs.version;
  manifest.trusted_launch = inputs.trusted_launch;
  const std::vector<std::pair<BootFileRole, std::string>> roles{
      {BootFileRole::kShim, std::string(kShimPath)},           {BootFileRole::kGrub, std::string(kGrubPath)},
      {BootFileRole::kGrubConfig, grub_measurements.files[0]}, {BootFileRole::kKernel, grub_measurements.files[1]},
      {BootFileRole::kInitrd, grub_measurements.files[2]},
  };
  for (const auto& [role, path] : roles) {
    SLIPWAY_ASSIGN(BootFile file, describe(inputs, role, path));
    manifest.boot_files.push_back(std::move(file));
  }
  SLIPWAY_TRY(check_no_other_files(inputs, manifest));
  manifest.grub_config = std::string(as_text(*config));
  manifest.grub_commands = grub_measurements.commands;
  manifest.kernel_command_line = grub_measurements.kernel_command_line;
  manifest.root_hash = inputs.root_hash;
  manifest.virtual_size = inputs.virtual_size;
  manifest.gpt_event_sha256 = crypto::sha256(table.event_data);
  manifest.pcr14_sha256 = {shim_state.mok_list, shim_state.mok_list_x, shim_state.mok_list_trusted};
  manifest.sbat_level_event_sha256 = shim_state.sbat_level;
  manifest.unenforced_sbat_level_event_sha256 = shim_state.sbat_level_unenforced;
  manifest.vendor_authority_event_sha256 = shim_state.vendor_authority;
  SLIPWAY_ASSIGN(manifest.shim_certificate_chains, certificate_chains(inputs, std::string(kShimPath)));
  SLIPWAY_ASSIGN(manifest.grub_certificate_chains, certificate_chains(inputs, std::string(kGrubPath)));
  SLIPWAY_ASSIGN(manifest.kernel_certificate_chains, certificate_chains(inputs, grub_measurements.files[1]));
  return manifest;
}

}  // namespace slipway::image
