#include "apps/slipway/kubernetes_manifest.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

// The manifest as the article prints it, Q3.
constexpr std::string_view kArticle = R"(apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  nodeSelector:
    kubernetes.azure.com/trusted-launch: true  # needs a TPM
    kubernetes.azure.com/secure-boot: "true"
  containers:
  - name: main
    image: busybox
)";

TEST(Manifest, FindsAnUnquotedLabelValueAndCorrectsItsLine) {
  const Manifest manifest = read_kubernetes_manifest(kArticle).value();
  ASSERT_EQ(manifest.unquoted.size(), 1u);
  const UnquotedValue& found = manifest.unquoted[0];
  EXPECT_EQ(found.line, 7u);
  EXPECT_EQ(found.object, "Pod web");
  EXPECT_EQ(found.place, "nodeSelector");
  EXPECT_EQ(found.key, "kubernetes.azure.com/trusted-launch");
  EXPECT_EQ(found.type, YamlScalar::kBoolean);
  EXPECT_EQ(found.written, "    kubernetes.azure.com/trusted-launch: true  # needs a TPM");
  EXPECT_EQ(found.corrected, "    kubernetes.azure.com/trusted-launch: \"true\"  # needs a TPM");
}

TEST(Manifest, TheCorrectedLineIsRight) {
  std::string corrected(kArticle);
  const UnquotedValue found = read_kubernetes_manifest(kArticle).value().unquoted.at(0);
  corrected.replace(corrected.find(found.written), found.written.size(), found.corrected);
  EXPECT_TRUE(read_kubernetes_manifest(corrected).value().unquoted.empty());
}

TEST(Manifest, LooksAtEveryPlaceThatTakesTextsAlone) {
  const Manifest manifest = read_kubernetes_manifest(R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, labels: {a: yes}, annotations: {b: 1}}
spec:
  selector: {matchLabels: {c: 1.5}}
  template:
    metadata: {labels: {c: on}}
    spec:
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
            - matchExpressions: [{key: e, operator: In, values: [true, "true"]}]
      containers: [{name: x, image: y, ports: [{containerPort: 80}]}]
  replicas: 2
)")
                                .value();
  std::vector<std::string> keys;
  for (const auto& each : manifest.unquoted) keys.push_back(each.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b", "c", "c", "e"}));
  ASSERT_EQ(manifest.pods.size(), 1u);
  ASSERT_EQ(manifest.pods[0].terms.size(), 1u);
  EXPECT_EQ(manifest.pods[0].terms[0][0].values, (std::vector<std::string>{"true", "true"}));
}

TEST(Manifest, ReadsWhatPodsAskFor) {
  const Manifest manifest = read_kubernetes_manifest(R"(
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {nodeName: n, containers: [{name: c}]}}
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: two}
  spec: {jobTemplate: {spec: {template: {spec: {nodeSelector: {k: "v"}, tolerations: [{key: t, operator: Exists}], containers: [{name: c}]}}}}}
---
kind: Service
metadata: {name: three}
spec: {ports: [{port: 1}]}
)")
                                .value();
  EXPECT_TRUE(manifest.unquoted.empty());
  ASSERT_EQ(manifest.pods.size(), 2u);
  EXPECT_EQ(manifest.pods[0].object, "Pod one");
  EXPECT_EQ(manifest.pods[0].node_name, "n");
  EXPECT_EQ(manifest.pods[1].object, "CronJob two");
  EXPECT_EQ(manifest.pods[1].selector[0].values[0], "v");
  EXPECT_EQ(manifest.pods[1].tolerations[0].key, "t");
}

TEST(Manifest, ReadsJson) {
  const Manifest manifest =
      read_kubernetes_manifest(
          R"({"kind":"Pod","metadata":{"name":"j"},"spec":{"nodeSelector":{"k":true},"containers":[{}]}})")
          .value();
  ASSERT_EQ(manifest.unquoted.size(), 1u);
  EXPECT_NE(manifest.unquoted[0].corrected.find(R"({"k":"true"})"), std::string::npos);
}

TEST(Manifest, AMissingValueOrAPlainWordIsNoMistake) {
  EXPECT_TRUE(
      read_kubernetes_manifest("metadata: {labels: {a: , b: web, c: 1.2.3, d: 2026-11-23}}").value().unquoted.empty());
  EXPECT_TRUE(read_kubernetes_manifest("").value().pods.empty());
  EXPECT_EQ(read_kubernetes_manifest("").value().objects, 0U);
  EXPECT_EQ(read_kubernetes_manifest("hello world").value().objects, 0U);
  EXPECT_EQ(read_kubernetes_manifest("{kind: Pod}\n---\nnothing\n---\nkind: Service\n").value().objects, 2U);
  EXPECT_TRUE(read_kubernetes_manifest("just text").value().pods.empty());
}

TEST(Manifest, IsBounded) {
  EXPECT_EQ(read_kubernetes_manifest(std::string((1U << 20) + 1, ' ')).error().code, ErrorCode::kResourceExhausted);
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "---\na: b\n";
  EXPECT_EQ(read_kubernetes_manifest(many).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(read_kubernetes_manifest("a: [").error().code, ErrorCode::kMalformed);
  // Each line doubles the one before: a thousand million values in 400 bytes.
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 30; ++i)
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + ", *a" +
            std::to_string(i - 1) + "]\n";
  EXPECT_EQ(read_kubernetes_manifest(bomb).error().code, ErrorCode::kResourceExhausted);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "{a: ";
  EXPECT_FALSE(read_kubernetes_manifest(deep + std::string(100, '}')));
}

TEST(Manifest, SaysWhereItIsNoYaml) {
  const auto manifest = read_kubernetes_manifest("kind: Pod\nmetadata: name: web\n");
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::kMalformed);
  EXPECT_EQ(manifest.error().message,
            "it cannot be read as YAML: line 2, column 15: mapping values are not allowed in this context");
  // A parser stayed in this for ever.
  EXPECT_EQ(read_kubernetes_manifest("!m*,chv`").error().code, ErrorCode::kMalformed);
}

TEST(Manifest, FindsTheColumnBehindCharactersOfManyBytes) {
  const UnquotedValue found = read_kubernetes_manifest(
                                  "kind: Pod\r\nmetadata: {labels: {gr\xc3\xb6\xc3\x9f"
                                  "e: 1}}\r\n")
                                  .value()
                                  .unquoted.at(0);
  EXPECT_EQ(found.line, 2u);
  EXPECT_EQ(found.column, 30u);
  EXPECT_EQ(found.corrected,
            "metadata: {labels: {gr\xc3\xb6\xc3\x9f"
            "e: \"1\"}}");
}

TEST(Manifest, AValueWithATagIsOfTheTagsType) {
  const Manifest manifest =
      read_kubernetes_manifest("metadata: {labels: {a: !!str 1, b: !!int \"1\", c: &x true}}").value();
  ASSERT_EQ(manifest.unquoted.size(), 2u);
  EXPECT_EQ(manifest.unquoted[0].key, "b");
  EXPECT_EQ(manifest.unquoted[0].corrected, "");
  EXPECT_EQ(manifest.unquoted[1].key, "c");
}

// Thousands of mistakes in one line of a mebibyte, or under one name of that length, are not each told with all of it.
TEST(Manifest, FindingsAreShort) {
  std::string labels;
  for (int i = 0; i < 1000; ++i) labels += "a" + std::to_string(i) + ": 1, ";
  const Manifest wide = read_kubernetes_manifest("metadata: {labels: {" + labels + "}}").value();
  ASSERT_EQ(wide.unquoted.size(), 1000u);
  EXPECT_EQ(wide.unquoted[999].written, "");
  EXPECT_EQ(wide.unquoted[999].corrected, "");
  std::string name(1, 'n');
  for (int i = 0; i < 5000; ++i) name += "\xc3\xb6";
  const Manifest named =
      read_kubernetes_manifest("kind: " + name + "\nmetadata: {name: " + name +
                               "}\nspec: {containers: [], matchExpressions: [{key: " + name + ", values: [1]}]}\n")
          .value();
  EXPECT_LT(named.unquoted.at(0).object.size(), 700u);
  EXPECT_LT(named.unquoted.at(0).key.size(), 350u);
  EXPECT_LT(named.pods.at(0).object.size(), 700u);
  // A character that is cut in two would be no JSON.
  EXPECT_TRUE(named.unquoted.at(0).key.ends_with("\xef\xbf\xbd"));
}

}  // namespace
}  // namespace slipway::cli
