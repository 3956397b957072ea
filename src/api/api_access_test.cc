#include "api/api_test_bench.h"
#include "crypto/jws.h"

// Roles on scopes, clients and their secrets, and the audit trail, through the API's door.
namespace slipway::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class AccessTest : public ApiTest {
 protected:
  static constexpr const char* kReader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
  static constexpr const char* kContributor = "b24988ac-6180-42a0-ab88-20f7382dd24c";
  static constexpr const char* kFirstId = "33333333-3333-4333-8333-333333333333";
  static constexpr const char* kSecondId = "44444444-4444-4444-8444-444444444444";

  static std::string group_path(const std::string& rest = {}) {
    return subscription_path("/resourceGroups/myResourceGroup") + rest;
  }
  static std::string assignment(const std::string& scope, const std::string& id) {
    return scope + "/providers/Microsoft.Authorization/roleAssignments/" + id;
  }
  http::Response assign(const std::string& scope, const std::string& id, const std::string& client,
                        const std::string& role) {
    return send("PUT", assignment(scope, id),
                R"({"properties":{"principalId":")" + client +
                    R"(","principalType":"ServicePrincipal","roleDefinitionId":")" +
                    subscription_path("/providers/Microsoft.Authorization/roleDefinitions/") + role + R"("}})");
  }
  std::string make_client(const std::string& name) {
    const auto made = send("POST", "/v1.0/applications", R"({"displayName":")" + name + R"("})");
    EXPECT_EQ(made.status, 201) << made.body;
    return at(made, "/appId");
  }
  http::Response list(const std::string& filter = {}) {
    http::Request request;
    request.method = "GET";
    request.path = subscription_path("/providers/Microsoft.Insights/eventtypes/management/values");
    request.query = {{"api-version", "2015-04-01"}};
    if (!filter.empty()) request.query["$filter"] = filter;
    request.headers["Authorization"] = "Bearer " + token_;
    request.base_url = "https://127.0.0.1:18443";
    return api_.handle(request);
  }
};

TEST_F(AccessTest, AClientIsMadeGivenARoleAndASecretAndDeleted) {
  create_group();
  const std::string client = make_client("ci");
  EXPECT_EQ(at(send("POST", "/v1.0/servicePrincipals", R"({"appId":")" + client + R"("})"), "/id"), client);
  const auto secret = send("POST", "/v1.0/applications/" + client + "/addPassword", "{}");
  ASSERT_EQ(secret.status, 200) << secret.body;
  EXPECT_EQ(secret.headers.at("Cache-Control"), "no-store");
  EXPECT_THAT(whole_store(), Not(HasSubstr(at(secret, "/secretText"))));
  ASSERT_EQ(assign(group_path(), kFirstId, client, kReader).status, 201);

  const std::string owner = token_;
  token_.clear();
  const auto login =
      send("POST", "/adfs/oauth2/token",
           "grant_type=client_credentials&client_id=" + client + "&client_secret=" + at(secret, "/secretText"));
  ASSERT_EQ(login.status, 200) << login.body;
  token_ = at(login, "/access_token");
  EXPECT_EQ(send("GET", group_path()).status, 200);
  EXPECT_EQ(send("PUT", group_path(), R"({"location":"local"})").status, 403);
  EXPECT_EQ(send("GET", "/v1.0/applications").status, 403);
  EXPECT_EQ(at(send("GET", "/subscriptions"), "/value/0/subscriptionId"), kSubscription);

  const std::string theirs = token_;
  token_ = owner;
  EXPECT_EQ(send("DELETE", "/v1.0/applications/" + client).status, 204);
  EXPECT_EQ(error_code(send("GET", assignment(group_path(), kFirstId))), "RoleAssignmentNotFound");
  token_ = theirs;
  EXPECT_EQ(send("GET", group_path()).status, 401);
}

TEST_F(AccessTest, ASecretEndsWhenItsTimeComesAndWithTheNextOne) {
  const std::string client = make_client("ci");
  const auto add = [&](const std::string& end) {
    return at(send("POST", "/v1.0/applications/" + client + "/addPassword",
                   R"({"passwordCredential":{"endDateTime":")" + end + R"("}})"),
              "/secretText");
  };
  const auto log_in = [&](const std::string& secret) {
    return send("POST", "/adfs/oauth2/token",
                "grant_type=client_credentials&client_id=" + client + "&client_secret=" + secret)
        .status;
  };
  EXPECT_EQ(log_in(""), 401) << "a client without a secret has no login";
  const std::string first = add("2026-11-23T12:00:30Z");
  EXPECT_EQ(log_in(first), 200);
  clock_.advance(seconds(31));
  EXPECT_EQ(log_in(first), 401);
  const std::string second = add("2027-11-23T12:00:30Z"), third = add("2027-11-23T12:00:30Z");
  EXPECT_EQ(log_in(second), 401);
  EXPECT_EQ(log_in(third), 200);
  EXPECT_EQ(
      send("POST", "/v1.0/applications/" + client + "/addPassword", R"({"passwordCredential":{"endDateTime":"soon"}})")
          .status,
      400);
}

// What `az role assignment list` and `az ad sp credential reset` ask of the directory.
TEST_F(AccessTest, TheDirectoryFindsClientsByIdsAndTakesSecretsOfServicePrincipals) {
  const std::string client = make_client("ci");
  const auto found = send("POST", "/v1.0/directoryObjects/getByIds",
                          R"({"ids":["nobody",")" + client + R"("],"types":["user","servicePrincipal"]})");
  ASSERT_EQ(found.status, 200) << found.body;
  EXPECT_EQ(parsed(found).at("value").as_array().size(), 1U) << found.body;
  EXPECT_EQ(at(found, "/value/0/@odata.type"), "#microsoft.graph.servicePrincipal");
  EXPECT_EQ(at(found, "/value/0/servicePrincipalNames/0"), client);
  EXPECT_EQ(error_code(send("POST", "/v1.0/directoryObjects/getByIds", "{}")), "InvalidParameter");
  EXPECT_EQ(error_code(send("POST", "/v1.0/directoryObjects/getByIds", R"({"ids":[1]})")), "InvalidParameter");
  std::string many;
  for (int i = 0; i <= 1000; ++i) many += R"("x",)";
  EXPECT_EQ(error_code(send("POST", "/v1.0/directoryObjects/getByIds", R"({"ids":[)" + many + R"("x"]})")),
            "InvalidParameter");

  const auto secret = send("POST", "/v1.0/servicePrincipals/" + client + "/addPassword",
                           R"({"passwordCredential":{"startDateTime":"2026-11-23T12:00:00Z"}})");
  ASSERT_EQ(secret.status, 200) << secret.body;
  EXPECT_EQ(parsed(send("GET", "/v1.0/servicePrincipals/" + client)).at("passwordCredentials").as_array().size(), 0U);
  keep("contributor", "Contributor", "/");
  become("contributor");
  EXPECT_EQ(send("POST", "/v1.0/directoryObjects/getByIds", R"({"ids":[]})").status, 403);
  EXPECT_EQ(send("POST", "/v1.0/servicePrincipals/" + client + "/addPassword", "{}").status, 403);
}

TEST_F(AccessTest, OnlyAnOwnerGivesRolesAndOnlyWhereItIsOwner) {
  create_cluster();
  keep("contributor", "Contributor", "/");
  keep("group-owner", "Owner", group_path());
  const std::string before = whole_store();
  become("contributor");
  EXPECT_EQ(assign(group_path(), kFirstId, "contributor", kReader).status, 403);
  EXPECT_EQ(send("POST", "/v1.0/applications", R"({"displayName":"x"})").status, 403);
  become("group-owner");
  EXPECT_EQ(assign(subscription_path(), kFirstId, "group-owner", kReader).status, 403);
  EXPECT_EQ(assign("", kFirstId, "group-owner", kReader).status, 403);
  EXPECT_EQ(whole_store(), before);
  EXPECT_EQ(assign(cluster_path("/myAKSCluster"), kFirstId, "contributor", kReader).status, 201);
}

TEST_F(AccessTest, AssignmentsAreListedFoundAndRefused) {
  create_cluster();
  keep("a", "Reader", cluster_path("/myAKSCluster"));
  EXPECT_EQ(assign(group_path(), kFirstId, "a", kContributor).status, 201);
  EXPECT_EQ(assign(group_path(), kFirstId, "a", kContributor).status, 200) << "the same again, after a lost answer";
  EXPECT_EQ(error_code(assign(group_path(), kFirstId, "a", kReader)), "RoleAssignmentUpdateNotPermitted");
  EXPECT_EQ(error_code(assign(group_path(), kSecondId, "a", kContributor)), "RoleAssignmentExists");
  EXPECT_EQ(error_code(assign(group_path(), kSecondId, "nobody", kReader)), "PrincipalNotFound");
  EXPECT_EQ(error_code(assign(group_path(), kSecondId, "a", kSecondId)), "RoleDefinitionDoesNotExist");
  EXPECT_EQ(error_code(assign(group_path(), "no-uuid", "a", kReader)), "InvalidRoleAssignmentId");
  EXPECT_EQ(error_code(assign(group_path("/providers/X/y/z"), kSecondId, "a", kReader)), "InvalidScope");
  EXPECT_EQ(error_code(assign(subscription_path("/resourceGroups/none"), kSecondId, "a", kReader)),
            "ResourceGroupNotFound");

  const auto at_group = send("GET", group_path("/providers/Microsoft.Authorization/roleAssignments"));
  EXPECT_EQ(parsed(at_group).at("value").as_array().size(), 3U) << at_group.body;  // above, here and below
  // Each sees its own, whatever else it may see.
  become("a");
  const auto mine = send("GET", subscription_path("/providers/Microsoft.Authorization/roleAssignments"));
  EXPECT_EQ(parsed(mine).at("value").as_array().size(), 2U) << mine.body;
  EXPECT_EQ(parsed(send("GET", subscription_path("/providers/Microsoft.Authorization/roleDefinitions")))
                .at("value")
                .as_array()
                .size(),
            3U);
}

TEST_F(AccessTest, TheLastOwnerStays) {
  const auto all = send("GET", "/providers/Microsoft.Authorization/roleAssignments");
  const std::string id = at(all, "/value/0/name");
  EXPECT_EQ(error_code(send("DELETE", assignment("", id))), "LastOwner");
  EXPECT_EQ(error_code(send("DELETE", "/v1.0/applications/owner")), "LastOwner");
  keep("second", "Owner", subscription_path());
  EXPECT_EQ(send("DELETE", assignment("", id)).status, 200);
}

// Whoever had a role on a cluster that is gone has none on another one of its name.
TEST_F(AccessTest, RolesEndWithWhatTheyAreFor) {
  create_cluster();
  keep("old", "Owner", cluster_path("/second"));
  keep("old2", "Owner", subscription_path("/resourceGroups/later"));
  ASSERT_EQ(send("PUT", cluster_path("/second"), create_body()).status, 201);
  ASSERT_EQ(send("PUT", subscription_path("/resourceGroups/later"), R"({"location":"local"})").status, 201);
  become("old");
  EXPECT_EQ(send("GET", cluster_path("/second")).status, 403);
  become("old2");
  EXPECT_EQ(send("GET", subscription_path("/resourceGroups/later")).status, 403);
}

TEST_F(AccessTest, CollectionsShowWhatTheClientMayRead) {
  create_cluster();
  ASSERT_EQ(send("PUT", subscription_path("/resourceGroups/other"), R"({"location":"local"})").status, 201);
  keep("a", "Reader", group_path());
  keep("b", "Reader", subscription_path("/resourceGroups/other"));
  const std::string clusters = subscription_path("/providers/Microsoft.ContainerService/managedClusters");
  become("a");
  EXPECT_EQ(at(send("GET", subscription_path("/resourceGroups")), "/value/0/name"), "myResourceGroup");
  EXPECT_EQ(at(send("GET", subscription_path("/resourceGroups")), "/value/1/name"), "(absent)");
  EXPECT_EQ(at(send("GET", clusters), "/value/0/name"), "myAKSCluster");
  become("b");
  EXPECT_EQ(at(send("GET", clusters), "/value/0/name"), "(absent)");
  const auto operation = only<fleet::Operation>("/operations/", fleet::operation_from_json);
  const std::string path =
      subscription_path("/providers/Microsoft.ContainerService/locations/local/operations/" + operation.id);
  EXPECT_EQ(send("GET", path).status, 403);
  become("a");
  EXPECT_EQ(send("GET", path).status, 200);
  keep("nobody", "Reader", "/subscriptions/55555555-5555-4555-8555-555555555555");
  become("nobody");
  EXPECT_EQ(at(send("GET", "/subscriptions"), "/value/0/id"), "(absent)");
  EXPECT_EQ(send("GET", subscription_path()).status, 403);
}

// What exists and what does not is answered alike, but for the name that was asked for.
TEST_F(AccessTest, WhoHasNoRoleLearnsNoNames) {
  create_cluster();
  keep("stranger", "Reader", "/subscriptions/55555555-5555-4555-8555-555555555555");
  keep("neighbour", "Reader", group_path("/providers/Microsoft.ContainerService/managedClusters/other"));
  const auto answer = [&](std::string path, const std::string& name) {
    std::string body = send("GET", path).body;
    for (std::size_t at = body.find(name); at != std::string::npos; at = body.find(name))
      body.replace(at, name.size(), "?");
    return body;
  };
  const std::string assignments = "/providers/Microsoft.Authorization/roleAssignments";
  const std::string clusters = "/providers/Microsoft.ContainerService/managedClusters";
  become("stranger");
  for (const std::string& below : {assignments, clusters, clusters + "/myAKSCluster" + assignments}) {
    const std::string none = answer(subscription_path("/resourceGroups/myNoneGroup") + below, "myNoneGroup");
    EXPECT_EQ(answer(group_path(below), "myResourceGroup"), none) << below;
    EXPECT_THAT(none, HasSubstr("ResourceGroupNotFound"));
  }
  become("neighbour");
  const std::string none = answer(cluster_path("/myNoneCluster") + assignments, "myNoneCluster");
  EXPECT_EQ(answer(cluster_path("/myAKSCluster") + assignments, "myAKSCluster"), none);
  EXPECT_THAT(none, Not(HasSubstr("myAKSCluster")));
  EXPECT_THAT(send("GET", cluster_path("/other")).body, Not(HasSubstr("myAKSCluster")));
}

TEST_F(AccessTest, EveryChangeAndEveryRefusalIsWrittenDown) {
  create_group();
  keep("reader", "Reader", "/");
  become("reader");
  send("DELETE", group_path());
  token_ = "x";
  send("GET", group_path());
  token_.clear();
  send("POST", "/adfs/oauth2/token", "grant_type=client_credentials&client_id=owner&client_secret=wr0ng");
  become("owner");
  send("GET", group_path());  // what only reads, and may, is not
  send("PUT", group_path(), R"({"location":"elsewhere"})");

  const auto log = list();
  ASSERT_EQ(log.status, 200) << log.body;
  const boost::json::value answer = parsed(log);
  const auto& events = answer.at("value").as_array();
  std::vector<std::string> lines;
  for (const auto& event : events) {
    lines.push_back(std::string(event.at_pointer("/caller").as_string()) + " " +
                    std::string(event.at_pointer("/operationName/value").as_string()) + " " +
                    std::string(event.at_pointer("/status/value").as_string()) + " " +
                    std::string(event.at_pointer("/subStatus/value").as_string()));
  }
  const std::string write = "Microsoft.Resources/subscriptions/resourceGroups/write ";
  EXPECT_THAT(lines,
              testing::UnorderedElementsAre("owner " + write + "Started ", "owner " + write + "Succeeded 201",
                                            "reader Microsoft.Resources/subscriptions/resourceGroups/delete Failed 403",
                                            " Microsoft.Resources/subscriptions/resourceGroups/read Failed 401",
                                            " Microsoft.Directory/login/action Failed 401",
                                            "owner " + write + "Started ", "owner " + write + "Failed 409"));
  EXPECT_THAT(log.body, Not(HasSubstr("wr0ng")));
  EXPECT_THAT(log.body, HasSubstr("The login was for client 'owner'"));
  EXPECT_EQ(at(list("status eq 'Failed' and resourceGroupName eq 'MYRESOURCEGROUP' and caller eq 'reader'"),
               "/value/0/authorization/action"),
            "Microsoft.Resources/subscriptions/resourceGroups/delete");
  EXPECT_EQ(at(list("eventTimestamp ge '2030-01-01'"), "/value/0/id"), "(absent)");
  EXPECT_EQ(error_code(list("color eq 'red'")), "InvalidFilterInQueryString");
  EXPECT_EQ(error_code(list("eventTimestamp ge 'yesterday'")), "InvalidFilterInQueryString");
}

// Where the trail cannot be written, nothing is changed.
TEST_F(AccessTest, NoChangeIsMadeThatIsNotWrittenDown) {
  activity_log_ = ActivityLog::open(log_folder_.path().string(), 1).value();  // each line asks for a new file
  ApiOptions narrow = options();
  Api api(std::move(narrow), *store_, kubernetes_, clock_, random_);
  http::Request request;
  request.method = "PUT";
  request.path = group_path();
  request.query["api-version"] = "2024-11-01";
  request.headers["Authorization"] = "Bearer " + token_;
  request.body = R"({"location":"local"})";
  ASSERT_EQ(api.handle(request).status, 201);
  const std::string before = whole_store();
  std::filesystem::remove_all(log_folder_.path() / "activity");
  request.path = subscription_path("/resourceGroups/second");
  const auto refused = api.handle(request);
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("cannot be written down"));
  EXPECT_EQ(whole_store(), before);
}

// A token of the old key is good until it ends; the new key is published before it signs.
TEST_F(AccessTest, SigningKeysRotateUnderRunningClients) {
  const std::string keys = std::string("/") + kTenant + "/discovery/v2.0/keys";
  const auto sign_in = [&] { become("owner"); };
  clock_.advance(seconds(24 * 3600 - 60));
  sign_in();
  EXPECT_EQ(at(send("GET", keys), "/keys/1/kid"), "(absent)");
  clock_.advance(seconds(60));
  const std::string coming = at(send("GET", keys), "/keys/1/kid");
  EXPECT_NE(coming, "(absent)");
  sign_in();
  EXPECT_NE(crypto::unverified_jws_key_id(token_).value(), coming);
  clock_.advance(seconds(3600 - 1));
  sign_in();
  const std::string last_of_old = token_;
  clock_.advance(seconds(1));
  sign_in();
  EXPECT_EQ(crypto::unverified_jws_key_id(token_).value(), coming);
  clock_.advance(seconds(3590));
  token_ = last_of_old;
  EXPECT_EQ(send("GET", "/subscriptions").status, 200);
  clock_.advance(seconds(10));
  EXPECT_EQ(send("GET", "/subscriptions").status, 401);
}

}  // namespace
}  // namespace slipway::api
