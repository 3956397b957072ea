#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace slipway::image {

enum class BootFileRole { kShim, kGrub, kGrubConfig, kKernel, kInitrd };
std::string_view to_string(BootFileRole role);  // "shim", "grub", "grubConfig", "kernel", "initrd"

// One file that the boot loads from the EFI system partition.
struct BootFile {
  BootFileRole role = BootFileRole::kShim;
  std::string path;  // on the partition: "/EFI/BOOT/BOOTX64.EFI"
  // The Debian package it comes from, with its version: "shim-signed 1.44~1+deb12u1+15.8-1~deb12u1".
  std::string package;
  std::uint64_t size = 0;
  Bytes sha256;               // of the file's bytes
  Bytes authenticode_sha256;  // of a PE image (Authenticode, PE/COFF 2008); empty for other files
  // The subject of each signer's certificate, outermost signature first; empty where unsigned.
  std::vector<std::string> signers;
};

// Of each signature of a file, outermost first: the signer's certificate (DER), then those of its issuers that the
// signature carries (crypto::authenticode_certificate_chain). Nothing is verified.
using CertificateChains = std::vector<std::vector<Bytes>>;
inline constexpr std::size_t kMaximumChains = 16, kMaximumChainLength = 8;

// What `slipway image build` says of a node image; docs/formats/image-manifest.md. The reference values of PCR 4, 8 and
// 9 follow from it alone.
struct Manifest {
  std::string version;               // "SlipwayDebian-12-gen2TLcontainerd-202611.23.0"
  bool trusted_launch = false;       // fit for Trusted Launch
  std::vector<BootFile> boot_files;  // in the order in which a boot loads them
  std::string grub_config;           // the bytes of grub.cfg
  // Each GRUB command in the order of execution, as measured into PCR 8, without "grub_cmd: ".
  std::vector<std::string> grub_commands;
  std::string kernel_command_line;  // as measured into PCR 8, without "kernel_cmdline: "
  Bytes root_hash;                  // dm-verity root hash of the root file system
  std::uint64_t virtual_size = 0;   // of the disk, in bytes
  Bytes gpt_event_sha256;           // digest of EV_EFI_GPT_EVENT (PCR 5) for this partition table
  // Digests of the MokList, MokListX and MokListTrusted events that this shim measures.
  std::vector<Bytes> pcr14_sha256;
  Bytes sbat_level_event_sha256;  // digest of the SbatLevel authority event that this shim measures into PCR 7
  // The same where Secure Boot is off.
  Bytes unenforced_sbat_level_event_sha256;
  Bytes vendor_authority_event_sha256;  // the event by which shim vouches for its distributor's files; Secure Boot only
  // The entry of db that vouches for shim is one of these certificates or signed one.
  CertificateChains shim_certificate_chains;
  // The same of GRUB and of the kernel, which shim judges. Empty where they are not signed, and in manifests of before
  // they were kept.
  CertificateChains grub_certificate_chains, kernel_certificate_chains;
};

// The file of a role, or null. The manifest owns it.
const BootFile* find_boot_file(const Manifest& manifest, BootFileRole role);

// JSON with sorted, stable keys: the same manifest gives the same bytes.
std::string to_json(const Manifest& manifest);
// At most 1 MiB; unknown keys are refused, all of the above must be there but for the chains of GRUB and kernel.
Result<Manifest> manifest_from_json(std::string_view json);

}  // namespace slipway::image
