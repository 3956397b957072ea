#include "api/api_test_bench.h"
#include "api/json.h"
#include "api/route.h"
#include "api/routes.h"

// Paging, groups with clusters in them, upgrade profiles, and what is done with properties that nobody knows.
namespace slipway::api {
namespace {

using testing::HasSubstr;

class SurfaceTest : public ApiTest {
 protected:
  http::Response follow(Api& api, const std::string& url) {
    http::Request request;
    request.method = "GET";
    request.path = url.substr(url.find('/', 8), url.find('?') - url.find('/', 8));
    std::string query = url.substr(url.find('?') + 1);
    for (std::size_t start = 0; start < query.size();) {
      const std::size_t end = std::min(query.find('&', start), query.size());
      const std::string pair = query.substr(start, end - start);
      request.query[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
      start = end + 1;
    }
    request.headers["Authorization"] = "Bearer " + token_;
    request.base_url = "https://127.0.0.1:18443";
    return api.handle(request);
  }
};

TEST_F(SurfaceTest, CollectionsComeInPages) {
  for (const char* name : {"g1", "g2", "g3", "g4", "g5"}) {
    ASSERT_EQ(send("PUT", subscription_path(std::string("/resourceGroups/") + name), R"({"location":"local"})").status,
              201);
  }
  ApiOptions two = options();
  two.page_size = 2;
  Api api(std::move(two), *store_, kubernetes_, clock_, random_);
  std::string url = "https://127.0.0.1:18443" + subscription_path("/resourceGroups") + "?api-version=2024-11-01";
  std::vector<std::string> names;
  int pages = 0;
  while (url != "(absent)" && pages < 9) {
    const auto page = follow(api, url);
    ASSERT_EQ(page.status, 200) << page.body;
    const boost::json::value answer = parsed(page);
    for (const auto& item : answer.at("value").as_array()) names.emplace_back(item.at("name").as_string());
    url = at(page, "/nextLink");
    ++pages;
    // What is made or goes meanwhile shifts nothing.
    if (pages == 1) {
      EXPECT_EQ(send("DELETE", subscription_path("/resourceGroups/g1")).status, 200);
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"g1", "g2", "g3", "g4", "g5"}));
  EXPECT_EQ(pages, 3);
  for (const char* bad : {"$skiptoken=!", "$top=0", "$top=x", "$top=-1"}) {
    const auto refused = follow(api, "https://h" + subscription_path("/resourceGroups") + "?api-version=1&" + bad);
    EXPECT_EQ(refused.status, 400) << bad;
  }
  EXPECT_EQ(parsed(follow(api, "https://h" + subscription_path("/resourceGroups") + "?api-version=1&$top=1"))
                .at("value")
                .as_array()
                .size(),
            1U);
}

TEST_F(SurfaceTest, AGroupGoesWithItsClusters) {
  create_cluster();
  finish_cluster();
  const std::string group = subscription_path("/resourcegroups/myResourceGroup");
  const auto deleted = send("DELETE", group);
  ASSERT_EQ(deleted.status, 202) << deleted.body;
  EXPECT_EQ(deleted.headers.at("Retry-After"), "1");
  EXPECT_EQ(at(send("GET", group), "/properties/provisioningState"), "Deleting");
  EXPECT_EQ(at(send("GET", cluster_path("/myAKSCluster")), "/properties/provisioningState"), "Deleting");
  EXPECT_EQ(error_code(send("PUT", cluster_path("/second"), create_body())), "ResourceGroupBeingDeleted");
  EXPECT_EQ(error_code(send("PUT", group, R"({"location":"local"})")), "ResourceGroupBeingDeleted");
  EXPECT_EQ(error_code(send("PATCH", group, R"({"tags":{}})")), "ResourceGroupBeingDeleted");
  EXPECT_EQ(send("DELETE", group).status, 202) << "asked again";
  std::string location = deleted.headers.at("Location");
  EXPECT_EQ(follow(api_, location).status, 202);

  const auto cluster = only<fleet::Cluster>("/clusters/", fleet::cluster_from_json);
  ASSERT_TRUE(store_->commit({{},
                              {},
                              {fleet::cluster_key(cluster.id), fleet::pool_key(cluster.id, "nodepool1"),
                               fleet::cluster_name_key(kSubscription, "myResourceGroup", "myAKSCluster")}}));
  EXPECT_EQ(follow(api_, location).status, 200);
  EXPECT_EQ(send("HEAD", group).status, 404);
  EXPECT_EQ(at(send("GET", subscription_path("/resourcegroups")), "/value/0/name"), "(absent)");
  EXPECT_EQ(send("PUT", group, R"({"location":"local"})").status, 201);
}

TEST_F(SurfaceTest, WhatWouldBeLostIsRefusedByName) {
  create_cluster();
  finish_cluster();
  const std::string group = subscription_path("/resourcegroups/myResourceGroup");
  const std::string before = whole_store();
  for (const auto& [method, path, body, target] :
       {std::tuple("PUT", group, R"({"location":"local","managedBy":"me"})", "managedBy"),
        std::tuple("PATCH", group, R"({"zones":[]})", "zones"),
        std::tuple("PATCH", cluster_path("/myAKSCluster"), R"({"properties":{}})", "properties"),
        std::tuple("PUT", cluster_path("/myAKSCluster/agentPools/p"), R"({"propertys":{}})", "propertys")}) {
    const auto refused = send(method, path, body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_EQ(at(refused, "/error/target"), target);
  }
  EXPECT_EQ(whole_store(), before);
  // A cluster keeps what it does not know.
  const auto kept =
      send("PUT", cluster_path("/myAKSCluster"), R"({"location":"local","properties":{"someNewThing":{"a":[1,2]}}})");
  ASSERT_EQ(kept.status, 200) << kept.body;
  EXPECT_EQ(at(send("GET", cluster_path("/myAKSCluster")), "/properties/someNewThing/a/1"), "2");
}

TEST_F(SurfaceTest, TagsByPatch) {
  create_cluster();
  const std::string group = subscription_path("/resourcegroups/myResourceGroup");
  EXPECT_EQ(at(send("PATCH", group, R"({"tags":{"a":"b"}})"), "/tags/a"), "b");
  EXPECT_EQ(at(send("PUT", group, R"({"location":"local"})"), "/tags/a"), "b") << "a PUT without tags leaves them";
  EXPECT_EQ(at(send("PATCH", cluster_path("/myAKSCluster"), R"({"tags":{"c":"d"}})"), "/tags/c"), "d");
  EXPECT_EQ(at(send("PATCH", cluster_path("/myAKSCluster"), "{}"), "/tags/c"), "d");
}

TEST_F(SurfaceTest, UpgradeProfilesAndVersions) {
  create_cluster();
  const auto profile = send("GET", cluster_path("/myAKSCluster/upgradeProfiles/default"));
  EXPECT_EQ(at(profile, "/properties/controlPlaneProfile/kubernetesVersion"), "1.20.2");
  EXPECT_EQ(at(profile, "/properties/agentPoolProfiles/0/name"), "nodepool1");
  EXPECT_EQ(at(profile, "/properties/controlPlaneProfile/upgrades"), "[]");
  const auto pool = send("GET", cluster_path("/myAKSCluster/agentPools/nodepool1/upgradeProfiles/default"));
  EXPECT_EQ(at(pool, "/properties/latestNodeImageVersion"), "SlipwayDebian-12-gen2TLcontainerd-202611.23.0");
  catalog_.images.push_back({"SlipwayDebian-12-gen2TLcontainerd-202612.01.0", true});
  EXPECT_EQ(at(send("GET", cluster_path("/myAKSCluster/agentPools/nodepool1/upgradeProfiles/default")),
               "/properties/latestNodeImageVersion"),
            "SlipwayDebian-12-gen2TLcontainerd-202612.01.0");
  EXPECT_EQ(at(send("GET", cluster_path("/myAKSCluster/availableAgentPoolVersions")),
               "/properties/agentPoolVersions/0/kubernetesVersion"),
            "1.20.2");
  EXPECT_EQ(error_code(send("GET", cluster_path("/none/upgradeProfiles/default"))), "ResourceNotFound");
  EXPECT_EQ(error_code(send("GET", cluster_path("/myAKSCluster/agentPools/none/upgradeProfiles/default"))), "NotFound");
  const auto sizes = send("GET", subscription_path("/providers/Microsoft.Compute/locations/local/vmSizes"));
  EXPECT_THAT(sizes.body, HasSubstr(R"("name":"Slipway_S2","numberOfCores":2,"memoryInMB":2048)"));
}

TEST_F(SurfaceTest, IdentityOfAClusterStaysTheSame) {
  create_cluster();
  const auto first = send("GET", cluster_path("/myAKSCluster"));
  for (const char* id : {"/identity/principalId", "/properties/identityProfile/kubeletidentity/objectId",
                         "/properties/identityProfile/kubeletidentity/clientId"}) {
    EXPECT_EQ(at(first, id).size(), 36U) << id;
    EXPECT_EQ(at(send("GET", cluster_path("/myAKSCluster")), id), at(first, id));
  }
}

TEST_F(SurfaceTest, PathsAreJudgedByOneForm) {
  for (const char* path : {"/subscriptions/\xff", "/subscriptions/a\nb"}) {
    EXPECT_EQ(error_code(send("GET", path)), "InvalidRequestUri");
  }
  token_.clear();
  EXPECT_EQ(send("GET", "/subscriptions/\xff").status, 401);
}

TEST(Json, SaysAtWhichByteItStoppedToBeGood) {
  for (const auto& [body, part] : {std::pair(R"({"a":1,})", "at byte 7"), std::pair(R"({"a":1,"a":2})", "'a' twice"),
                                   std::pair("{} x", "at byte 3"), std::pair("[1]", "not a JSON object")}) {
    const auto refused = parse_body(body);
    ASSERT_FALSE(refused) << body;
    EXPECT_THAT(refused.error().message, HasSubstr(part)) << body;
  }
}

TEST(Routes, ScopeTakesWhatStandsBeforeTheRest) {
  constexpr std::string_view kPattern = "{scope}/providers/X/items/{item}";
  EXPECT_EQ(match_route(kPattern, "/providers/x/items/i")->at("scope"), "/");
  const auto match = match_route(kPattern, "/a/b/providers/Y/c/d/providers/X/items/i/");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->at("scope"), "/a/b/providers/Y/c/d");
  EXPECT_EQ(match->at("item"), "i");
  for (const char* bad : {"/", "", "x", "/providers/X/items", "/items/i", "/a/providers/X/others/i"}) {
    EXPECT_FALSE(match_route(kPattern, bad)) << bad;
  }
}

TEST(Routes, PathsAreSpelledAsTheTableSpellsThem) {
  const auto spelled = [](const std::string& path) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    return canonical_path(find_route(request), request);
  };
  EXPECT_EQ(spelled("/SUBSCRIPTIONS/s/resourcegroups/MyGroup/"), "/subscriptions/s/resourceGroups/MyGroup");
  EXPECT_EQ(spelled("/providers/microsoft.authorization/roleassignments/x"),
            "/providers/Microsoft.Authorization/roleAssignments/x");
  EXPECT_EQ(spelled("/a/B/providers/microsoft.authorization/roleassignments"),
            "/a/B/providers/Microsoft.Authorization/roleAssignments");
  EXPECT_EQ(spelled("/nothing/HERE"), "/nothing/HERE");
}

TEST(Routes, NoTwoAreTheSame) {
  std::vector<std::string> seen;
  for (const Route& route : routes()) seen.push_back(std::string(route.method) + " " + std::string(route.pattern));
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

}  // namespace
}  // namespace slipway::api
