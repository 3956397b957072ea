#include <array>
#include <utility>

#include "bootchain/event_description.h"

namespace slipway::bootchain {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 33> kNames{{
    // Vendors of variables.
    {"8be4df61-93ca-11d2-aa0d-00e098032b8c", "EFI global variables"},
    {"d719b2cb-3d3a-4596-a3bc-dad00e67656f", "EFI image security database"},
    {"605dab50-e046-4300-abb6-3dd810dd8b23", "shim"},
    {"f0a30bc7-af08-4556-99c4-001009c93a44", "EDK II Secure Boot switch"},
    {"c076ec0c-7028-4399-a072-71ee5c448b9f", "EDK II custom mode switch"},
    {"9073e4e0-60ec-4b6e-9903-4c223c260f3c", "EDK II vendor keys switch"},
    {"eb704011-1402-11d3-8e77-00a0c969723b", "EDK II monotonic counter"},
    {"4c19049f-4137-4dd3-9c10-8b97a83ffdfa", "EDK II memory types"},
    {"5b446ed1-e30b-4faa-871a-3654eca36080", "EDK II IP4 configuration"},
    {"937fe521-95ae-4d1a-8929-48bcd90ad31a", "EDK II IP6 configuration"},
    {"4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", "systemd boot loader interface"},
    {"77fa9abd-0359-4d32-bd60-28f4e78f784b", "Microsoft"},
    // Owners and types of signatures.
    {"a5c059a1-94e4-4aa7-87b5-ab155c2bf072", "x509"},
    {"c1c41626-504c-4092-aca9-41f936934328", "sha256"},
    {"826ca512-cf10-4ac9-b187-be01496631bd", "sha1"},
    {"ff3e5307-9fd0-48c9-85f1-8ad56c701e01", "sha384"},
    {"093e0fae-a6c4-4f50-9f1b-d41e2b89c19a", "sha512"},
    {"3c5766e8-269c-4e34-aa14-ed776e85b3b6", "rsa2048"},
    {"3bd2a492-96c0-4079-b420-fcf98ef103ed", "x509Sha256"},
    {"7076876e-80c2-4ee6-aad2-28b349a6865b", "x509Sha384"},
    {"446dbf63-2502-4cda-bcfa-2465d2b0fe9d", "x509Sha512"},
    // Types of partitions.
    {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system partition"},
    {"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux file system"},
    {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root (x86-64)"},
    {"2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "Linux root verity (x86-64)"},
    {"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "Linux /var"},
    {"bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux extended boot"},
    {"21686148-6449-6e6f-744e-656564454649", "BIOS boot partition"},
    {"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
    // Tables.
    {"eb9d2d31-2d88-11d3-9a16-0090273fc14d", "SMBIOS"},
    {"f2fd1544-9794-4a2c-992e-e5bbcf20e394", "SMBIOS 3"},
    {"8868e871-e4f1-11d3-bc22-0080c73c8881", "ACPI 2.0"},
    {"eb9d2d30-2d88-11d3-9a16-0090273fc14d", "ACPI 1.0"},
}};

}  // namespace

std::string_view known_guid_name(std::string_view guid) {
  for (const auto& [known, name] : kNames)
    if (known == guid) return name;
  return {};
}

}  // namespace slipway::bootchain
