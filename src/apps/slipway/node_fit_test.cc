#include "apps/slipway/node_fit.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

const std::string kVtpm = "kubernetes.azure.com/trusted-launch", kSecureBoot = "kubernetes.azure.com/secure-boot";

NodeFacts node(const std::string& name, std::map<std::string, std::string> labels) {
  return {name, std::move(labels), {}, false};
}

PodNeeds pod_that_selects(std::vector<LabelRequirement> selector) {
  PodNeeds pod;
  pod.object = "Pod p";
  pod.line = 5;
  pod.selector = std::move(selector);
  return pod;
}

std::string why(const PodNeeds& pod, const std::vector<NodeFacts>& nodes) {
  const auto misfits = pods_without_node({&pod, 1}, nodes);
  return misfits.empty() ? "fits" : misfits[0].why;
}

TEST(NodeFit, APodGoesWhereItsSelectorHolds) {
  const PodNeeds pod = pod_that_selects({{kVtpm, "In", {"true"}}});
  EXPECT_EQ(why(pod, {node("a", {}), node("b", {{kVtpm, "true"}})}), "fits");
  EXPECT_EQ(why(pod, {node("a", {}), node("b", {{kSecureBoot, "true"}})}), "no node of 2 has " + kVtpm + "=true");
  EXPECT_EQ(why(pod, {}), "there are no nodes");
  EXPECT_EQ(why(pod_that_selects({}), {node("a", {})}), "fits");
}

TEST(NodeFit, LabelsOnTwoNodesDoNotAddUp) {
  const PodNeeds pod = pod_that_selects({{kVtpm, "In", {"true"}}, {kSecureBoot, "In", {"true"}}});
  EXPECT_NE(why(pod, {node("a", {{kVtpm, "true"}}), node("b", {{kSecureBoot, "true"}})}).find("no one node"),
            std::string::npos);
}

TEST(NodeFit, OneTermOfAnAffinityIsEnough) {
  PodNeeds pod = pod_that_selects({});
  pod.terms = {{{"zone", "In", {"x"}}}, {{"zone", "In", {"y"}}, {"ssd", "Exists", {}}}};
  EXPECT_EQ(why(pod, {node("a", {{"zone", "y"}, {"ssd", ""}})}), "fits");
  EXPECT_NE(why(pod, {node("a", {{"zone", "y"}})}), "fits");
}

TEST(NodeFit, KnowsTheOperatorsOfKubernetes) {
  const NodeFacts five = node("a", {{"n", "5"}});
  const auto holds = [&](const std::string& operation, std::vector<std::string> values, const std::string& key = "n") {
    return why(pod_that_selects({{key, operation, std::move(values)}}), {five}) == "fits";
  };
  EXPECT_TRUE(holds("In", {"4", "5"}));
  EXPECT_FALSE(holds("NotIn", {"5"}));
  EXPECT_TRUE(holds("NotIn", {"5"}, "m"));
  EXPECT_TRUE(holds("Exists", {}));
  EXPECT_FALSE(holds("DoesNotExist", {}));
  EXPECT_TRUE(holds("DoesNotExist", {}, "m"));
  EXPECT_TRUE(holds("Gt", {"4"}));
  EXPECT_FALSE(holds("Gt", {"5"}));
  EXPECT_TRUE(holds("Lt", {"6"}));
  EXPECT_FALSE(holds("Lt", {"x"}));
  EXPECT_FALSE(holds("Like", {"5"}));
}

TEST(NodeFit, TaintsAndCordonsKeepPodsOff) {
  NodeFacts tainted = node("a", {});
  tainted.taints = {{"dedicated", "gpu", "NoSchedule"}};
  PodNeeds pod = pod_that_selects({});
  EXPECT_NE(why(pod, {tainted}).find("taint"), std::string::npos);
  pod.tolerations = {{"dedicated", "Equal", "other", ""}};
  EXPECT_NE(why(pod, {tainted}), "fits");
  pod.tolerations = {{"dedicated", "", "gpu", "NoSchedule"}};
  EXPECT_EQ(why(pod, {tainted}), "fits");
  pod.tolerations = {{"", "Exists", "", ""}};
  EXPECT_EQ(why(pod, {tainted}), "fits");
  tainted.taints[0].effect = "PreferNoSchedule";
  pod.tolerations.clear();
  EXPECT_EQ(why(pod, {tainted}), "fits");
  tainted.unschedulable = true;
  EXPECT_NE(why(pod, {tainted}).find("cordoned"), std::string::npos);
}

TEST(NodeFit, APodWithItsNodeNamedIsNotScheduled) {
  PodNeeds pod = pod_that_selects({});
  pod.node_name = "a";
  NodeFacts cordoned = node("a", {});
  cordoned.unschedulable = true;
  EXPECT_EQ(why(pod, {cordoned}), "fits");
  EXPECT_EQ(why(pod, {node("b", {})}), "there is no node a");
}

TEST(NodeFit, WithoutNodesTheTrustLabelsAreKnown) {
  const PodNeeds pods[] = {pod_that_selects({{kVtpm, "In", {"true"}}}), pod_that_selects({{kVtpm, "In", {"yes"}}}),
                           pod_that_selects({{"mine", "In", {"yes"}}})};
  const auto misfits = pods_without_any_node(pods);
  ASSERT_EQ(misfits.size(), 1u);
  EXPECT_NE(misfits[0].why.find("only value is \"true\""), std::string::npos);
}

TEST(NodesFromJson, ReadsWhatKubectlPrints) {
  const auto nodes = nodes_from_json(R"({"kind": "List", "items": [
    {"metadata": {"name": "a", "labels": {"k": "v"}}, "spec": {"unschedulable": true, "taints": [{"key": "t", "effect": "NoSchedule"}]}},
    {"metadata": {"name": "b"}}]})")
                         .value();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].labels.at("k"), "v");
  EXPECT_TRUE(nodes[0].unschedulable);
  EXPECT_EQ(nodes[0].taints[0].key, "t");
  EXPECT_FALSE(nodes[1].unschedulable);
}

TEST(NodesFromJson, RefusesOtherForms) {
  for (const std::string_view text : {"", "[]", "{}", R"({"items": 1})", R"({"items": [1]})"})
    EXPECT_EQ(nodes_from_json(text).error().code, ErrorCode::kMalformed) << text;
  std::string many = R"({"items": [{})";
  for (int i = 0; i < 5000; ++i) many += ",{}";
  EXPECT_EQ(nodes_from_json(many + "]}").error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace slipway::cli
