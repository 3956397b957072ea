// Where the two profiles differ, row by row of the specification (G1-G12, Q5), and what each calls its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "fleet/rules.h"

namespace slipway::fleet {
namespace {

using testing::HasSubstr;

PoolRequest trusted_pool() {
  PoolRequest pool;
  pool.name = "pool1";
  pool.mode = "System";
  pool.vtpm = pool.secure_boot = true;
  return pool;
}

std::vector<Error> judge(const char* profile, const PoolRequest& pool, bool feature = true,
                         const std::string& api_version = {}) {
  Circumstances circumstances;
  circumstances.kubernetes_version = "1.25.2";
  circumstances.feature_effective = circumstances.feature_registered = feature;
  circumstances.api_version = api_version;
  return judge_pool(pool, circumstances, built_in_rules_profile(profile).value(), built_in_vm_sizes());
}

// One change of a good pool: whether each profile lets it through.
TEST(Profiles, DifferWhereTheArticlesDo) {
  struct Row {
    std::string row;
    std::function<void(PoolRequest&)> change;
    bool preview, ga;
    bool feature = true;
  };
  const std::vector<Row> rows = {
      {"as it is", [](auto&) {}, true, true},
      {"G1", [](auto&) {}, false, true, false},
      {"G2 Arm64", [](auto& p) { p.vm_size = "Standard_D2ps_v5"; }, false, false},
      {"G2 Pod Sandboxing", [](auto& p) { p.workload_runtime = "KataVmIsolation"; }, false, false},
      {"G2 confidential VM", [](auto& p) { p.vm_size = "Standard_DC2as_v5"; }, false, false},
      {"G2 Flatcar", [](auto& p) { p.os_sku = "Flatcar"; }, false, false},
      {"G3", [](auto& p) { p.fips = true, p.os_sku = "Ubuntu2204"; }, false, true},
      {"G3 on another system", [](auto& p) { p.fips = true, p.os_sku = "AzureLinux"; }, false, false},
      {"G4 Ubuntu", [](auto& p) { p.vm_size = "Standard_NC4as_T4_v3", p.os_sku = "Ubuntu"; }, false, false},
      {"G4 Azure Linux", [](auto& p) { p.vm_size = "Standard_NC4as_T4_v3", p.os_sku = "AzureLinux"; }, false, true},
      {"G10 both", [](auto& p) { p.os_sku = "AzureContainerLinux"; }, true, true},
      {"G10 one", [](auto& p) { p.os_sku = "AzureContainerLinux", p.vtpm = false; }, true, false},
      {"G10 none", [](auto& p) { p.os_sku = "AzureContainerLinux", p.vtpm = p.secure_boot = false; }, true, false},
      {"G12 1000 nodes", [](auto& p) { p.count = 1000; }, true, true},
      {"G12 1001 nodes", [](auto& p) { p.count = 1001; }, false, false},
      {"Q4 digits", [](auto& p) { p.name = "a1b2"; }, true, true},
      {"Q5 11 characters", [](auto& p) { p.name = "abcdefghijk"; }, true, true},
      {"Q5 12 characters", [](auto& p) { p.name = "abcdefghijkl"; }, false, true},
      {"Q5 13 characters", [](auto& p) { p.name = "abcdefghijklm"; }, false, false},
  };
  for (const Row& row : rows) {
    PoolRequest pool = trusted_pool();
    row.change(pool);
    const auto preview = judge("preview", pool, row.feature);
    const auto ga = judge("ga", pool, row.feature);
    EXPECT_EQ(preview.empty(), row.preview) << row.row << (preview.empty() ? "" : ": " + preview[0].message);
    EXPECT_EQ(ga.empty(), row.ga) << row.row << (ga.empty() ? "" : ": " + ga[0].message);
  }
}

// Q5: Windows is not supported, and its name is judged by its own length all the same.
TEST(Profiles, WindowsHasShorterNames) {
  PoolRequest pool = trusted_pool();
  pool.vtpm = pool.secure_boot = false;
  pool.os_type = "Windows";
  pool.name = "abcdef";
  EXPECT_EQ(judge("preview", pool).size(), 1U);
  pool.name = "abcdefg";
  const auto errors = judge("preview", pool);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_THAT(errors[0].message, HasSubstr("1 to 6"));
}

// S50: each spelling satisfies the rule (pool_request_from reads all three); the message has the client's own.
TEST(Profiles, TheGpuRuleSpeaksTheClientsApiVersion) {
  PoolRequest pool = trusted_pool();
  pool.vm_size = "Standard_NC4as_T4_v3";
  struct Row {
    std::string version, target, word;
  };
  for (const Row& row : {Row{"", "agentPoolProfile.gpuProfile", "gpuProfile.driver to None (--gpu-driver None)"},
                         Row{"2025-02-01", "agentPoolProfile.gpuProfile", "--gpu-driver None"},
                         Row{"2025-06-02-preview", "agentPoolProfile.gpuProfile", "--gpu-driver None"},
                         Row{"2024-02-02-preview", "agentPoolProfile.gpuProfile", "--skip-gpu-driver-install"},
                         Row{"2022-09-01", "agentPoolProfile.tags", "SkipGPUDriverInstall=true"}}) {
    const auto errors = judge("preview", pool, true, row.version);
    ASSERT_EQ(errors.size(), 1U) << row.version;
    EXPECT_EQ(errors[0].target, row.target) << row.version;
    EXPECT_THAT(errors[0].message, HasSubstr(row.word)) << row.version;
  }
}

// What a pool has already is kept without the feature; only turning something on needs it.
TEST(Profiles, TheFeatureIsNeededToTurnOnAlone) {
  Circumstances circumstances;
  circumstances.kubernetes_version = "1.25.2";
  const RulesProfile profile = built_in_rules_profile("preview").value();
  const auto count = [&](bool had_vtpm, bool had_secure_boot) {
    circumstances.had_vtpm = had_vtpm;
    circumstances.had_secure_boot = had_secure_boot;
    return judge_pool(trusted_pool(), circumstances, profile, built_in_vm_sizes()).size();
  };
  EXPECT_EQ(count(true, true), 0U);
  EXPECT_EQ(count(true, false), 1U);
  EXPECT_EQ(count(false, true), 1U);
  EXPECT_EQ(count(false, false), 1U);
}

}  // namespace
}  // namespace slipway::fleet
