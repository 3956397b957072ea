#include "fleet/update_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace slipway::fleet {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const ImageCatalog kImages{{{"plain-1", false}, {"TL-1", true}, {"plain-2", false}, {"TL-2", true}}};

RulesProfile preview() { return built_in_rules_profile("preview").value(); }
RulesProfile ga() { return built_in_rules_profile("ga").value(); }

Pool pool_on(const std::string& image, bool feature_at_creation = true) {
  Pool pool;
  pool.name = "mynodepool";
  pool.node_image_version = image;
  pool.feature_at_creation = feature_at_creation;
  return pool;
}

PoolRequest request(bool vtpm, bool secure_boot) {
  PoolRequest result;
  result.name = "mynodepool";
  result.vm_size = "Slipway_S2";
  result.vtpm = vtpm;
  result.secure_boot = secure_boot;
  return result;
}

std::vector<Error> turn_on(const Pool& pool, const RulesProfile& profile = preview()) {
  return judge_update(pool, request(false, false), request(true, true), kImages, profile);
}

TEST(UpdateRules, APoolOnATrustedImageMayTurnEverythingOnAndOff) {  // S84, S85, S90, S98, S101
  EXPECT_THAT(turn_on(pool_on("TL-1")), IsEmpty());
  Pool pool = pool_on("TL-1");
  pool.vtpm = pool.secure_boot = true;
  EXPECT_THAT(judge_update(pool, request(true, true), request(false, false), kImages, preview()), IsEmpty());
  EXPECT_THAT(judge_update(pool, request(true, true), request(true, false), kImages, preview()), IsEmpty());
}

TEST(UpdateRules, S86NamesTheImage) {
  const auto errors = turn_on(pool_on("plain-1"));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].reason, "TrustedLaunchIncompatibleWithConfig");
  EXPECT_THAT(errors[0].message, HasSubstr("plain-1"));
  EXPECT_THAT(turn_on(pool_on("plain-1"), ga()), IsEmpty());  // G5
}

TEST(UpdateRules, S87NamesTheFeature) {
  const auto errors = turn_on(pool_on("plain-1", false));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].reason, "TrustedLaunchIncompatibleWithConfig");
  EXPECT_THAT(errors[0].message, HasSubstr("before the feature TrustedLaunchPreview was registered"));
  EXPECT_THAT(errors[0].message, HasSubstr("plain-1"));
  EXPECT_EQ(turn_on(pool_on("TL-1", false)).size(), 1U);
  EXPECT_THAT(turn_on(pool_on("plain-1", false), ga()), IsEmpty());
}

TEST(UpdateRules, TurningOffAsksForNoImage) {
  Pool pool = pool_on("plain-1", false);
  pool.vtpm = true;
  EXPECT_THAT(judge_update(pool, request(true, false), request(false, false), kImages, preview()), IsEmpty());
}

TEST(UpdateRules, EveryChangedPropertyIsNamed) {
  struct Row {
    std::function<void(PoolRequest&)> change;
    std::string target;
  };
  const std::vector<Row> rows = {
      {[](auto& p) { p.vm_size = "Slipway_S4"; }, "properties.vmSize"},
      {[](auto& p) { p.type = "AvailabilitySet"; }, "properties.type"},
      {[](auto& p) { p.os_type = "Windows"; }, "properties.osType"},
      {[](auto& p) { p.os_sku = "Ubuntu"; }, "properties.osSKU"},
      {[](auto& p) { p.os_disk_type = "Ephemeral"; }, "properties.osDiskType"},
      {[](auto& p) { p.os_disk_size_gib = 64; }, "properties.osDiskSizeGB"},
      {[](auto& p) { p.maximum_pods = 30; }, "properties.maxPods"},
      {[](auto& p) { p.workload_runtime = "WasmWasi"; }, "properties.workloadRuntime"},
      {[](auto& p) { p.fips = true; }, "properties.enableFIPS"},
  };
  PoolRequest all = request(false, false);
  for (const Row& row : rows) {
    PoolRequest after = request(false, false);
    row.change(after);
    row.change(all);
    const auto errors = judge_update(pool_on("TL-1"), request(false, false), after, kImages, preview());
    ASSERT_EQ(errors.size(), 1U) << row.target;
    EXPECT_EQ(errors[0].reason, "PropertyChangeNotAllowed");
    EXPECT_EQ(errors[0].target, row.target);
  }
  EXPECT_EQ(judge_update(pool_on("TL-1"), request(false, false), all, kImages, preview()).size(), rows.size());
  PoolRequest allowed = request(false, false);
  allowed.vm_size = "slipway_s2";
  allowed.count = 7;
  allowed.mode = "System";
  allowed.drain_timeout_minutes = 5;
  EXPECT_THAT(judge_update(pool_on("TL-1"), request(false, false), allowed, kImages, preview()), IsEmpty());
}

TEST(UpdateRules, TheImageChangesOnlyWhereTheProfileSaysSo) {
  Pool pool = pool_on("TL-1");
  const auto after = [&pool](bool vtpm, bool secure_boot, const RulesProfile& profile) {
    return image_after_update(pool, request(vtpm, secure_boot), kImages, profile).value();
  };
  EXPECT_EQ(after(true, true, preview()), "TL-1");
  pool.vtpm = pool.secure_boot = true;
  EXPECT_EQ(after(false, false, preview()), "TL-1");
  // G5: one off keeps the image, both off change it, and one on brings it back.
  EXPECT_EQ(after(false, true, ga()), "TL-1");
  EXPECT_EQ(after(false, false, ga()), "plain-2");
  pool = pool_on("plain-1");
  EXPECT_EQ(after(true, false, ga()), "TL-2");
  EXPECT_EQ(after(false, false, ga()), "plain-1");
  EXPECT_EQ(image_after_update(pool, request(true, false), {{{"plain-1", false}}}, ga()).error().reason,
            "NodeImageNotFound");
}

TEST(UpdateRules, TheNewestImageIsOfThePoolsKind) {
  EXPECT_EQ(newest_image(pool_on("TL-1"), kImages).value(), "TL-2");
  EXPECT_EQ(newest_image(pool_on("plain-1"), kImages).value(), "plain-2");
  // One that is no longer here is known by its name.
  EXPECT_EQ(newest_image(pool_on("SlipwayDebian-12-gen2TLcontainerd-1"), kImages).value(), "TL-2");
  EXPECT_EQ(newest_image(pool_on("TL-1"), {}).error().reason, "NodeImageNotFound");
}

}  // namespace
}  // namespace slipway::fleet
