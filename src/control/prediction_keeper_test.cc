#include "control/prediction_keeper.h"

#include <gtest/gtest.h>

#include "store/memory.h"

namespace slipway::control {
namespace {

const Time kNow{std::chrono::milliseconds(1'795'000'000'000)};
const PredictedKind kKind{"image", {2, 2048}, true};

image::Prediction prediction(std::uint8_t byte) {
  image::Prediction made;
  made.image_version = "image";
  made.firmware_sha256 = Bytes(32, byte);
  return made;
}

class PredictionKeeperTest : public testing::Test {
 protected:
  std::vector<attestation::ValidPrediction> valid(std::uint8_t byte, Time now, PredictedKind kind = kKind) {
    auto predictions = PredictionKeeper(*store_).valid(kind, prediction(byte), now);
    EXPECT_TRUE(predictions) << predictions.error().message;
    return *predictions;
  }
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
};

TEST_F(PredictionKeeperTest, OneIsGoodForAsLongAsItIsCurrent) {
  valid(1, kNow);
  const auto again = valid(1, kNow + std::chrono::hours(10000));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_FALSE(again[0].expires);
}

TEST_F(PredictionKeeperTest, TheOldOneStaysGoodForADay) {
  valid(1, kNow);
  const auto both = valid(2, kNow + seconds(5));
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].prediction.firmware_sha256, Bytes(32, 2));
  EXPECT_FALSE(both[0].expires);
  EXPECT_EQ(both[1].expires, kNow + seconds(5) + PredictionKeeper::kOverlap);
  // Asking again does not make its life longer.
  EXPECT_EQ(valid(2, kNow + seconds(500))[1].expires, both[1].expires);
  EXPECT_EQ(valid(2, *both[1].expires + PredictionKeeper::kRemembered).size(), 1U);
}

TEST_F(PredictionKeeperTest, WhatIsBackIsCurrent) {
  valid(1, kNow);
  valid(2, kNow);
  const auto back = valid(1, kNow);
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].prediction.firmware_sha256, Bytes(32, 1));
  EXPECT_FALSE(back[0].expires);
  EXPECT_TRUE(back[1].expires);
}

TEST_F(PredictionKeeperTest, KindsAreApart) {
  valid(1, kNow);
  EXPECT_EQ(valid(2, kNow, {"image", {4, 2048}, true}).size(), 1U);
  EXPECT_EQ(valid(2, kNow, {"image", {2, 4096}, true}).size(), 1U);
  EXPECT_EQ(valid(2, kNow, {"image", {2, 2048}, false}).size(), 1U);
  EXPECT_EQ(valid(2, kNow, {"other", {2, 2048}, true}).size(), 1U);
}

TEST_F(PredictionKeeperTest, RemembersABoundedNumber) {
  for (int at = 0; at < 40; ++at) valid(static_cast<std::uint8_t>(at), kNow + seconds(at));
  EXPECT_EQ(valid(39, kNow + seconds(40)).size(), PredictionKeeper::kMaximum);
}

}  // namespace
}  // namespace slipway::control
