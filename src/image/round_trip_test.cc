#include <gtest/gtest.h>

#include <tuple>

#include "bootchain/events_for_tests.h"
#include "image/manifest.h"
#include "image/predictions_for_tests.h"

// What is written is read back to the same value, whatever it holds.
namespace slipway::image {
namespace {

using bootchain::Arbitrary;

auto parts_of(const BootFile& it) {
  return std::tie(it.role, it.path, it.package, it.size, it.sha256, it.authenticode_sha256, it.signers);
}

auto parts_of(const Manifest& it) {
  return std::tie(it.version, it.trusted_launch, it.grub_config, it.grub_commands, it.kernel_command_line, it.root_hash,
                  it.virtual_size, it.gpt_event_sha256, it.pcr14_sha256, it.sbat_level_event_sha256,
                  it.unenforced_sbat_level_event_sha256, it.vendor_authority_event_sha256, it.shim_certificate_chains,
                  it.grub_certificate_chains, it.kernel_certificate_chains);
}

BootFile any_boot_file(Arbitrary& arbitrary) {
  BootFile file;
  file.role = static_cast<BootFileRole>(arbitrary.number(5));
  file.path = arbitrary.unicode(30);
  file.package = arbitrary.unicode(30);
  file.size = arbitrary.number64();
  file.sha256 = arbitrary.bytes(32);
  if (file.role != BootFileRole::kGrubConfig && file.role != BootFileRole::kInitrd)
    file.authenticode_sha256 = arbitrary.bytes(32);
  file.signers = arbitrary.unicodes(3);
  return file;
}

Manifest any_manifest(Arbitrary& arbitrary) {
  Manifest manifest;
  manifest.version = arbitrary.unicode(20);
  manifest.trusted_launch = arbitrary.flag();
  for (std::uint32_t i = arbitrary.number(6); i-- > 0;) manifest.boot_files.push_back(any_boot_file(arbitrary));
  manifest.grub_config = arbitrary.unicode(200);
  manifest.grub_commands = arbitrary.unicodes(8);
  manifest.kernel_command_line = arbitrary.unicode(100);
  manifest.root_hash = arbitrary.bytes(32);
  manifest.virtual_size = arbitrary.number64();
  manifest.gpt_event_sha256 = arbitrary.bytes(32);
  for (std::uint32_t i = arbitrary.number(4); i-- > 0;) manifest.pcr14_sha256.push_back(arbitrary.bytes(32));
  manifest.sbat_level_event_sha256 = arbitrary.bytes(32);
  manifest.unenforced_sbat_level_event_sha256 = arbitrary.bytes(32);
  manifest.vendor_authority_event_sha256 = arbitrary.bytes(32);
  manifest.shim_certificate_chains = any_certificate_chains(arbitrary);
  manifest.grub_certificate_chains = any_certificate_chains(arbitrary);
  manifest.kernel_certificate_chains = any_certificate_chains(arbitrary);
  return manifest;
}

TEST(RoundTrip, OfManifests) {
  Arbitrary arbitrary(141);
  for (int round = 0; round < 300; ++round) {
    const Manifest written = any_manifest(arbitrary);
    const std::string json = to_json(written);
    const auto read = manifest_from_json(json);
    ASSERT_TRUE(read) << read.error().message << "\n" << json;
    EXPECT_TRUE(parts_of(*read) == parts_of(written)) << json;
    ASSERT_EQ(read->boot_files.size(), written.boot_files.size());
    for (std::size_t i = 0; i < written.boot_files.size(); ++i)
      EXPECT_TRUE(parts_of(read->boot_files[i]) == parts_of(written.boot_files[i])) << i;
    EXPECT_EQ(to_json(*read), json);
  }
}

TEST(RoundTrip, OfPredictions) {
  Arbitrary arbitrary(142);
  for (int round = 0; round < 200; ++round) {
    std::vector<Prediction> written;
    for (std::uint32_t i = arbitrary.number(4); i-- > 0;) written.push_back(any_prediction(arbitrary));
    const std::string json = to_json(written);
    const auto read = predictions_from_json(json);
    ASSERT_TRUE(read) << read.error().message << "\n" << json;
    ASSERT_EQ(read->size(), written.size());
    for (std::size_t i = 0; i < written.size(); ++i) {
      expect_same(read->at(i), written[i]);
      const auto alone = prediction_from_json(to_json(written[i]));
      ASSERT_TRUE(alone) << alone.error().message;
      expect_same(*alone, written[i]);
    }
    EXPECT_EQ(to_json(*read), json);
  }
}

}  // namespace
}  // namespace slipway::image
