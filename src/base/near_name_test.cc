#include "base/near_name.h"

#include <gtest/gtest.h>

#include <vector>

namespace slipway {
namespace {

std::string near(std::string_view name, const std::vector<std::string>& candidates) {
  return near_name(name, candidates);
}

TEST(NearName, FindsTheNameThatWasMeant) {
  EXPECT_EQ(near("myCluster", {"myAKSCluster", "production"}), "myAKSCluster");
  EXPECT_EQ(near("MYCLUSTER", {"mycluster"}), "mycluster");
  EXPECT_EQ(near("--enable-vtmp", {"--enable-vtpm", "--enable-secure-boot"}), "--enable-vtpm");
  EXPECT_EQ(near("nodpool", {"node", "nodepool"}), "nodepool");
}

TEST(NearName, CountsASwapOfNeighboursOnce) { EXPECT_EQ(near("abc", {"acb"}), "acb"); }

TEST(NearName, PrefersTheNearestAndOfEqualsTheFirst) {
  EXPECT_EQ(near("pools", {"poolxyz", "poola", "poolb"}), "poola");
}

TEST(NearName, IsSilentWhereNothingIsNear) {
  EXPECT_EQ(near("c", {"d"}), "");
  EXPECT_EQ(near("myCluster", {"production", "test"}), "");
  EXPECT_EQ(near("same", {"sane", "same"}), "") << "it is there";
  EXPECT_EQ(near("", {"a"}), "");
  EXPECT_EQ(near("a", {}), "");
  EXPECT_EQ(near(std::string(101, 'a'), {std::string(100, 'a')}), "");
}

TEST(DidYouMean, AsksOnlyWithAName) {
  EXPECT_EQ(did_you_mean("c"), " Did you mean 'c'?");
  EXPECT_EQ(did_you_mean(""), "");
}

}  // namespace
}  // namespace slipway
