#pragma once

#include <gtest/gtest.h>

#include <iterator>
#include <tuple>

#include "bootchain/event_log.h"
#include "bootchain/events_for_tests.h"
#include "image/prediction.h"

// Arbitrary predictions, and two of them side by side, for property tests.
namespace slipway::image {

inline auto parts_of(const PredictedEvent& it) {
  return std::tie(it.pcr, it.type, it.origin, it.sha256, it.rule, it.component, it.text, it.package, it.signer);
}
inline auto parts_of(const SignedFile& it) { return std::tie(it.component, it.certificate_chains); }

template <typename T>
void expect_same(const std::vector<T>& read, const std::vector<T>& written) {
  ASSERT_EQ(read.size(), written.size());
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_TRUE(parts_of(read[i]) == parts_of(written[i])) << i;
}

inline void expect_same(const Prediction& read, const Prediction& written) {
  EXPECT_EQ(read.image_version, written.image_version);
  EXPECT_EQ(read.secure_boot, written.secure_boot);
  EXPECT_EQ(read.firmware_sha256, written.firmware_sha256);
  expect_same(read.events, written.events);
  expect_same(read.signed_files, written.signed_files);
}

inline CertificateChains any_certificate_chains(bootchain::Arbitrary& arbitrary) {
  CertificateChains chains(arbitrary.number(kMaximumChains + 1));
  for (std::vector<Bytes>& chain : chains)
    for (std::uint32_t i = arbitrary.number(kMaximumChainLength + 1); i-- > 0;)
      chain.push_back(arbitrary.some_bytes(40));
  return chains;
}

inline PredictedEvent any_predicted_event(bootchain::Arbitrary& arbitrary) {
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

inline Prediction any_prediction(bootchain::Arbitrary& arbitrary) {
  Prediction prediction;
  prediction.image_version = arbitrary.unicode(20);
  prediction.secure_boot = arbitrary.flag();
  prediction.firmware_sha256 = arbitrary.bytes(32);
  for (std::uint32_t i = arbitrary.number(20); i-- > 0;) prediction.events.push_back(any_predicted_event(arbitrary));
  for (std::uint32_t i = arbitrary.number(kMaximumSignedFiles + 1); i-- > 0;)
    prediction.signed_files.push_back({arbitrary.unicode(20), any_certificate_chains(arbitrary)});
  return prediction;
}

}  // namespace slipway::image
