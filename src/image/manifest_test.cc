#include "image/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bootchain/corpus_for_tests.h"
#include "bootchain/event_log.h"
#include "bootchain/gpt.h"
#include "crypto/digest.h"
#include "image/build_manifest.h"

namespace slipway::image {
namespace {

using ::testing::HasSubstr;

std::string real_manifest() {
  std::string json(as_text(bootchain::read_corpus("boots/debian12-ovmf-minimal-secureboot-on/manifest.json")));
  json.erase(json.find_last_not_of('\n') + 1);
  return json;
}

TEST(ManifestJson, ComesBackByteForByte) {
  const std::string json = real_manifest();
  const auto manifest = manifest_from_json(json);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(to_json(*manifest), json);
  EXPECT_EQ(manifest->boot_files.size(), 5u);
  const BootFile* shim = find_boot_file(*manifest, BootFileRole::kShim);
  ASSERT_NE(shim, nullptr);
  EXPECT_THAT(shim->signers.at(0), HasSubstr("Microsoft Windows UEFI Driver Publisher"));
}

TEST(ManifestJson, CertificatesOfGrubAndKernelComeBack) {
  Manifest manifest = manifest_from_json(real_manifest()).value();
  EXPECT_TRUE(manifest.grub_certificate_chains.empty()) << "it is of before they were kept";
  manifest.grub_certificate_chains = {{Bytes(3, 1)}};
  manifest.kernel_certificate_chains = {{Bytes(4, 2), Bytes(5, 3)}, {}};
  const auto read = manifest_from_json(to_json(manifest));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->grub_certificate_chains, manifest.grub_certificate_chains);
  EXPECT_EQ(read->kernel_certificate_chains, manifest.kernel_certificate_chains);
  EXPECT_EQ(to_json(*read), to_json(manifest));
}

TEST(ManifestJson, RefusesMissingUnknownAndWrongKeys) {
  const std::string json = real_manifest();
  const auto replaced = [&](const std::string& what, const std::string& with) {
    std::string other = json;
    const std::size_t at = other.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    other.replace(at, what.size(), with);
    return manifest_from_json(other);
  };
  ASSERT_FALSE(replaced("\"rootHash\"", "\"roothash\""));
  EXPECT_THAT(replaced("\"rootHash\"", "\"roothash\"").error().message, HasSubstr("\"rootHash\""));
  EXPECT_THAT(replaced("{\"version\"", "{\"more\":1,\"version\"").error().message, HasSubstr("not known"));
  EXPECT_FALSE(replaced("\"role\":\"shim\"", "\"role\":\"shin\""));
  EXPECT_FALSE(replaced("\"trustedLaunch\":true", "\"trustedLaunch\":\"true\""));
  EXPECT_FALSE(replaced("\"size\":1048504", "\"size\":-1"));
  EXPECT_FALSE(replaced("\"size\":1048504", "\"size\":1048504.5"));
  EXPECT_FALSE(replaced("\"rootHash\":\"ab", "\"rootHash\":\"a"));
  EXPECT_FALSE(manifest_from_json(""));
  EXPECT_FALSE(manifest_from_json(std::string(100, '[')));
  const std::string padded = json + std::string((1U << 20) - json.size(), ' ');
  EXPECT_TRUE(manifest_from_json(padded));
  EXPECT_THAT(manifest_from_json(padded + " ").error().message, HasSubstr("which has at most 1048576 bytes"));
}

// The partition table of a recorded boot, put back on a disk's first blocks.
Bytes disk_start() {
  const auto log = bootchain::parse_event_log(bootchain::read_corpus("boots/debian12-ovmf-verity/log.bin"));
  Bytes disk(bootchain::kPartitionTableBytes, 0);
  for (const auto& event : log->events) {
    if (event.type != bootchain::kEvEfiGptEvent) continue;
    std::copy(event.data.begin(), event.data.begin() + 92, disk.begin() + 512);
    std::copy(event.data.begin() + 100, event.data.end(), disk.begin() + 1024);
  }
  return disk;
}

TEST(BuildManifest, SaysWhichInputIsWrong) {
  ManifestInputs inputs;
  inputs.version = "V";
  inputs.virtual_size = 842006528;
  inputs.disk_start = disk_start();
  inputs.root_hash = Bytes(32, 0xab);
  EXPECT_THAT(build_manifest(inputs).error().message, HasSubstr("/EFI/BOOT/BOOTX64.EFI"));
  inputs.esp_files["/EFI/BOOT/BOOTX64.EFI"] = to_bytes("no PE image");
  EXPECT_THAT(build_manifest(inputs).error().message,
              ::testing::AllOf(HasSubstr("/EFI/BOOT/BOOTX64.EFI: "), HasSubstr("PE image")));
  inputs.disk_start[512] ^= 1;
  EXPECT_THAT(build_manifest(inputs).error().message, HasSubstr("partition table"));
  inputs.virtual_size = 5;
  EXPECT_THAT(build_manifest(inputs).error().message, HasSubstr("multiple of 512"));
  inputs.version.clear();
  EXPECT_THAT(build_manifest(inputs).error().message, HasSubstr("version"));
}

}  // namespace
}  // namespace slipway::image
