#include <gtest/gtest.h>

#include <tuple>

#include "bootchain/events_for_tests.h"
#include "image/manifest.h"
#include "image/prediction.h"

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
                  it.unenforced_sbat_level_event_sha256, it.vendor_authority_event_sha256, it.shim_certificate_chains);
}

auto parts_of(const PredictedEvent& it) {
  return std::tie(it.pcr, it.type, it.origin, it.sha256, it.rule, it.component, it.text, it.package, it.signer);
}

template <typename T>
void expect_same(const std::vector<T>& read, const std::vector<T>& written) {
  ASSERT_EQ(read.size(), written.size());
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_TRUE(parts_of(read[i]) == parts_of(written[i])) << i;
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
  for (std::uint32_t i = arbitrary.number(3); i-- > 0;) {
    std::vector<Bytes>& chain = manifest.shim_certificate_chains.emplace_back();
    for (std::uint32_t j = arbitrary.number(3); j-- > 0;) chain.push_back(arbitrary.some_bytes(40));
  }
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
    expect_same(read->boot_files, written.boot_files);
    EXPECT_EQ(to_json(*read), json);
  }
}

PredictedEvent any_predicted_event(Arbitrary& arbitrary) {
  constexpr std::uint32_t kTypes[] = {bootchain::kEvSeparator,
                                      bootchain::kEvSCrtmVersion,
                                      bootchain::kEvIpl,
                                      bootchain::kEvEfiVariableDriverConfig,
                                      bootchain::kEvEfiVariableBoot,
                                      bootchain::kEvEfiBootServicesApplication,
                                      bootchain::kEvEfiGptEvent,
                                      bootchain::kEvEfiAction,
                                      bootchain::kEvEfiVariableBoot2,
                                      bootchain::kEvEfiPlatformFirmwareBlob,
                                      bootchain::kEvEfiVariableAuthority};
  PredictedEvent event;
  event.pcr = static_cast<int>(arbitrary.number(11));
  if (event.pcr == 10) event.pcr = 14;
  event.type = kTypes[arbitrary.number(static_cast<std::uint32_t>(std::size(kTypes)))];
  event.origin = static_cast<Origin>(arbitrary.number(3));
  if (event.origin == Origin::kMayVary) {
    event.pcr = 1;
    event.type = arbitrary.flag() ? bootchain::kEvEfiVariableBoot : bootchain::kEvEfiVariableBoot2;
  } else if (event.origin == Origin::kComputed || arbitrary.flag()) {
    event.sha256 = arbitrary.bytes(32);
  }
  event.rule = arbitrary.unicode(20);
  event.component = arbitrary.unicode(20);
  event.text = arbitrary.unicode(60);
  event.package = arbitrary.unicode(20);
  event.signer = arbitrary.unicode(20);
  return event;
}

Prediction any_prediction(Arbitrary& arbitrary) {
  Prediction prediction;
  prediction.image_version = arbitrary.unicode(20);
  prediction.secure_boot = arbitrary.flag();
  prediction.firmware_sha256 = arbitrary.bytes(32);
  for (std::uint32_t i = arbitrary.number(20); i-- > 0;) prediction.events.push_back(any_predicted_event(arbitrary));
  return prediction;
}

void expect_same(const Prediction& read, const Prediction& written) {
  EXPECT_EQ(read.image_version, written.image_version);
  EXPECT_EQ(read.secure_boot, written.secure_boot);
  EXPECT_EQ(read.firmware_sha256, written.firmware_sha256);
  expect_same(read.events, written.events);
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
