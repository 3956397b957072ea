#include "kube/hosted/hosted_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/hosted/cluster_record.h"
#include "kube/hosted/component_flags.h"
#include "kube/hosted/ports.h"

namespace slipway::kube {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::map<std::string, std::string> kValues{
    {"advertise_address", "10.77.0.1"}, {"apiserver_port", "20001"},     {"etcd_port", "20002"},
    {"etcd_peer_port", "20003"},        {"service_cidr", "10.0.0.0/16"}, {"endpoint_reconciler", "lease"}};

TEST(ComponentFlags, TheApiserverIsClosedAsTheThreatModelSays) {
  const auto arguments = component_arguments(Component::kApiserver, 20, kValues);
  ASSERT_TRUE(arguments.has_value());
  for (const char* flag :
       {"--anonymous-auth=false", "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
        "--admission-control-config-file=admission.json", "--bind-address=10.77.0.1", "--insecure-port=0",
        "--encryption-provider-config=encryption.json", "--kubelet-certificate-authority=pki/kubelet-serving-ca.pem",
        "--audit-log-path=logs/audit.log"})
    EXPECT_THAT(*arguments, Contains(flag));
  EXPECT_THAT(*arguments, Each(Not(HasSubstr("{"))));
}

TEST(ComponentFlags, TheControllerManagerHasNoSigningKey) {
  const auto arguments = component_arguments(Component::kControllerManager, 20, kValues);
  ASSERT_TRUE(arguments.has_value());
  EXPECT_THAT(*arguments, Contains("--controllers=*,-csrsigning,-csrapproving,-bootstrapsigner,-tokencleaner"));
  EXPECT_THAT(*arguments, Each(Not(StartsWith("--cluster-signing"))));
}

TEST(ComponentFlags, AVersionGetsOnlyTheFlagsThatItHas) {
  EXPECT_THAT(*component_arguments(Component::kApiserver, 23, kValues), Contains("--insecure-port=0"));
  EXPECT_THAT(*component_arguments(Component::kApiserver, 24, kValues), Not(Contains("--insecure-port=0")));
  EXPECT_THAT(*component_arguments(Component::kScheduler, 24, kValues), Not(Contains("--port=0")));
}

TEST(ComponentFlags, AValueThatIsMissingIsNotLeftEmpty) {
  EXPECT_EQ(component_arguments(Component::kEtcd, 20, {}).error().code, ErrorCode::kInternal);
}

TEST(ComponentFlags, TheVersionIsInTheFoldersName) {
  EXPECT_EQ(*minor_version("v1.20.2-906ce6a1a7d5c54e"), 20);
  EXPECT_EQ(*minor_version("v1.28.0-release"), 28);
  for (const char* name : {"", "v1.", "v1.20", "v1.19.1-x", "v1.99.1-x", "v2.20.1", "current"})
    EXPECT_EQ(minor_version(name).error().code, ErrorCode::kInvalidArgument) << name;
}

TEST(HostedPlanTest, GoesThroughJsonAndBack) {
  HostedPlan plan;
  plan.programs.push_back({"etcd", "/usr/bin/etcd", {"--a=\"b\"", ""}, "r1", "127.0.0.1:1"});
  const auto back = plan_from_json(to_json(plan));
  ASSERT_TRUE(back.has_value());
  ASSERT_EQ(back->programs.size(), 1U);
  EXPECT_EQ(back->programs[0].arguments, plan.programs[0].arguments);
  EXPECT_EQ(digest_of(back->programs[0]), digest_of(plan.programs[0]));
  plan.programs[0].revision = "r2";
  EXPECT_NE(digest_of(back->programs[0]), digest_of(plan.programs[0]));
  for (const char* text : {"", "{}", "{\"programs\":[1]}", "{\"programs\":[{\"name\":\"a\"}]}"})
    EXPECT_EQ(plan_from_json(text).error().code, ErrorCode::kMalformed) << text;
}

TEST(HostedPlanTest, ProcessesGoThroughJsonAndBack) {
  const std::vector<RecordedProcess> processes{{"etcd", "d", {42, 123456789012ULL, "boot"}}};
  const auto back = processes_from_json(to_json(processes));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->at(0).identity, processes[0].identity);
  for (const char* text : {"", "[]", R"({"processes":[{}]})",
                           R"({"processes":[{"name":"a","digest":"d","bootId":"b","pid":-1,"startTicks":1}]})"})
    EXPECT_EQ(processes_from_json(text).error().code, ErrorCode::kMalformed) << text;
}

TEST(ClusterRecordTest, GoesThroughJsonAndBackAndDamageIsSeen) {
  ClusterRecord record;
  record.spec.id = "c1";
  record.spec.advertise_address = "10.77.0.1";
  record.ports = {20001, 20002, 20003, 20004};
  const auto back = cluster_record_from_json(to_json(record));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(to_json(*back), to_json(record));
  EXPECT_EQ(cluster_record_from_json("{}").error().code, ErrorCode::kMalformed);
}

TEST(ClusterRecordTest, ASpecThatNoClusterCanHaveIsRefused) {
  ClusterSpec good;
  good.id = "c1";
  good.advertise_address = "10.77.0.1";
  EXPECT_TRUE(check_spec(good).has_value());
  ClusterSpec bad = good;
  bad.advertise_address = "0.0.0.0";
  EXPECT_FALSE(check_spec(bad).has_value());
  bad = good;
  bad.service_cidr = "10.0.0.1/16";
  EXPECT_FALSE(check_spec(bad).has_value());
  bad.service_cidr = "10.0.0.0/16 --anonymous-auth=true";
  EXPECT_FALSE(check_spec(bad).has_value());
  EXPECT_EQ(*first_address("10.0.0.0/16"), "10.0.0.1");
}

TEST(Ports, AreFreeDistinctAndNotTaken) {
  SystemRandom random;
  const auto first = choose_free_ports({"127.0.0.1", "127.0.0.1", "127.0.0.1"}, {}, random);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(std::set<int>(first->begin(), first->end()).size(), 3U);
  EXPECT_THAT(*first, Each(testing::AllOf(testing::Ge(20000), testing::Lt(30000))));
  std::set<int> taken;
  for (int port = 20000; port < 30000; ++port) taken.insert(port);
  EXPECT_EQ(choose_free_ports({"127.0.0.1"}, taken, random).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(choose_free_ports({"203.0.113.7"}, {}, random).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace slipway::kube
