#include "api/node_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/manual_clock_for_tests.h"
#include "enrolment/refusal.h"

namespace slipway::api {
namespace {

using ::testing::HasSubstr;
namespace refusal = enrolment::refusal;

const std::string kInstance = "11111111-1111-4111-8111-111111111111";
// Its VM has an address of its own.
const std::string kNeighbour = "22222222-2222-4222-8222-222222222222", kNeighboursAddress = "10.77.0.22";

// Knows one instance of a pool without a vTPM, and counts what it was asked.
class OneNode final : public enrolment::Registry {
 public:
  Result<enrolment::InstanceFacts> find(const std::string& instance) override {
    ++finds;
    if (instance != kInstance && instance != kNeighbour) return fail(ErrorCode::kNotFound, "no such instance");
    if (find_fails) return fail(ErrorCode::kInternal, "disk /secret/path is full");
    enrolment::InstanceFacts facts;
    facts.instance = instance;
    facts.node_name = "node";
    return facts;
  }
  enrolment::Standing standing(const std::string& instance, const std::string& peer) override {
    if (instance == kInstance) return enrolment::Standing::kOwn;
    if (instance != kNeighbour) return enrolment::Standing::kUnknown;
    return peer == kNeighboursAddress ? enrolment::Standing::kOwn : enrolment::Standing::kForeign;
  }
  Status enrol_attestation_key(const std::string&, const Bytes&) override { return {}; }
  Status consume_secret(const std::string&, const Bytes&) override { return {}; }
  Status record_verdict(const std::string&, const attestation::Appraisal&,
                        const attestation::EvidenceBundle&) override {
    return {};
  }
  void record_refusal(const std::string&, const Error& error) override { refusals.push_back(error.reason); }
  void note_unproven_refusal(const std::string&, const Error& error, const std::string& peer) override {
    unproven.push_back(error.reason + " from " + peer);
  }
  Status confirm_host_observation(const std::string&) override { return {}; }
  Result<enrolment::Admission> admit(const std::string&, const Bytes&, const Bytes&, const std::string&) override {
    return fail(ErrorCode::kInternal, "nobody is admitted here");
  }
  int finds = 0;
  bool find_fails = false;
  std::vector<std::string> refusals, unproven;
};

class NodeListenerTest : public ::testing::Test {
 protected:
  http::Response post(const std::string& path, const std::string& body = "{}", const std::string& peer = "10.77.0.9") {
    http::Request request;
    request.method = "POST";
    request.path = path;
    request.body = body;
    request.peer = peer;
    return handler(request);
  }
  std::string route(const std::string& action, const std::string& instance = kInstance) {
    return "/node/v1/" + instance + "/" + action;
  }

  ManualClock clock;
  SystemRandom random;
  OneNode registry;
  enrolment::Service service{registry, clock, random};
  http::Handler handler = make_node_listener(service, clock);
};

TEST_F(NodeListenerTest, RenewalChallengesAreAnswered) {
  const http::Response response = post(route("renewal-challenge"));
  EXPECT_EQ(response.status, 200);
  const auto reply = enrolment::renewal_challenge_reply_from_json(response.body);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->nonce.size(), 32U);
  EXPECT_EQ(response.headers.at("Cache-Control"), "no-store");
}

TEST_F(NodeListenerTest, NothingElseIsAnswered) {
  const std::vector<std::string> paths{"/",
                                       "/node/v1",
                                       "/node/v1/" + kInstance,
                                       route(""),
                                       route("challenge/"),
                                       route("Challenge"),
                                       route("verdict"),
                                       route("challenge", "11111111-1111-4111-8111-11111111111Z"),
                                       "/node/v1/../subscriptions",
                                       "/subscriptions",
                                       "/oauth2/token"};
  for (const std::string& path : paths) {
    const http::Response response = post(path, "{}", "127.0.0.1");
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_TRUE(response.body.empty()) << path;
  }
  http::Request get;
  get.method = "GET";
  get.path = route("renewal-challenge");
  EXPECT_EQ(handler(get).status, 404);
  EXPECT_EQ(registry.finds, 0);
}

TEST_F(NodeListenerTest, ARefusalCarriesItsCodeAndIsToldToTheRegistryAsUnproven) {
  const http::Response response = post(route("challenge"), to_json(enrolment::UnverifiedChallengeRequest{}));
  EXPECT_EQ(response.status, 412);
  EXPECT_THAT(response.body, HasSubstr("\"code\":\"NoVtpmRecorded\""));
  EXPECT_THAT(registry.unproven, ::testing::ElementsAre("NoVtpmRecorded from 10.77.0.9"));
  EXPECT_TRUE(registry.refusals.empty());
}

TEST_F(NodeListenerTest, AnUnknownInstanceIs404WithItsCode) {
  const http::Response response = post(route("renewal-challenge", "33333333-3333-4333-8333-333333333333"));
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr(std::string(refusal::kUnknownInstance)));
}

TEST_F(NodeListenerTest, MalformedMessagesReachNoService) {
  for (const std::string& body : {std::string(), std::string("[]"), std::string("{\"purpose\":1}"),
                                  std::string(5000, '['), std::string("{\"secret\":\"x\"}")}) {
    for (const char* action : {"challenge", "evidence", "secret", "renewal"}) {
      const http::Response response = post(route(action), body, "127.0.0.1");
      EXPECT_EQ(response.status, 400) << action << " " << body.substr(0, 20);
      EXPECT_THAT(response.body, HasSubstr("MalformedMessage"));
      clock.advance(kNodeRefill);
    }
  }
  EXPECT_EQ(registry.finds, 0);
}

TEST_F(NodeListenerTest, LargeBodiesAreForEvidenceAlone) {
  const std::string large(100000, ' ');
  EXPECT_EQ(post(route("challenge"), large).status, 413);
  EXPECT_EQ(post(route("secret"), large).status, 413);
  EXPECT_EQ(post(route("renewal-challenge"), large).status, 413);
  EXPECT_EQ(post(route("evidence"), large).status, 400);
  EXPECT_EQ(post(route("evidence"), std::string(enrolment::kMaximumMessageSize + 1, ' ')).status, 413);
}

TEST_F(NodeListenerTest, LargeBodiesOfOthersAreNotEvenRead) {
  const auto limit = [](const std::string& path, const std::string& method = "POST") {
    http::Request head;
    head.method = method;
    head.path = path;
    return node_body_limit(head);
  };
  EXPECT_EQ(limit(route("evidence")), enrolment::kMaximumMessageSize);
  EXPECT_EQ(limit(route("challenge")), 64U << 10);
  EXPECT_EQ(limit(route("evidence"), "PUT"), 64U << 10);
  EXPECT_EQ(limit("/nothing"), 64U << 10);
}

TEST_F(NodeListenerTest, AFailureInsideTellsTheNodeNothing) {
  registry.find_fails = true;
  const http::Response response = post(route("renewal-challenge"));
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, ::testing::Not(HasSubstr("/secret/path")));
}

TEST_F(NodeListenerTest, AnAddressHasALimitThatRefills) {
  // Each request names another instance, so that the address alone is counted.
  int next = 0;
  const auto ask = [&] {
    return post(route("renewal-challenge", "33333333-3333-4333-8333-3333333333" + std::to_string(10 + next++))).status;
  };
  for (int request = 0; request < kNodeBurst; ++request) EXPECT_EQ(ask(), 404);
  EXPECT_EQ(ask(), 429);
  EXPECT_EQ(post("/anything").status, 429) << "what is no route is counted too";
  EXPECT_EQ(post(route("renewal-challenge")).status, 200) << "its own instance is not";
  EXPECT_EQ(post(route("renewal-challenge"), "{}", "10.77.0.10").status, 200) << "another address is free";
  clock.advance(kNodeRefill);
  EXPECT_EQ(ask(), 404);
  EXPECT_EQ(ask(), 429);
}

// Kubernetes shows every node the instance ids of the others (systemUUID).
TEST_F(NodeListenerTest, NobodyUsesUpWhatBelongsToAnotherNode) {
  http::Response last;
  for (int request = 0; request <= kNodeBurst; ++request) last = post(route("challenge"), "{}", "10.77.0.10");
  EXPECT_EQ(last.status, 429);
  EXPECT_EQ(last.headers.count("Retry-After"), 1U);
  EXPECT_THAT(last.body, HasSubstr("RateLimited"));
  EXPECT_EQ(post(route("renewal-challenge"), "{}", "10.77.0.99").status, 200);
}

TEST_F(NodeListenerTest, AnInstanceSpeaksFromItsOwnAddressAlone) {
  const http::Response refused = post(route("renewal-challenge", kNeighbour));
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("ForeignAddress"));
  EXPECT_EQ(registry.finds, 0);
  EXPECT_TRUE(registry.refusals.empty());
  EXPECT_EQ(post(route("renewal-challenge", kNeighbour), "{}", kNeighboursAddress).status, 200);
}

// Pods leave a node by its address.
TEST_F(NodeListenerTest, StrayRequestsOfAnAddressDoNotCostItsNodeAnything) {
  for (int request = 0; request <= kNodeBurst; ++request) {
    post(route("challenge"), "{}", kNeighboursAddress + "0");
    post("/anything", "{}", kNeighboursAddress);
    post(route("evidence", "33333333-3333-4333-8333-333333333333"), "{}", kNeighboursAddress);
  }
  EXPECT_EQ(post("/anything", "{}", kNeighboursAddress).status, 429);
  EXPECT_EQ(post(route("renewal-challenge", kNeighbour), "{}", kNeighboursAddress).status, 200);
}

TEST_F(NodeListenerTest, LoopbackHasNoLimitOfItsOwn) {
  for (int request = 0; request < 3 * kNodeBurst; ++request) {
    const std::string instance = "33333333-3333-4333-8333-3333333333" + std::to_string(10 + request);
    EXPECT_EQ(post(route("renewal-challenge", instance), "{}", "127.0.0.1").status, 404);
  }
}

}  // namespace
}  // namespace slipway::api
