#include "api/access.h"

#include <gtest/gtest.h>

namespace slipway::api {
namespace {

const std::string kGroup = "/subscriptions/s/resourceGroups/g";
const std::string kCluster = kGroup + "/providers/Microsoft.ContainerService/managedClusters/c";

Principal with(std::string role, std::string scope) { return {"client", "", {{"id", "client", role, scope, {}, ""}}}; }
http::Request request(std::string method, std::string path) {
  http::Request result;
  result.method = std::move(method);
  result.path = std::move(path);
  return result;
}

TEST(Access, ScopeCoversItselfAndWhatIsBelow) {
  EXPECT_TRUE(scope_covers("/", kCluster));
  EXPECT_TRUE(scope_covers("/", "/"));
  EXPECT_TRUE(scope_covers(kGroup, kGroup));
  EXPECT_TRUE(scope_covers(kGroup + "/", kCluster));
  EXPECT_TRUE(scope_covers("/SUBSCRIPTIONS/s/resourcegroups/G", kCluster + "/agentPools/p/"));
  EXPECT_FALSE(scope_covers(kGroup, "/subscriptions/s"));
  // A name that begins like the scope's is another name.
  EXPECT_FALSE(scope_covers(kGroup, kGroup + "2"));
  EXPECT_FALSE(scope_covers(kCluster, kCluster + "2/agentPools/p"));
}

TEST(Access, EachRoleReachesItsDeeds) {
  for (const auto& [role, read, change, grant] :
       {std::tuple("Owner", true, true, true), std::tuple("Contributor", true, true, false),
        std::tuple("Reader", true, false, false), std::tuple("Nobody", false, false, false)}) {
    const Principal principal = with(role, kGroup);
    EXPECT_EQ(may(principal, Deed::kRead, kCluster), read) << role;
    EXPECT_EQ(may(principal, Deed::kChange, kCluster), change) << role;
    EXPECT_EQ(may(principal, Deed::kGrant, kCluster), grant) << role;
    EXPECT_FALSE(may(principal, Deed::kRead, "/subscriptions/s")) << role;
    EXPECT_EQ(knows(principal, "/subscriptions/s"), read) << role;
    EXPECT_FALSE(knows(principal, "/subscriptions/t")) << role;
  }
  EXPECT_FALSE(may(Principal{}, Deed::kRead, "/"));
}

TEST(Access, RolesAddUp) {
  Principal principal = with("Reader", "/");
  principal.assignments.push_back({"2", "client", "Contributor", kCluster, {}, ""});
  EXPECT_TRUE(may(principal, Deed::kChange, kCluster));
  EXPECT_FALSE(may(principal, Deed::kChange, kGroup));
  EXPECT_TRUE(may(principal, Deed::kRead, kGroup));
}

TEST(Access, ActionsAreNamedAsArmNamesThem) {
  EXPECT_EQ(action_of(request("PUT", kCluster)), "Microsoft.ContainerService/managedClusters/write");
  EXPECT_EQ(action_of(request("DELETE", kCluster + "/agentPools/p")),
            "Microsoft.ContainerService/managedClusters/agentPools/delete");
  EXPECT_EQ(action_of(request("POST", kCluster + "/listClusterUserCredential")),
            "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action");
  EXPECT_EQ(action_of(request("PUT", kGroup)), "Microsoft.Resources/subscriptions/resourceGroups/write");
  EXPECT_EQ(action_of(request("POST", "/v1.0/applications/x/addPassword")),
            "Microsoft.Directory/applications/addPassword/action");
  EXPECT_EQ(action_of(request("GET", kCluster)), "Microsoft.ContainerService/managedClusters/read");
  EXPECT_EQ(resource_of(request("POST", kCluster + "/listClusterUserCredential")), kCluster);
  EXPECT_EQ(resource_of(request("PUT", kCluster + "/")), kCluster);
  EXPECT_EQ(action_of(request("POST", "/")), "Microsoft.Resources/write");
}

TEST(Access, DeedsByMethodAndPath) {
  EXPECT_EQ(deed_of(request("HEAD", kGroup)), Deed::kRead);
  EXPECT_EQ(deed_of(request("POST", kCluster + "/listClusterUserCredential")), Deed::kChange);
  EXPECT_EQ(deed_of(request("PUT", kGroup + "/providers/microsoft.authorization/roleAssignments/x")), Deed::kGrant);
  EXPECT_EQ(deed_of(request("GET", kGroup + "/providers/Microsoft.Authorization/roleAssignments")), Deed::kRead);
}

TEST(Access, RefusalNamesTheActionTheScopeAndTheRoles) {
  const Status refused = authorize(with("Reader", kGroup), Deed::kChange, kCluster, "X/y/write");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
  for (const std::string& part : {std::string("client"), std::string("X/y/write"), kCluster,
                                  std::string("Reader on '") + kGroup, std::string("--role Contributor")}) {
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << part;
  }
}

TEST(Access, AssignmentsSurviveTheirJson) {
  const RoleAssignment assignment{"id",   "client", "Reader", kGroup, from_rfc3339("2026-11-23T12:00:00Z").value(),
                                  "owner"};
  const auto again = role_assignment_from_json(to_json(assignment));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), to_json(assignment));
  EXPECT_EQ(again->created, assignment.created);
  EXPECT_FALSE(role_assignment_from_json("{\"id\":1}"));
}

}  // namespace
}  // namespace slipway::api
