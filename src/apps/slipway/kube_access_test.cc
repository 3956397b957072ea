#include "apps/slipway/kube_access.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace slipway::cli {
namespace {

const std::string kConfig = R"(
current-context: one
clusters: [{name: c, cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: Y2E=}}]
contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: c, user: t}}, {name: three, context: {cluster: c, user: e}}, {name: four, context: {cluster: none, user: u}}]
users:
- {name: u, user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}}
- {name: t, user: {token: secret}}
- {name: e, user: {exec: {command: login}}}
)";

TEST(KubeAccess, TakesTheCurrentContext) {
  const KubeAccess access = kube_access(kConfig, "", "").value();
  EXPECT_EQ(access.server, "https://10.0.0.1:6443");
  EXPECT_EQ(access.client.ca_pem, "ca");
  EXPECT_EQ(access.client.client_certificate_pem, "cert");
  EXPECT_EQ(access.client.client_key_pem, "key");
  EXPECT_EQ(access.token, "");
}

TEST(KubeAccess, TakesAContextByName) {
  const KubeAccess access = kube_access(kConfig, "two", "").value();
  EXPECT_EQ(access.token, "secret");
  EXPECT_EQ(access.client.client_certificate_pem, "");
}

TEST(KubeAccess, SaysWhatItCannotUse) {
  EXPECT_EQ(kube_access(kConfig, "three", "").error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(kube_access(kConfig, "four", "").error().message.find("\"none\" among its \"clusters\""),
            std::string::npos);
  EXPECT_NE(kube_access(kConfig, "five", "").error().message.find("\"five\" among its \"contexts\""),
            std::string::npos);
  EXPECT_EQ(kube_access("a: [", "", "").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(kube_access("text", "", "").error().code, ErrorCode::kMalformed);
  // Names that the file chose are no words for the terminal.
  for (const auto& [config, context] :
       {std::pair<std::string, std::string>{"current-context: \"\\e]52;c;x\\a\\e[2J\\N\"", ""},
        {"{contexts: [{name: a, context: {cluster: \"\\n\\e[1m\", user: u}}]}", "a"}}) {
    const std::string message = kube_access(config, context, "").error().message;
    EXPECT_NE(message.find("the kubeconfig has no \"?"), std::string::npos) << message;
    EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c != '\x7f'; })) << message;
  }
  // A parser stayed in this for ever.
  EXPECT_EQ(kube_access("!m*,chv`", "", "").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(kube_access("a: [1\nb: 2", "", "").error().message,
            "the kubeconfig cannot be read: line 2, column 2: did not find expected ',' or ']' while parsing a flow "
            "sequence from line 1");
  EXPECT_EQ(kube_access(std::string((4U << 20) + 1, ' '), "", "").error().code, ErrorCode::kResourceExhausted);
  std::string plain = kConfig;
  plain.replace(plain.find("https"), 5, "http");
  EXPECT_EQ(kube_access(plain, "", "").error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace slipway::cli
