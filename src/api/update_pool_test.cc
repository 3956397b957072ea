#include "api/api_test_bench.h"

// Updates of pools through the API: what is wanted afterwards, and what is refused.
namespace slipway::api {
namespace {

using testing::HasSubstr;

class UpdatePoolTest : public ApiTest {
 protected:
  void SetUp() override {
    create_cluster();
    finish_cluster();
  }
  std::string pool_path(const std::string& name) { return cluster_path("/myAKSCluster/agentPools/" + name); }
  fleet::Pool pool(const std::string& name) {
    const fleet::Cluster cluster = only<fleet::Cluster>("/clusters/", fleet::cluster_from_json);
    return fleet::pool_from_json(store_->get(fleet::pool_key(cluster.id, name))->value).value();
  }
  // What control does at the end of an operation.
  void finish(const std::string& name) {
    fleet::Pool record = pool(name);
    record.operation.clear();
    record.state = fleet::ProvisioningState::kSucceeded;
    ASSERT_TRUE(store_->commit({{}, {{fleet::pool_key(record.cluster, name), to_json(record)}}, {}}));
  }
  http::Response put(const std::string& name, const std::string& properties) {
    return send("PUT", pool_path(name), R"({"properties":)" + properties + "}");
  }
  void add(const std::string& name, const std::string& properties = R"({"count":0})") {
    const auto added = put(name, properties);
    ASSERT_EQ(added.status, 201) << added.body;
    finish(name);
  }
};

TEST_F(UpdatePoolTest, TrustedLaunchIsTurnedOffAndOnAgain) {  // S84, S85, S90, S92, S98, S101
  const auto off = put("nodepool1", R"({"securityProfile":{"enableVTPM":false}})");
  ASSERT_EQ(off.status, 200) << off.body;
  EXPECT_EQ(at(off, "/properties/provisioningState"), "Updating");
  EXPECT_EQ(at(off, "/properties/securityProfile/enableVTPM"), "false");
  EXPECT_EQ(at(off, "/properties/securityProfile/enableSecureBoot"), "true");
  EXPECT_EQ(off.headers.count("Azure-AsyncOperation"), 1U);
  EXPECT_FALSE(pool("nodepool1").vtpm);
  EXPECT_TRUE(pool("nodepool1").secure_boot);
  EXPECT_THAT(pool("nodepool1").node_image_version, HasSubstr("TL"));
  // The same again while it runs is the same operation; anything else waits.
  EXPECT_EQ(put("nodepool1", R"({"securityProfile":{"enableVTPM":false}})").headers.at("Azure-AsyncOperation"),
            off.headers.at("Azure-AsyncOperation"));
  EXPECT_EQ(put("nodepool1", R"({"securityProfile":{"enableVTPM":true}})").status, 409);
  finish("nodepool1");
  ASSERT_EQ(put("nodepool1", R"({"securityProfile":{"enableVTPM":true,"enableSecureBoot":false}})").status, 200);
  EXPECT_TRUE(pool("nodepool1").vtpm && !pool("nodepool1").secure_boot);
}

// `az` reads the whole pool and sends it back.
TEST_F(UpdatePoolTest, APoolSentBackAsItIsChangesNothing) {
  add("plain");
  const boost::json::value shown = parsed(send("GET", pool_path("plain")));
  const auto again = put("plain", boost::json::serialize(shown.at("properties")));
  EXPECT_EQ(again.status, 200) << again.body;
  finish("plain");
  boost::json::object properties = shown.at("properties").as_object();
  properties["securityProfile"] = {{"enableVTPM", true}, {"enableSecureBoot", true}};
  EXPECT_EQ(put("plain", boost::json::serialize(properties)).status, 200);
  EXPECT_TRUE(pool("plain").vtpm && pool("plain").secure_boot);
}

TEST_F(UpdatePoolTest, CountAloneIsScalingAndModeIsNot) {
  add("user");
  EXPECT_EQ(at(put("user", R"({"count":2})"), "/properties/provisioningState"), "Scaling");
  finish("user");
  EXPECT_EQ(at(put("user", R"({"mode":"System","upgradeSettings":{"drainTimeoutInMinutes":7}})"),
               "/properties/provisioningState"),
            "Updating");
  EXPECT_EQ(pool("user").drain_timeout_minutes, 7);
  EXPECT_EQ(pool("user").count, 2);
  EXPECT_EQ(pool("nodepool1").drain_timeout_minutes, 30);
}

TEST_F(UpdatePoolTest, S86APoolOnAnotherImageIsRefusedByItsName) {
  const fleet::NodeImage trusted = catalog_.images.back();
  catalog_.images.pop_back();
  add("plain");
  catalog_.images.push_back(trusted);
  const std::string before = whole_store();
  const auto refused = put("plain", R"({"securityProfile":{"enableVTPM":true}})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(error_code(refused), "TrustedLaunchIncompatibleWithConfig");
  EXPECT_THAT(at(refused, "/error/message"), HasSubstr("gen2containerd"));
  EXPECT_EQ(whole_store(), before);
}

TEST_F(UpdatePoolTest, S87APoolFromBeforeTheFeatureIsRefusedForThat) {
  ASSERT_EQ(send("POST", feature_path("/unregister")).status, 200);
  add("early");
  enable_feature();
  const auto refused = put("early", R"({"securityProfile":{"enableSecureBoot":true}})");
  EXPECT_EQ(error_code(refused), "TrustedLaunchIncompatibleWithConfig");
  EXPECT_THAT(at(refused, "/error/message"), HasSubstr("before the feature TrustedLaunchPreview was registered"));
  // Without the feature, what is on stays on, and can be turned off.
  ASSERT_EQ(send("POST", feature_path("/unregister")).status, 200);
  EXPECT_EQ(put("nodepool1", R"({"count":2})").status, 200);
  finish("nodepool1");
  EXPECT_EQ(put("nodepool1", R"({"securityProfile":{"enableVTPM":false}})").status, 200);
  finish("nodepool1");
  EXPECT_EQ(error_code(put("nodepool1", R"({"securityProfile":{"enableVTPM":true}})")), "BadRequest");
}

TEST_F(UpdatePoolTest, S50EachSpellingOfSkippingTheDriverIsGoodEnough) {
  int number = 0;
  for (const char* skip : {R"("gpuProfile":{"driver":"None"})", R"("gpuProfile":{"driver":"none"})",
                           R"("gpuProfile":{"installGPUDriver":false})", R"("tags":{"SkipGPUDriverInstall":"true"})"}) {
    const auto added =
        put("gpu" + std::to_string(++number), std::string(R"({"count":0,"vmSize":"Standard_NC4as_T4_v3",)") + skip +
                                                  R"(,"securityProfile":{"enableSecureBoot":true}})");
    EXPECT_EQ(added.status, 201) << added.body;
  }
  const auto refused = put("gpu0", R"({"count":0,"vmSize":"Standard_NC4as_T4_v3",
                                       "securityProfile":{"enableSecureBoot":true}})");
  EXPECT_THAT(at(refused, "/error/message"), HasSubstr("gpuProfile.driver to None"));  // api-version 2025-03-01
}

TEST_F(UpdatePoolTest, ANewerNodeImageIsTakenOnRequest) {
  catalog_.images.push_back({"SlipwayDebian-12-gen2TLcontainerd-202612.01.0", true});
  const std::string action = pool_path("nodepool1") + "/upgradeNodeImageVersion";
  const auto accepted = send("POST", action);
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_EQ(at(accepted, "/properties/provisioningState"), "UpgradingNodeImageVersion");
  EXPECT_EQ(at(accepted, "/properties/nodeImageVersion"), "SlipwayDebian-12-gen2TLcontainerd-202612.01.0");
  EXPECT_THAT(accepted.headers.at("Location"), HasSubstr("/operationresults/"));
  EXPECT_THAT(accepted.headers.at("Azure-AsyncOperation"), HasSubstr("/operations/"));
  EXPECT_EQ(send("POST", action).headers.at("Location"), accepted.headers.at("Location"));
  EXPECT_EQ(put("nodepool1", R"({"count":2})").status, 409);
  finish("nodepool1");
  EXPECT_EQ(send("POST", action, {}, {{"If-Match", "1"}}).status, 412);
  catalog_.images.clear();
  EXPECT_EQ(error_code(send("POST", action)), "NodeImageNotFound");
}

}  // namespace
}  // namespace slipway::api
