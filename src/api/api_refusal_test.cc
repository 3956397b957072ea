#include "api/api_test_bench.h"
#include "api/json.h"
#include "api/route.h"
#include "crypto/jws.h"

// What is refused, with which words, and that nothing is changed by it.
namespace slipway::api {
namespace {

using testing::HasSubstr;

TEST_F(ApiTest, WithoutAGoodTokenNothingAnswers) {
  const std::string good = token_;
  const std::string key_id = to_hex(token_key().public_key().fingerprint()).substr(0, 16);
  const auto forged = [&](const crypto::PrivateKey& key, const std::string& type, const std::string& claims) {
    return crypto::sign_jws(key, key_id, type, claims).value();
  };
  const auto claims = [](const std::string& issuer, const std::string& audience, const std::string& client) {
    return R"({"iss":")" + issuer + R"(","aud":")" + audience + R"(","sub":")" + client +
           R"(","nbf":0,"exp":99999999999})";
  };
  const std::string issuer = std::string("urn:slipway:") + kTenant, audience = issuer + ":management";
  token_ = forged(token_key(), "at+jwt", claims(issuer, audience, "owner"));
  ASSERT_EQ(send("GET", "/subscriptions").status, 200) << "the rows below differ from this one in one thing each";
  for (const std::string& bad :
       {std::string(), std::string("x"), good + "x", good.substr(0, good.size() - 4) + "AAAA",
        forged(crypto::PrivateKey::generate_p256(), "at+jwt", claims(issuer, audience, "owner")),
        forged(token_key(), "JWT", claims(issuer, audience, "owner")),
        forged(token_key(), "at+jwt", claims("urn:slipway:other", audience, "owner")),
        forged(token_key(), "at+jwt", claims(issuer, issuer, "owner")),
        forged(token_key(), "at+jwt", claims(issuer, audience, "nobody"))}) {
    token_ = bad;
    for (const std::string& path : {std::string("/subscriptions"), cluster_path("/c"), std::string("/nothing")}) {
      const auto refused = send("GET", path);
      EXPECT_EQ(refused.status, 401) << bad << " " << path;
      EXPECT_THAT(refused.headers.at("WWW-Authenticate"),
                  HasSubstr("Bearer authorization_uri=\"https://127.0.0.1:18443/"));
    }
  }
  token_ = good;
  clock_.advance(seconds(3599));
  EXPECT_EQ(send("GET", "/subscriptions").status, 200);
  clock_.advance(seconds(1));
  EXPECT_EQ(send("GET", "/subscriptions").status, 401);
}

TEST_F(ApiTest, LoginRefusesAndSlowsDownWhoGuesses) {
  token_.clear();
  const auto login = [this](const std::string& form, const std::string& tenant = kTenant) {
    return send("POST", "/" + tenant + "/oauth2/v2.0/token", form);
  };
  EXPECT_EQ(login("grant_type=password&username=a").status, 400);
  EXPECT_EQ(login("grant_type=client_credentials&grant_type=client_credentials").status, 400);
  EXPECT_EQ(login("grant_type=client_credentials&client_id=%zz").status, 400);
  EXPECT_EQ(login("grant_type=client_credentials&client_id=owner&client_secret=s3cret", "other").status, 400);
  EXPECT_EQ(login("").status, 400);
  const auto unknown = login("grant_type=client_credentials&client_id=nobody&client_secret=s3cret");
  const auto wrong = login("grant_type=client_credentials&client_id=owner&client_secret=wrong");
  EXPECT_EQ(unknown.status, 401);
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(unknown.body, wrong.body);
  // Counted for each client: the unknown one's is not among them.
  for (int i = 1; i < FailureLimit::kMaximumFailures; ++i) {
    login("grant_type=client_credentials&client_id=owner&client_secret=wrong");
  }
  const std::string good = "grant_type=client_credentials&client_id=owner&client_secret=s3cret";
  EXPECT_EQ(login(good).status, 429);
  clock_.advance(seconds(61));
  EXPECT_EQ(login(good).status, 200);
}

TEST_F(ApiTest, GuessesAtOneClientLockOutNoOther) {
  keep("second", "Reader", "/", owner_hash());
  const auto login = [&](const std::string& client, const std::string& secret) {
    return send("POST", "/adfs/oauth2/token",
                "grant_type=client_credentials&client_id=" + client + "&client_secret=" + secret)
        .status;
  };
  for (int i = 0; i < FailureLimit::kMaximumFailures; ++i) EXPECT_EQ(login("second", "wrong"), 401);
  EXPECT_EQ(login("second", "s3cret"), 429);
  EXPECT_EQ(login("owner", "s3cret"), 200);
}

TEST(FailureLimitTest, IsBoundedAndKeepsWhatWasGuessedAtMost) {
  FailureLimit limit;
  const Time now{milliseconds(1800000000000)};
  for (int i = 0; i < FailureLimit::kMaximumFailures; ++i) limit.record("127.0.0.1", "admin", now);
  EXPECT_FALSE(limit.allows("127.0.0.1", "admin", now));
  EXPECT_TRUE(limit.allows("127.0.0.1", "other", now));
  EXPECT_TRUE(limit.allows("192.0.2.1", "admin", now));
  for (std::size_t i = 0; i < 2 * FailureLimit::kMaximumWindows; ++i) limit.record("127.0.0.1", std::to_string(i), now);
  EXPECT_FALSE(limit.allows("127.0.0.1", "admin", now));
  EXPECT_TRUE(limit.allows("127.0.0.1", "admin", now + seconds(60)));
}

TEST(FailureLimitTest, FewSecretsAreComparedAtOnce) {
  FailureLimit limit;
  std::vector<FailureLimit::Turn> turns;
  for (int i = 0; i < FailureLimit::kMaximumComparisons; ++i) {
    turns.push_back(limit.take_turn());
    EXPECT_TRUE(turns.back());
  }
  EXPECT_FALSE(limit.take_turn());
  turns.pop_back();
  EXPECT_TRUE(limit.take_turn());
}

TEST_F(ApiTest, AReaderReadsAndGetsNoCredentials) {
  create_cluster();
  finish_cluster();
  keep("reader", "Reader", "/");
  keep("scoped", "Contributor", subscription_path("/resourceGroups/myResourceGroup"));
  become("reader");
  EXPECT_EQ(send("GET", cluster_path("/myAKSCluster")).status, 200);
  const std::string before = whole_store();
  for (const char* action : {"/listClusterUserCredential", "/listClusterAdminCredential"}) {
    const auto refused = send("POST", cluster_path("/myAKSCluster") + action);
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(error_code(refused), "AuthorizationFailed");
  }
  EXPECT_EQ(send("DELETE", cluster_path("/myAKSCluster")).status, 403);
  EXPECT_EQ(send("PUT", cluster_path("/other"), create_body()).status, 403);
  become("scoped");
  EXPECT_EQ(send("GET", cluster_path("/myAKSCluster")).status, 200);
  EXPECT_EQ(send("GET", subscription_path("/resourceGroups/myResourceGroup2")).status, 403);
  EXPECT_EQ(send("PUT", subscription_path("/resourceGroups/other"), R"({"location":"x"})").status, 403);
  EXPECT_EQ(whole_store(), before);
}

TEST_F(ApiTest, WhatDoesNotExistIsNamed) {
  EXPECT_EQ(error_code(send("GET", "/subscriptions/33333333-3333-4333-8333-333333333333")), "SubscriptionNotFound");
  EXPECT_EQ(error_code(send("GET", cluster_path("/c"))), "ResourceGroupNotFound");
  EXPECT_EQ(error_code(send("PUT", cluster_path("/c"), create_body())), "ResourceGroupNotFound");
  create_cluster();
  const auto cluster = send("GET", cluster_path("/myCluster"));
  EXPECT_EQ(cluster.status, 404);
  EXPECT_EQ(error_code(cluster), "ResourceNotFound");
  EXPECT_THAT(at(cluster, "/error/message"), HasSubstr("myAKSCluster"));  // Q2
  EXPECT_EQ(error_code(send("GET", cluster_path("/myAKSCluster/agentPools/x"))), "NotFound");
  EXPECT_EQ(error_code(send("PUT", cluster_path("/other/agentPools/x"), "{}")), "ResourceNotFound");
  EXPECT_EQ(error_code(send("GET", "/nothing/here")), "InvalidResourceType");
  EXPECT_EQ(send("DELETE", "/subscriptions").status, 405);
  EXPECT_EQ(error_code(send("GET", subscription_path("/providers/Microsoft.Other"))), "InvalidResourceNamespace");
  http::Request request;
  request.method = "GET";
  request.path = "/subscriptions";
  request.headers["Authorization"] = "Bearer " + token_;
  EXPECT_EQ(error_code(api_.handle(request)), "MissingApiVersionParameter");
}

// Every refusal of a create, through the API: status 400, this code and target, and an unchanged store.
TEST_F(ApiTest, ABadClusterChangesNothing) {
  create_group();
  enable_feature();
  const std::string both = R"({"enableVTPM":true,"enableSecureBoot":true})";
  const std::string kIncompatible = "TrustedLaunchIncompatibleWithConfig";
  struct Row {
    std::string name, body, code, target;
  };
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string body = create_body();
    EXPECT_NE(body.find(from), std::string::npos) << from;
    return body.replace(body.find(from), from.size(), to);
  };
  std::string windows = replaced(R"("osType":"Linux")", R"("osType":"Windows")");
  windows.replace(windows.find("nodepool1"), 9, "win");  // as long as such a name may be
  const std::vector<Row> rows = {
      {"c", replaced(R"("enableFIPS":false)", R"("enableFIPS":true)"), kIncompatible, "agentPoolProfile.enableFIPS"},
      {"c", windows, kIncompatible, "agentPoolProfile.osType"},
      {"c", replaced(R"("vmSize":"")", R"("vmSize":"Standard_D4ps_v5")"), kIncompatible, "agentPoolProfile.vmSize"},
      {"c", replaced("VirtualMachineScaleSets", "AvailabilitySet"), kIncompatible, "agentPoolProfile.type"},
      {"c", replaced(R"("vmSize":"")", R"("vmSize":"Standard_NC4as_T4_v3")"), kIncompatible,
       "agentPoolProfile.gpuProfile"},
      {"c", replaced("nodepool1", "NodePool1"), "InvalidParameter", "agentPoolProfile.name"},
      {"c", replaced(R"("count":1)", R"("count":0)"), "InvalidParameter", "agentPoolProfile.count"},
      {"c", replaced(R"("count":1)", R"("count":"one")"), "InvalidParameter", "agentPoolProfile.count"},
      {"c", replaced(R"("count":1)", R"("count":1.5)"), "InvalidParameter", "agentPoolProfile.count"},
      {"c", replaced(R"("mode":"System")", R"("mode":"User")"), "InvalidParameter", "agentPoolProfiles"},
      {"c", replaced(R"("enableAutoScaling":false)", R"("enableAutoScaling":true)"), "InvalidParameter",
       "agentPoolProfile.enableAutoScaling"},
      {"c", replaced(R"("nodeTaints":[])", R"("nodeTaints":["a=b:NoSchedule"])"), "InvalidParameter",
       "agentPoolProfile.nodeTaints"},
      {"c", replaced("10.244.0.0/16", "10.1.0.0/16"), "InvalidParameter", "properties.networkProfile.podCidr"},
      {"c", replaced(R"("kubernetesVersion":"")", R"("kubernetesVersion":"1.99")"), "K8sVersionNotSupported",
       "properties.kubernetesVersion"},
      {"c", replaced(R"("kubernetesVersion":"")", R"("kubernetesVersion":"1.19")"), kIncompatible,
       "agentPoolProfile.orchestratorVersion"},
      {"c", create_body(R"({"enableVTPM":"maybe"})"), "InvalidParameter",
       "agentPoolProfile.securityProfile.enableVTPM"},
      {"c", create_body(R"("on")"), "InvalidParameter", "agentPoolProfile.securityProfile"},
      {"c-", create_body(both), "InvalidParameter", "name"},
      {"c", replaced(R"("location":"local")", R"("location":"")"), "LocationRequired", "location"},
      {"c", replaced(R"("location":"local")", R"("location":"x\r\nLocation: https://evil/")"), "InvalidParameter",
       "location"},
      {"c", replaced(R"("location":"local")", "\"location\":\"" + std::string(66000, 'a') + "\""), "InvalidParameter",
       "location"},
      {"c", replaced(R"("location":"local")", "\"location\":\"\xc3\xbc\""), "InvalidParameter", "location"},
      {"c", replaced(R"({"location":"local")", R"({"location":"local","location":"x")"), "InvalidRequestContent",
       "(absent)"},
      {"c", "[]", "InvalidRequestContent", "(absent)"},
      {"c", "{", "InvalidRequestContent", "(absent)"},
      {"c", R"({"location":"local","properties":{"agentPoolProfiles":[1]}})", "InvalidParameter",
       "properties.agentPoolProfiles"},
      {"c", R"({"location":"local","properties":{"agentPoolProfiles":{}}})", "InvalidParameter",
       "properties.agentPoolProfiles"},
  };
  const std::string before = whole_store();
  for (const Row& row : rows) {
    const auto refused = send("PUT", cluster_path("/" + row.name), row.body);
    EXPECT_EQ(refused.status, 400) << refused.body;
    EXPECT_EQ(error_code(refused), row.code) << refused.body;
    EXPECT_EQ(at(refused, "/error/target"), row.target) << refused.body;
    EXPECT_EQ(whole_store(), before) << row.body;
  }
  EXPECT_TRUE(changed_.empty());
}

TEST_F(ApiTest, AllBrokenRulesComeAtOnce) {
  create_group();
  const auto refused = send("PUT", cluster_path("/c"),
                            create_body(R"({"enableVTPM":"true"})", R"(,"osSKU":"Flatcar","osDiskType":"x")"));
  EXPECT_EQ(refused.status, 400);
  const boost::json::value body = parsed(refused);
  EXPECT_EQ(body.at("error").at("details").as_array().size(), 3U) << refused.body;
  EXPECT_THAT(at(refused, "/error/message"), HasSubstr("feature register"));
  EXPECT_THAT(at(refused, "/error/message"), HasSubstr("Flatcar"));
}

TEST_F(ApiTest, ABadPoolChangesNothing) {
  create_cluster();
  finish_cluster();
  const std::string before = whole_store();
  struct Row {
    std::string name, body, code;
    int status = 400;
  };
  const std::vector<Row> rows = {
      {"MyPool", "{}", "InvalidParameter"},
      {"1pool", "{}", "InvalidParameter"},
      {"abcdefghijkl", "{}", "InvalidParameter"},
      {"p", R"({"properties":{"count":-1}})", "InvalidParameter"},
      {"p", R"({"properties":{"count":2000}})", "InvalidParameter"},
      {"p", R"({"properties":[]})", "InvalidParameter"},
      {"p", R"({"properties":{"securityProfile":{"enableVTPM":true},"osType":"Windows"}})",
       "TrustedLaunchIncompatibleWithConfig"},
      {"nodepool1", R"({"properties":{"vmSize":"Slipway_S4"}})", "PropertyChangeNotAllowed"},
      {"nodepool1", R"({"properties":{"osSKU":"Ubuntu"}})", "PropertyChangeNotAllowed"},
      {"nodepool1", R"({"properties":{"mode":"User"}})", "OperationNotAllowed", 409},
      {"nodepool1", R"({"properties":{"count":0}})", "InvalidParameter"},
  };
  for (const Row& row : rows) {
    const auto refused = send("PUT", cluster_path("/myAKSCluster/agentPools/" + row.name), row.body);
    EXPECT_EQ(refused.status, row.status) << row.name << row.body << refused.body;
    EXPECT_EQ(error_code(refused), row.code) << row.name << row.body;
  }
  const auto last = send("DELETE", cluster_path("/myAKSCluster/agentPools/nodepool1"));
  EXPECT_EQ(last.status, 409);
  EXPECT_EQ(error_code(last), "OperationNotAllowed");
  EXPECT_EQ(whole_store(), before);
}

TEST_F(ApiTest, EntityTagsGuardAgainstLostUpdates) {
  create_cluster();
  finish_cluster();
  const std::string path = cluster_path("/myAKSCluster/agentPools/nodepool1");
  const std::string tag = at(send("GET", path), "/properties/eTag");
  EXPECT_EQ(send("PUT", path, "{}", {{"If-None-Match", "*"}}).status, 412);
  EXPECT_EQ(send("PUT", path, "{}", {{"If-Match", "1"}}).status, 412);
  EXPECT_EQ(send("PUT", cluster_path("/new"), create_body(), {{"If-Match", "*"}}).status, 412);
  EXPECT_EQ(send("PUT", path, "{}", {{"If-Match", '"' + tag + '"'}}).status, 200);
}

TEST(Body, HasLimits) {
  EXPECT_TRUE(parse_body("")->empty());
  EXPECT_TRUE(parse_body(R"({"a":[1e308,-0.5,1e-320]})"));
  EXPECT_TRUE(parse_body(R"({"a":{"b":[{"b":1},{"b":2}]},"b":"\u0061"} )"));
  const auto nested = [](std::size_t depth) {
    return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(parse_body(nested(kMaximumDepth - 1)));
  EXPECT_FALSE(parse_body(nested(kMaximumDepth + 1)));
  std::string many = R"({"a":[0)";
  for (std::size_t i = 0; i < kMaximumValues; ++i) many += ",0";
  EXPECT_FALSE(parse_body(many + "]}"));
  EXPECT_FALSE(parse_body(R"({"a":")" + std::string(kMaximumBody, 'x') + R"("})"));
  for (const char* bad : {"{", "[]", "1", "null", "{} {}", R"({"a":1,"a":2})", R"({"x":{"a":1,"\u0061":2}})",
                          "{\"a\":\"\xff\"}", R"({"a":NaN})", R"({"a":1,})", "{/**/}", R"({"a":1444.444e404})"}) {
    const auto refused = parse_body(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, ErrorCode::kMalformed);
  }
}

TEST(Route, ComparesSegmentsWithoutCase) {
  const auto match = match_route("/a/{x}/B", "/A/One/b");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->at("x"), "One");
  EXPECT_TRUE(match_route("/a/{x}", "/a/b/"));
  for (const char* other : {"/a", "/a/", "/a/b/c", "/b/x", "/", ""})
    EXPECT_FALSE(match_route("/a/{x}", other)) << other;
}

}  // namespace
}  // namespace slipway::api
