#include "apps/slipway/kubeconfig.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace slipway::cli {
namespace {

std::string kubeconfig(const std::string& user, const std::string& server) {
  return R"({"apiVersion": "v1", "kind": "Config", "current-context": "c",
    "clusters": [{"name": "c", "cluster": {"server": ")" +
         server + R"("}}], "contexts": [{"name": "c", "context": {"cluster": "c", "user": ")" + user +
         R"("}}], "users": [{"name": ")" + user + R"(", "user": {"client-key-data": "a2V5"}}]})";
}

const std::string kUser = kubeconfig("clusterUser_g_c", "https://one");

TEST(MergeKubeconfig, StartsANewFile) {
  const auto merged = merge_kubeconfig("", kUser, false).value();
  EXPECT_EQ(merged.context, "c");
  const YAML::Node file = YAML::Load(merged.text);
  EXPECT_EQ(file["kind"].as<std::string>(), "Config");
  EXPECT_EQ(file["current-context"].as<std::string>(), "c");
  EXPECT_EQ(file["users"][0]["user"]["client-key-data"].as<std::string>(), "a2V5");
}

TEST(MergeKubeconfig, KeepsWhatIsThere) {
  const std::string existing =
      "apiVersion: v1\nkind: Config\ncurrent-context: other\nextensions: {mine: \"true\"}\n"
      "clusters: [{name: other, cluster: {server: 'https://other'}}]\n"
      "contexts: [{name: other, context: {cluster: other, user: other}}]\n"
      "users: [{name: other, user: {exec: {env: [{name: A, value: \"1\"}], args: [null, 2]}}}]\n";
  const auto merged = merge_kubeconfig(existing, kUser, false).value();
  const YAML::Node file = YAML::Load(merged.text);
  ASSERT_EQ(file["clusters"].size(), 2u);
  EXPECT_EQ(file["clusters"][0]["cluster"]["server"].as<std::string>(), "https://other");
  EXPECT_EQ(file["current-context"].as<std::string>(), "c");
  // A text that looks like a truth value or a number is still a text.
  EXPECT_EQ(file["extensions"]["mine"].Tag(), "!");
  EXPECT_EQ(file["users"][0]["user"]["exec"]["env"][0]["value"].Tag(), "!");
  EXPECT_TRUE(file["users"][0]["user"]["exec"]["args"][0].IsNull());
  EXPECT_EQ(file["users"][0]["user"]["exec"]["args"][1].Tag(), "?");
}

TEST(MergeKubeconfig, ReplacesAnotherOfTheNameOnlyIfToldTo) {
  const std::string existing = merge_kubeconfig("", kUser, false).value().text;
  EXPECT_TRUE(merge_kubeconfig(existing, kUser, false)) << "the same again is no conflict";
  const std::string changed = kubeconfig("clusterUser_g_c", "https://two");
  const auto refused = merge_kubeconfig(existing, changed, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_NE(refused.error().message.find("--overwrite-existing"), std::string::npos);
  const YAML::Node file = YAML::Load(merge_kubeconfig(existing, changed, true).value().text);
  ASSERT_EQ(file["clusters"].size(), 1u);
  EXPECT_EQ(file["clusters"][0]["cluster"]["server"].as<std::string>(), "https://two");
}

TEST(MergeKubeconfig, AnAdministratorsContextStandsBesideTheUsers) {
  const std::string existing = merge_kubeconfig("", kUser, false).value().text;
  const auto merged = merge_kubeconfig(existing, kubeconfig("clusterAdmin_g_c", "https://one"), false).value();
  EXPECT_EQ(merged.context, "c-admin");
  const YAML::Node file = YAML::Load(merged.text);
  EXPECT_EQ(file["contexts"].size(), 2u);
  EXPECT_EQ(file["users"].size(), 2u);
  EXPECT_EQ(file["current-context"].as<std::string>(), "c-admin");
}

TEST(MergeKubeconfig, TheContextMayHaveAnotherName) {
  const auto merged = merge_kubeconfig("", kUser, false, "mine").value();
  EXPECT_EQ(merged.context, "mine");
  const YAML::Node file = YAML::Load(merged.text);
  EXPECT_EQ(file["contexts"][0]["name"].as<std::string>(), "mine");
  EXPECT_EQ(file["contexts"][0]["context"]["cluster"].as<std::string>(), "c");
  EXPECT_EQ(file["current-context"].as<std::string>(), "mine");
  EXPECT_EQ(merge_kubeconfig("", kubeconfig("clusterAdmin_g_c", "https://one"), false, "mine").value().context,
            "mine-admin");
}

TEST(MergeKubeconfig, AliasesOfAliasesAreBounded) {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 30; ++i) bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}]\n", i, i - 1);
  EXPECT_EQ(merge_kubeconfig(bomb, kUser, true).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(merge_kubeconfig("", bomb, true).error().code, ErrorCode::kResourceExhausted);
}

TEST(MergeKubeconfig, OtherFormsAreMalformed) {
  EXPECT_EQ(merge_kubeconfig("a: [", kUser, true).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("just text", kUser, true).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("", "{}", true).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("", R"({"contexts": [{"name": "c"}]})", true).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace slipway::cli
