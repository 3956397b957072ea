#include "apps/slipway/kubeconfig.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "apps/slipway/yaml_document.h"

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

// The server's kubeconfig has to be a context's; any other text can be what is there.
std::string kept(const std::string& text) {
  const auto merged = merge_kubeconfig("extensions: {mine: " + text + "}", kUser, false);
  if (!merged) return merged.error().message;
  return read_yaml_document(merged->text).value().member("extensions").member("mine").text;
}

TEST(MergeKubeconfig, TextsStayWhatTheyAre) {
  EXPECT_EQ(kept(R"("\x7f")"), "\x7f");
  EXPECT_EQ(kept(R"("\u2028\u2029")"), "\xe2\x80\xa8\xe2\x80\xa9");
  EXPECT_EQ(kept(R"("\uFFFE\uFFFF \U0001F6A2")"), "\xef\xbf\xbe\xef\xbf\xbf \xf0\x9f\x9a\xa2");
  EXPECT_EQ(kept(R"("\e[2J\0\x85\xa0\n ")"), std::string("\x1b[2J\0\xc2\x85\xc2\xa0\n ", 11));
  EXPECT_EQ(kept("gr\xc3\xb6\xc3\x9f"), "gr\xc3\xb6\xc3\x9f");
  const auto merged = merge_kubeconfig("a: !!str 1\nb: !!int \"2\"\n", kUser, false).value();
  const YAML::Node file = YAML::Load(merged.text);
  EXPECT_EQ(file["a"].Tag(), "!");
  EXPECT_EQ(file["b"].Tag(), "?");
}

TEST(MergeKubeconfig, ANameThatLooksLikeAnotherTypeIsQuoted) {
  const auto merged = merge_kubeconfig("", kUser, false, "true").value();
  EXPECT_EQ(YAML::Load(merged.text)["current-context"].Tag(), "!");
  EXPECT_EQ(merge_kubeconfig("", kUser, false, "\xe2\x80\xa8").value().context, "\xe2\x80\xa8");
  EXPECT_EQ(merge_kubeconfig("", kUser, false, "\xff").error().code, ErrorCode::kInvalidArgument);
}

TEST(MergeKubeconfig, TheSameWrittenOtherwiseIsNoConflict) {
  EXPECT_TRUE(merge_kubeconfig("clusters:\n- name: c\n  cluster:\n    server: https://one\n", kUser, false));
  EXPECT_EQ(merge_kubeconfig("clusters: [{name: c, cluster: {server: 1}}]", kubeconfig("u", "1"), false).error().code,
            ErrorCode::kConflict)
      << "a number is no text";
  // Of two that are there, the second may be the other one.
  EXPECT_EQ(
      merge_kubeconfig("clusters: [{name: c, cluster: {server: 'https://one'}}, {name: c}]", kUser, false).error().code,
      ErrorCode::kConflict);
}

TEST(MergeKubeconfig, NothingThatIsThereIsLost) {
  // Elements without a name, and a list that is none.
  const auto merged = merge_kubeconfig("clusters: [text, ~, {name: [x]}, {}]", kUser, false).value();
  EXPECT_EQ(YAML::Load(merged.text)["clusters"].size(), 5u);
  EXPECT_EQ(YAML::Load(merge_kubeconfig("clusters: ~", kUser, false).value().text)["clusters"].size(), 1u);
  EXPECT_EQ(merge_kubeconfig("clusters: {a: b}", kUser, true).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("a: b\n---\nc: d\n", kUser, true).error().code, ErrorCode::kMalformed);
}

TEST(MergeKubeconfig, WhatIsWrittenStaysWithinTheLimits) {
  // Each of these is a line of its own then, with an indentation of twice the level.
  std::string deep = "a: ";
  for (int i = 0; i < 60; ++i) deep += '[';
  for (int i = 0; i < 90000; ++i) deep += "a,";
  deep += std::string(60, ']');
  EXPECT_EQ(merge_kubeconfig(deep, kUser, true).error().code, ErrorCode::kResourceExhausted);
}

TEST(MergeKubeconfig, OtherFormsAreMalformed) {
  // A parser stayed in this for ever.
  EXPECT_EQ(merge_kubeconfig("!m*,chv`", kUser, true).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("", "!m*,chv`", true).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("a: [1\nb: 2", kUser, true).error().message,
            "a kubeconfig cannot be read (line 2, column 2: did not find expected ',' or ']' while parsing a flow "
            "sequence from line 1); repair it, or use --file FILE to write elsewhere");
  EXPECT_EQ(merge_kubeconfig("", R"({"clusters": [{"name": "c"}, {"name": "c"}], "contexts": [{"name": "c",
      "context": {"user": "u"}}]})",
                             true)
                .error()
                .code,
            ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("", R"({"users": [{}], "contexts": [{"name": "c", "context": {"user": "u"}}]})", true)
                .error()
                .code,
            ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("a: [", kUser, true).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("just text", kUser, true).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("", "{}", true).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(merge_kubeconfig("", R"({"contexts": [{"name": "c"}]})", true).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace slipway::cli
