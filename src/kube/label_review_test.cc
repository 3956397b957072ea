#include "kube/label_review.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace slipway::kube {
namespace {

namespace json = boost::json;

constexpr const char* kTrusted = "kubernetes.azure.com/trusted-launch";

json::object node(json::object labels) {
  return {{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", json::object{{"name", "n1"}, {"labels", labels}}}};
}

std::string review(const std::string& user, const std::string& operation, json::value object, json::value old_object) {
  return json::serialize(json::object{
      {"apiVersion", "admission.k8s.io/v1"},
      {"kind", "AdmissionReview"},
      {"request", json::object{{"uid", "u-1"},
                               {"operation", operation},
                               {"resource", json::object{{"group", ""}, {"version", "v1"}, {"resource", "nodes"}}},
                               {"userInfo", json::object{{"username", user}}},
                               {"object", object},
                               {"oldObject", old_object}}}});
}

bool allowed(const std::string& text) {
  const Result<std::string> reply = decide_label_review(text);
  EXPECT_TRUE(reply.has_value()) << reply.error().message;
  if (!reply) return false;
  const json::value document = json::parse(*reply);
  EXPECT_EQ(document.at("kind").as_string(), "AdmissionReview");
  EXPECT_EQ(document.at("response").at("uid").as_string(), "u-1");
  const bool result = document.at("response").at("allowed").as_bool();
  if (!result) {
    EXPECT_EQ(document.at("response").at("status").at("code").as_int64(), 403);
  }
  return result;
}

TEST(LabelReview, ANodeMayRegisterWithLabelsOfItsOwn) {
  EXPECT_TRUE(allowed(review("system:node:n1", "CREATE", node({{"kubernetes.io/os", "linux"}}), nullptr)));
}

TEST(LabelReview, ANodeMayNotRegisterWithATrustLabel) {
  EXPECT_FALSE(allowed(review("system:node:n1", "CREATE", node({{kTrusted, "true"}}), nullptr)));
}

TEST(LabelReview, SettingChangingAndTakingOffAreRefusedToAnybodyElse) {
  for (const char* user : {"system:node:n1", "system:admin", "clusterAdmin", "slipway:control-plane2", ""}) {
    EXPECT_FALSE(allowed(review(user, "UPDATE", node({{kTrusted, "true"}}), node({})))) << user;
    EXPECT_FALSE(allowed(review(user, "UPDATE", node({{kTrusted, "false"}}), node({{kTrusted, "true"}})))) << user;
    EXPECT_FALSE(allowed(review(user, "UPDATE", node({}), node({{kTrusted, "true"}})))) << user;
  }
}

TEST(LabelReview, TheWholePrefixIsGuardedAndNothingBesideIt) {
  for (const char* label : {"kubernetes.azure.com/trusted-launch", "kubernetes.azure.com/secure-boot",
                            "kubernetes.azure.com/security-type", "kubernetes.azure.com/"})
    EXPECT_FALSE(allowed(review("system:node:n1", "UPDATE", node({{label, "true"}}), node({})))) << label;
  for (const char* label : {"kubernetes.azure.com", "kubernetes.azure.comx/secure-boot", "x.kubernetes.azure.com/y"})
    EXPECT_TRUE(allowed(review("system:node:n1", "UPDATE", node({{label, "true"}}), node({})))) << label;
}

json::object with_message(json::object labels, std::size_t size, char letter = 'x') {
  json::object result = node(std::move(labels));
  result["status"] =
      json::object{{"conditions", json::array{json::object{{"type", "X"}, {"message", std::string(size, letter)}}}}};
  return result;
}

// As the apiserver writes it.
std::string escaped(std::string text) {
  std::string result;
  for (const char c : text) result += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return result;
}

// As much as etcd takes, of the letter that grows most in JSON, on both sides.
TEST(LabelReview, NoNodeGrowsTooLargeForSlipway) {
  constexpr std::size_t kEtcdLimit = 3U << 19;
  const json::object before = with_message({{kTrusted, "true"}}, kEtcdLimit, '<');
  const std::string off = escaped(review("slipway:control-plane", "UPDATE", with_message({}, kEtcdLimit, '<'), before));
  EXPECT_GT(off.size(), 18U << 20);
  EXPECT_LE(off.size(), kMaximumReviewSize);
  EXPECT_TRUE(allowed(off));
  // Its kubelet may make it smaller, and no other change.
  EXPECT_TRUE(allowed(escaped(review("system:node:n1", "UPDATE", node({{kTrusted, "true"}}), before))));
  EXPECT_FALSE(allowed(escaped(review("system:node:n1", "UPDATE", before, before))));
}

TEST(LabelReview, ANodeIsNotMadeLargeByAnybodyElse) {
  const json::value small = node({});
  const auto asked = [&](const char* user, std::size_t size, char letter) {
    return escaped(review(user, "UPDATE", with_message({}, size, letter), small));
  };
  EXPECT_TRUE(allowed(asked("system:node:n1", 1'000'000, 'x')));
  EXPECT_FALSE(allowed(asked("system:node:n1", 1'100'000, 'x')));
  EXPECT_TRUE(allowed(asked("system:node:n1", 170'000, '<')));
  EXPECT_FALSE(allowed(asked("system:node:n1", 180'000, '<')));
  EXPECT_FALSE(allowed(escaped(review("system:node:n1", "CREATE", with_message({}, 180'000, '<'), nullptr))));
  // A controller still writes into what a kubelet filled as far as it may.
  EXPECT_TRUE(allowed(asked("system:serviceaccount:kube-system:node-controller", 1'500'000, 'x')));
  EXPECT_FALSE(allowed(asked("system:admin", 2'200'000, 'x')));
  EXPECT_NE(decide_label_review(asked("system:node:n1", 2'200'000, 'x'))->find("larger than 1024 KiB"),
            std::string::npos);
}

TEST(LabelReview, AHeartbeatThatKeepsTheLabelsIsAllowed) {
  EXPECT_TRUE(allowed(review("system:node:n1", "UPDATE", node({{kTrusted, "true"}, {"a", "2"}}),
                             node({{kTrusted, "true"}, {"a", "1"}}))));
}

TEST(LabelReview, SlipwayMayChangeThem) {
  EXPECT_TRUE(allowed(review("slipway:control-plane", "UPDATE", node({{kTrusted, "true"}}), node({}))));
  EXPECT_TRUE(allowed(review("slipway:control-plane", "UPDATE", node({}), node({{kTrusted, "true"}}))));
}

TEST(LabelReview, ANodeWithoutLabelsAtAllCountsAsHavingNone) {
  const json::object bare{{"metadata", json::object{{"name", "n1"}}}};
  EXPECT_TRUE(allowed(review("system:node:n1", "UPDATE", bare, bare)));
  EXPECT_FALSE(allowed(review("system:node:n1", "UPDATE", bare, node({{kTrusted, "true"}}))));
}

TEST(LabelReview, WhatIsNotAReviewOfANodeIsMalformed) {
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"request":{"uid":"u"}})"),
        review("system:node:n1", "DELETE", nullptr, node({})), review("system:node:n1", "CREATE", nullptr, nullptr),
        review("system:node:n1", "UPDATE", node({}), nullptr),
        review("system:node:n1", "UPDATE", node({{kTrusted, 1}}), node({})),
        std::string(kMaximumReviewSize + 1, ' ')}) {
    const Result<std::string> reply = decide_label_review(text);
    ASSERT_FALSE(reply.has_value()) << *reply;
    EXPECT_EQ(reply.error().code, ErrorCode::kMalformed);
  }
}

TEST(LabelReview, AReviewOfAnotherResourceIsMalformed) {
  std::string text = review("system:node:n1", "CREATE", node({}), nullptr);
  text.replace(text.find("\"nodes\""), 7, "\"pods\"");
  EXPECT_EQ(decide_label_review(text).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace slipway::kube
