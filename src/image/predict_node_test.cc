#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/boot_comparison.h"
#include "image/boots_for_tests.h"

namespace slipway::image {
namespace {

// A VM that booted the node image of this repository.
TEST(PredictNode, EveryEventOfARealNode) {
  const std::string boot = "boots/slipway-node-verity";
  const auto prediction = predict(minimal_manifest(boot), firmware_of(boot), microsoft_variables());
  ASSERT_TRUE(prediction) << prediction.error().message;
  const auto log = bootchain::parse_event_log(bootchain::read_corpus(boot + "/log.bin"));
  ASSERT_TRUE(log) << log.error().message;
  for (const ComparedEvent& line : compare_boot(*prediction, *log))
    EXPECT_TRUE(line.match == Match::kEqual || line.match == Match::kMayVary)
        << to_string(line.match) << " " << (line.predicted != nullptr ? line.predicted->component : "");
}

}  // namespace
}  // namespace slipway::image
