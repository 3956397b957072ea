#include "fleet/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "fleet/built_in_data.h"

namespace slipway::fleet {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

RulesProfile preview() { return built_in_rules_profile("preview").value(); }
RulesProfile ga() { return built_in_rules_profile("ga").value(); }

PoolRequest trusted_pool() {
  PoolRequest pool;
  pool.name = "pool1";
  pool.mode = "System";
  pool.vtpm = true;
  pool.secure_boot = true;
  return pool;
}

Circumstances good_circumstances() {
  Circumstances circumstances;
  circumstances.kubernetes_version = "1.25.2";
  circumstances.feature_effective = true;
  circumstances.feature_registered = true;
  return circumstances;
}

std::vector<std::string> targets(const std::vector<Error>& errors) {
  std::vector<std::string> result;
  for (const Error& error : errors) result.push_back(error.target);
  return result;
}

std::vector<Error> judge(const PoolRequest& pool, const RulesProfile& profile = preview()) {
  return judge_pool(pool, good_circumstances(), profile, built_in_vm_sizes());
}

TEST(Rules, ATrustedPoolWithDefaultsMayBeMade) {
  EXPECT_THAT(judge(trusted_pool()), IsEmpty());
  EXPECT_THAT(judge(trusted_pool(), ga()), IsEmpty());
}

// One row for each rule that a single change breaks.
TEST(Rules, EachRuleIsBrokenByItself) {
  struct Row {
    std::string row;
    std::function<void(PoolRequest&)> change;
    std::string target, code, word;
  };
  const std::vector<Row> rows = {
      {"S46", [](auto& p) { p.os_type = "Windows"; }, "agentPoolProfile.osType", "TrustedLaunchIncompatibleWithConfig",
       "Windows"},
      {"S47", [](auto& p) { p.fips = true; }, "agentPoolProfile.enableFIPS", "TrustedLaunchIncompatibleWithConfig",
       "FIPS"},
      {"S48", [](auto& p) { p.vm_size = "Standard_D4ps_v5"; }, "agentPoolProfile.vmSize",
       "TrustedLaunchIncompatibleWithConfig", "arm64"},
      {"S49", [](auto& p) { p.type = "AvailabilitySet"; }, "agentPoolProfile.type",
       "TrustedLaunchIncompatibleWithConfig", "VirtualMachineScaleSets"},
      {"S50", [](auto& p) { p.vm_size = "standard_nc4as_t4_v3"; }, "agentPoolProfile.gpuProfile",
       "TrustedLaunchIncompatibleWithConfig", "--gpu-driver None"},
      {"S32", [](auto& p) { p.vm_size = "Standard_D2_v3"; }, "agentPoolProfile.vmSize",
       "TrustedLaunchIncompatibleWithConfig", "generation 1"},
      {"S53", [](auto& p) { p.os_disk_type = "Ephemeral", p.vm_size = "Standard_D2s_v5"; },
       "agentPoolProfile.osDiskType", "InvalidParameter", "Slipway_S2"},
      {"confidential size", [](auto& p) { p.vm_size = "Standard_DC2as_v5"; }, "agentPoolProfile.vmSize",
       "TrustedLaunchIncompatibleWithConfig", "Standard_DC2as_v5"},
      {"unknown size", [](auto& p) { p.vm_size = "Standard_Nope"; }, "agentPoolProfile.vmSize", "InvalidParameter",
       "Standard_Nope"},
      {"sandboxing", [](auto& p) { p.workload_runtime = "KataMshvVmIsolation"; }, "agentPoolProfile.workloadRuntime",
       "TrustedLaunchIncompatibleWithConfig", "Sandboxing"},
      {"Flatcar", [](auto& p) { p.os_sku = "Flatcar"; }, "agentPoolProfile.osSKU",
       "TrustedLaunchIncompatibleWithConfig", "Flatcar"},
      {"mode", [](auto& p) { p.mode = "user"; }, "agentPoolProfile.mode", "InvalidParameter", "System or User"},
      {"no node in a system pool", [](auto& p) { p.count = 0; }, "agentPoolProfile.count", "InvalidParameter", "1 to"},
      {"-1 nodes", [](auto& p) { p.mode = "User", p.count = -1; }, "agentPoolProfile.count", "InvalidParameter", "-1"},
      {"1001 nodes", [](auto& p) { p.count = 1001; }, "agentPoolProfile.count", "InvalidParameter", "1000"},
      {"S70", [](auto& p) { p.name = "MyPool"; }, "agentPoolProfile.name", "InvalidParameter", "lower-case"},
      {"S70", [](auto& p) { p.name = "my-pool"; }, "agentPoolProfile.name", "InvalidParameter", "lower-case"},
      {"S71", [](auto& p) { p.name = "1pool"; }, "agentPoolProfile.name", "InvalidParameter", "letter first"},
      {"S72", [](auto& p) { p.name = ""; }, "agentPoolProfile.name", "InvalidParameter", "1 to 11"},
      {"S72", [](auto& p) { p.name = "abcdefghijkl"; }, "agentPoolProfile.name", "InvalidParameter", "1 to 11"},
      {"S53 by its size", [](auto& p) { p.os_disk_type = "Ephemeral", p.os_disk_size_gib = 100; },
       "agentPoolProfile.osDiskType", "InvalidParameter", "Standard_D4s_v3"},
      {"disk of 29 GiB", [](auto& p) { p.os_disk_size_gib = 29; }, "agentPoolProfile.osDiskSizeGB", "InvalidParameter",
       "30 to 2048"},
      {"9 pods", [](auto& p) { p.maximum_pods = 9; }, "agentPoolProfile.maxPods", "InvalidParameter", "10 to 250"},
      {"drain of 1441 minutes", [](auto& p) { p.drain_timeout_minutes = 1441; },
       "agentPoolProfile.upgradeSettings.drainTimeoutInMinutes", "InvalidParameter", "1 to 1440"},
      {"version of a pool", [](auto& p) { p.orchestrator_version = "1.24"; }, "agentPoolProfile.orchestratorVersion",
       "K8sVersionNotSupported", "1.25.2"},
      {"disk type", [](auto& p) { p.os_disk_type = "Other"; }, "agentPoolProfile.osDiskType", "InvalidParameter",
       "Managed or Ephemeral"},
  };
  for (const Row& row : rows) {
    PoolRequest pool = trusted_pool();
    row.change(pool);
    const std::vector<Error> errors = judge(pool);
    ASSERT_EQ(errors.size(), 1U) << row.row << ": " << testing::PrintToString(targets(errors));
    EXPECT_EQ(errors[0].target, row.target) << row.row;
    EXPECT_EQ(errors[0].reason, row.code) << row.row;
    EXPECT_THAT(errors[0].message, HasSubstr(row.word)) << row.row;
  }
}

TEST(Rules, WhatIsAllowedIsAllowed) {
  const std::vector<std::function<void(PoolRequest&)>> changes = {
      [](auto& p) { p.name = "a"; },
      [](auto& p) { p.name = "abcdefghij1"; },
      [](auto& p) { p.mode = "User", p.count = 0; },
      [](auto& p) { p.count = 1000; },
      [](auto& p) { p.vm_size = "standard_d2S_V3"; },
      [](auto& p) { p.os_disk_type = "Ephemeral"; },                                  // S51
      [](auto& p) { p.vm_size = "Standard_NC4as_T4_v3", p.skip_gpu_driver = true; },  // S50
      [](auto& p) { p.vm_size = "Standard_NC4as_T4_v3", p.secure_boot = false; },     // S50: Secure Boot alone
      [](auto& p) { p.vtpm = p.secure_boot = false, p.fips = true; },                 // S47: Trusted Launch alone
      [](auto& p) { p.vtpm = p.secure_boot = false, p.vm_size = "Standard_DC2as_v5"; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    PoolRequest pool = trusted_pool();
    changes[i](pool);
    EXPECT_THAT(targets(judge(pool)), IsEmpty()) << "row " << i;
  }
}

TEST(Rules, MessagesHaveTheirVerbsInTheRightNumber) {
  PoolRequest pool = trusted_pool();
  pool.fips = true;
  EXPECT_THAT(judge(pool).at(0).message, HasSubstr("vTPM and Secure Boot are not supported on"));
  pool.vtpm = false;
  EXPECT_THAT(judge(pool).at(0).message, HasSubstr("Secure Boot is not supported on"));
  Circumstances circumstances = good_circumstances();
  circumstances.feature_effective = false;
  EXPECT_THAT(judge_pool(trusted_pool(), circumstances, preview(), built_in_vm_sizes()).at(0).message,
              HasSubstr("vTPM and Secure Boot need the preview feature"));
}

TEST(Rules, AllBrokenRulesAreNamedAtOnce) {
  PoolRequest pool = trusted_pool();
  pool.name = "Bad";
  pool.fips = true;
  pool.type = "AvailabilitySet";
  Circumstances circumstances = good_circumstances();
  circumstances.kubernetes_version = "1.25.1";
  circumstances.feature_effective = false;
  EXPECT_THAT(targets(judge_pool(pool, circumstances, preview(), built_in_vm_sizes())),
              UnorderedElementsAre("agentPoolProfile.name", "agentPoolProfile.enableFIPS", "agentPoolProfile.type",
                                   "agentPoolProfile.orchestratorVersion", "agentPoolProfile.securityProfile"));
}

TEST(Rules, KubernetesVersionIsComparedAsAVersion) {
  for (const auto& [version, is_good] : std::vector<std::pair<std::string, bool>>{{"1.25.1", false},
                                                                                  {"1.25.2", true},
                                                                                  {"1.25.10", true},
                                                                                  {"1.9.99", false},
                                                                                  {"v1.26.0", true},
                                                                                  {"2.0", true},
                                                                                  {"", false},
                                                                                  {"junk", false},
                                                                                  {"1.25", false}}) {
    Circumstances circumstances = good_circumstances();
    circumstances.kubernetes_version = version;
    EXPECT_EQ(judge_pool(trusted_pool(), circumstances, preview(), built_in_vm_sizes()).empty(), is_good) << version;
  }
  RulesProfile lowered = preview();
  lowered.minimum_kubernetes_version = "1.20.2";
  Circumstances circumstances = good_circumstances();
  circumstances.kubernetes_version = "1.20.2";
  EXPECT_THAT(judge_pool(trusted_pool(), circumstances, lowered, built_in_vm_sizes()), IsEmpty());
}

TEST(Rules, TheFeatureMustBeRegisteredInTheRightOrder) {
  Circumstances circumstances = good_circumstances();
  circumstances.feature_effective = false;
  circumstances.feature_registered = false;
  const auto unregistered = judge_pool(trusted_pool(), circumstances, preview(), built_in_vm_sizes());
  ASSERT_EQ(unregistered.size(), 1U);
  EXPECT_EQ(unregistered[0].reason, "BadRequest");
  EXPECT_THAT(unregistered[0].message, HasSubstr("feature register"));
  EXPECT_THAT(unregistered[0].message, HasSubstr("provider register"));

  circumstances.feature_registered = true;
  const auto not_refreshed = judge_pool(trusted_pool(), circumstances, preview(), built_in_vm_sizes());
  ASSERT_EQ(not_refreshed.size(), 1U);
  EXPECT_THAT(not_refreshed[0].message, testing::Not(HasSubstr("feature register ")));
  EXPECT_THAT(not_refreshed[0].message, HasSubstr("provider register"));

  EXPECT_THAT(judge_pool(trusted_pool(), circumstances, ga(), built_in_vm_sizes()), IsEmpty());
  PoolRequest plain = trusted_pool();
  plain.vtpm = plain.secure_boot = false;
  EXPECT_THAT(judge_pool(plain, circumstances, preview(), built_in_vm_sizes()), IsEmpty());
}

TEST(Rules, TheProfilesDifferWhereTheArticlesDo) {
  PoolRequest pool = trusted_pool();
  pool.fips = true;
  pool.os_sku = "Ubuntu2204";
  pool.name = "abcdefghijkl";
  EXPECT_THAT(judge(pool, ga()), IsEmpty());
  EXPECT_EQ(judge(pool).size(), 2U);
}

TEST(Rules, PoolsOfAClusterTogether) {
  PoolRequest system = trusted_pool();
  PoolRequest user = trusted_pool();
  user.name = "pool2";
  user.mode = "User";
  EXPECT_THAT(judge_pools_together({system, user}, preview()), IsEmpty());
  EXPECT_THAT(judge_pools_together({}, preview()), testing::SizeIs(1));
  EXPECT_THAT(judge_pools_together({user}, preview()), testing::SizeIs(1));
  EXPECT_THAT(judge_pools_together({system, system}, preview()), testing::SizeIs(1));
  EXPECT_THAT(judge_pools_together(std::vector<PoolRequest>(101, system), preview()), testing::SizeIs(101));
  Circumstances circumstances = good_circumstances();
  circumstances.other_nodes_in_cluster = 4998;
  EXPECT_THAT(targets(judge_pool(system, circumstances, preview(), built_in_vm_sizes())),
              ElementsAre("agentPoolProfile.count"));
}

TEST(Rules, LocationsArePartOfUrlsAndNames) {
  for (const char* good : {"local", "West Europe", "eu-west_1.a", "9"}) EXPECT_THAT(judge_location(good), IsEmpty());
  for (const std::string& bad :
       {std::string(), std::string(" a"), std::string("a/b"), std::string("a\r\nX: y"), std::string("a?b"),
        std::string("m\xc3\xbcnchen"), std::string(65, 'a'), std::string(66000, 'a')}) {
    const auto errors = judge_location(bad);
    ASSERT_EQ(errors.size(), 1U) << bad;
    EXPECT_EQ(errors[0].reason, bad.empty() ? "LocationRequired" : "InvalidParameter");
    EXPECT_LT(errors[0].message.size(), 300U);
    EXPECT_EQ(errors[0].message.find('\r'), std::string::npos);
  }
}

TEST(Rules, NamesOfClustersAndGroups) {
  for (const char* good : {"a", "myAKSCluster", "a_b-c9", "9"})
    EXPECT_THAT(judge_cluster_name(good, preview()), IsEmpty()) << good;
  for (const std::string& bad : {std::string(), std::string("-a"), std::string("a_"), std::string("a.b"),
                                 std::string("a b"), std::string(64, 'a'), std::string("\xc3\xa4")}) {
    EXPECT_EQ(judge_cluster_name(bad, preview()).size(), 1U) << bad;
  }
  for (const char* good : {"g", "myResourceGroup", "a.b(c)-_", "-a"}) {
    EXPECT_THAT(judge_resource_group_name(good, preview()), IsEmpty()) << good;
  }
  for (const std::string& bad : {std::string(), std::string("a."), std::string("a/b"), std::string(91, 'a')}) {
    EXPECT_EQ(judge_resource_group_name(bad, preview()).size(), 1U) << bad;
  }
}

TEST(RulesProfile, IsReadStrictly) {
  const std::string good(built_in_file("rules/preview.json"));
  ASSERT_TRUE(rules_profile_from_json(good)) << rules_profile_from_json(good).error().message;
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return rules_profile_from_json(text);
  };
  EXPECT_FALSE(with("\"featureRequired\": true,", ""));
  EXPECT_FALSE(with("\"featureRequired\"", "\"featureRequred\""));
  EXPECT_FALSE(with("\"1.25.2\"", "\"new\""));
  EXPECT_FALSE(with("\"1.25.2\"", "1.25"));
  EXPECT_FALSE(with("\"maximumPoolLength\": 11", "\"maximumPoolLength\": 0"));
  EXPECT_FALSE(with("\"Flatcar\"", "7"));
  EXPECT_FALSE(with("[\"Flatcar\"]", "\"Flatcar\""));
  EXPECT_FALSE(with("\"drainTimeoutMinutes\": 30", "\"drainTimeoutMinutes\": 1441"));
  EXPECT_FALSE(with("\"pools\"", "\"pool\""));
  EXPECT_FALSE(rules_profile_from_json(""));
  EXPECT_FALSE(rules_profile_from_json(std::string(70000, ' ')));
  EXPECT_EQ(built_in_rules_profile("other").error().code, ErrorCode::kNotFound);
}

TEST(VmSizes, TheBuiltInTableHasOurDefaultAndAzuresNames) {
  const VmSizes& sizes = built_in_vm_sizes();
  ASSERT_NE(sizes.find(""), nullptr);
  EXPECT_EQ(sizes.find("")->name, "Slipway_S2");
  EXPECT_EQ(sizes.find("")->vcpus, 2);
  EXPECT_EQ(sizes.find("")->memory_mib, 2048);
  for (const char* name : {"Standard_DS2_v2", "Standard_D4s_v3", "standard_b2S", "Standard_D2as_v5"}) {
    ASSERT_NE(sizes.find(name), nullptr) << name;
    EXPECT_TRUE(sizes.find(name)->trusted_launch) << name;
  }
  EXPECT_EQ(sizes.find("Standard_D2"), nullptr);
}

TEST(VmSizes, AreReadStrictly) {
  const std::string good(built_in_file("vm-sizes.json"));
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return vm_sizes_from_json(text);
  };
  EXPECT_FALSE(with("\"Slipway_S2\"", "\"Slipway_S9\""));
  EXPECT_FALSE(with("\"name\": \"Slipway_S1\"", "\"name\": \"slipway_s2\""));
  EXPECT_FALSE(with("\"vcpus\": 1", "\"vcpus\": 0"));
  EXPECT_FALSE(with("\"gpu\": false", "\"gpus\": false"));
  EXPECT_FALSE(vm_sizes_from_json("{}"));
}

}  // namespace
}  // namespace slipway::fleet
