#include <gmock/gmock.h>

#include <future>

#include "enrolment/refusal.h"
#include "host/memory/enrolment_fixture.h"
#include "host/memory/simulated_node.h"

// A node's life: enrol, attest again, renew, lose answers, restart.
namespace slipway::host::testing {
namespace {

namespace refusal = enrolment::refusal;

class NodeSessionTest : public EnrolmentTest {
 protected:
  static Bytes client_key(const enrolment::NodeSession& session) {
    return session.held()->keys.client.public_key().spki_der();
  }
};

TEST_F(NodeSessionTest, AVtpmNodeEnrolsAttestsAgainAndRenewsAtHalfLife) {
  const auto node = make_node(kNodeA);
  enrolment::NodeSession session({kNodeA, "https://x", Bytes(32), ""}, transport(), node.get());
  auto outcome = session.step(clock.now());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_TRUE(outcome->renewed);
  EXPECT_EQ(outcome->next, clock.now() + seconds(300));
  const Bytes first = client_key(session);

  clock.advance(seconds(300));
  outcome = session.step(clock.now());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_FALSE(outcome->renewed);
  EXPECT_EQ(client_key(session), first);

  clock.advance(seconds(1300));
  outcome = session.step(clock.now());
  EXPECT_FALSE(outcome->renewed);
  EXPECT_EQ(outcome->next, clock.now() + seconds(200)) << "half of the life comes before the next evidence";

  clock.advance(seconds(200));
  outcome = session.step(clock.now());
  EXPECT_TRUE(outcome->renewed);
  EXPECT_NE(client_key(session), first);
  EXPECT_EQ(registry.admissions, 2);
  EXPECT_EQ(registry.verdicts.size(), 4U);
}

TEST_F(NodeSessionTest, ALostAnswerOfAVtpmNodeCostsOneTryMore) {
  const auto node = make_node(kNodeA);
  enrolment::NodeSession session({kNodeA, "https://x", Bytes(32), ""}, transport(), node.get());
  lost_answers = 1;
  EXPECT_EQ(session.step(clock.now()).error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(session.enrolled());
  EXPECT_TRUE(session.step(clock.now()).has_value());
}

TEST_F(NodeSessionTest, AChangedNodeKeepsItsCertificatesOnlyUntilTheyExpire) {
  const auto node = make_node(kNodeA);
  enrolment::NodeSession session({kNodeA, "https://x", Bytes(32), ""}, transport(), node.get());
  ASSERT_TRUE(session.step(clock.now()).has_value());
  admissions_are_fine();
  node->extend(9, crypto::sha256(as_bytes("another initrd")));
  clock.advance(seconds(1800));
  expect_refused(session.step(clock.now()), refusal::kVerdictNotTrusted);
}

TEST_F(NodeSessionTest, ANodeWithoutVtpmEnrolsOnceAndThenRenews) {
  enrolment::NodeSession session(make_secret_node(kNodeA), transport(), nullptr);
  auto outcome = session.step(clock.now());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_TRUE(outcome->renewed);
  EXPECT_EQ(outcome->next, clock.now() + seconds(1800));
  const Bytes first = client_key(session);
  clock.advance(seconds(1800));
  outcome = session.step(clock.now());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_TRUE(outcome->renewed);
  EXPECT_NE(client_key(session), first);
}

TEST_F(NodeSessionTest, ALostAnswerToTheSecretIsMadeGoodByRenewal) {
  enrolment::NodeSession session(make_secret_node(kNodeA), transport(), nullptr);
  lost_answers = 1;
  EXPECT_FALSE(session.step(clock.now()).has_value());
  EXPECT_TRUE(registry.facts[kNodeA].secret_used);
  const auto outcome = session.step(clock.now());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_TRUE(outcome->renewed);
}

TEST_F(NodeSessionTest, ALostAnswerToTheSecretIsMadeGoodAfterARestartToo) {
  const auto bootstrap = make_secret_node(kNodeA);
  std::optional<enrolment::NodeKeys> kept;
  {
    enrolment::NodeSession session(bootstrap, transport(), nullptr);
    session.keep_pending_keys_with([&kept](const enrolment::NodeKeys& keys) -> Status {
      kept = keys;
      return {};
    });
    lost_answers = 1;
    EXPECT_FALSE(session.step(clock.now()).has_value());
  }
  ASSERT_TRUE(kept.has_value());
  enrolment::NodeSession session(bootstrap, transport(), nullptr, std::nullopt, kept);
  EXPECT_TRUE(session.step(clock.now()).has_value());
}

// The state folder was lost, or somebody else used the secret: the node cannot prove that it was it.
TEST_F(NodeSessionTest, ASpentSecretWithoutItsKeyStaysRefused) {
  const auto bootstrap = make_secret_node(kNodeA);
  enrolment::NodeSession first(bootstrap, transport(), nullptr);
  ASSERT_TRUE(first.step(clock.now()).has_value());
  admissions_are_fine();
  enrolment::NodeSession second(bootstrap, transport(), nullptr);
  expect_refused(second.step(clock.now()), refusal::kSecretUsed);
}

TEST_F(NodeSessionTest, ARestartedNodeGoesOnWithWhatItHolds) {
  const auto bootstrap = make_secret_node(kNodeA);
  enrolment::NodeSession first(bootstrap, transport(), nullptr);
  ASSERT_TRUE(first.step(clock.now()).has_value());
  enrolment::NodeSession second(bootstrap, transport(), nullptr, first.held());
  const auto outcome = second.step(clock.now());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_TRUE(outcome->renewed);
}

TEST_F(NodeSessionTest, KeysThatCannotBeKeptAreNotPresented) {
  enrolment::NodeSession session(make_secret_node(kNodeA), transport(), nullptr);
  session.keep_pending_keys_with(
      [](const enrolment::NodeKeys&) -> Status { return fail(ErrorCode::kInternal, "the disk is full"); });
  EXPECT_EQ(session.step(clock.now()).error().message, "the disk is full");
  EXPECT_FALSE(registry.facts[kNodeA].secret_used);
}

TEST_F(NodeSessionTest, AServerThatAnswersNonsenseIsAnErrorAndNoEnd) {
  const auto node = make_node(kNodeA);
  for (const enrolment::Reply& nonsense :
       {enrolment::Reply{200, "{}"}, enrolment::Reply{200, "<html>"}, enrolment::Reply{500, ""},
        enrolment::Reply{403, "{\"error\":7}"}, enrolment::Reply{302, std::string(100000, 'x')}}) {
    enrolment::NodeSession session(
        {kNodeA, "https://x", Bytes(32), ""},
        [&](const std::string&, const std::string&) -> Result<enrolment::Reply> { return nonsense; }, node.get());
    EXPECT_FALSE(session.step(clock.now()).has_value());
    EXPECT_FALSE(session.enrolled());
  }
}

TEST(RetryDelay, DoublesUpToTwoMinutesAndVaries) {
  SystemRandom random;
  for (int failures = 1; failures < 40; ++failures) {
    const milliseconds whole = std::min(milliseconds(120000), milliseconds(2000) * (1 << std::min(failures - 1, 6)));
    for (int sample = 0; sample < 20; ++sample) {
      const milliseconds delay = enrolment::retry_delay(failures, random);
      EXPECT_GE(delay, whole / 2);
      EXPECT_LE(delay, whole);
    }
  }
  for (int sample = 0; sample < 100; ++sample) {
    const milliseconds delay = enrolment::with_jitter(milliseconds(300000), random);
    EXPECT_GE(delay, milliseconds(270000));
    EXPECT_LE(delay, milliseconds(300000));
  }
}

TEST_F(NodeSessionTest, ASimulatedNodeEnrolsByItself) {
  SimulatedNodeOptions options;
  options.bootstrap = {kNodeA, "https://x", Bytes(32), ""};
  options.attester = make_node(kNodeA);
  options.transport = transport();
  options.retry = milliseconds(1);
  std::promise<std::string> admitted;
  options.on_admitted = [&admitted](const enrolment::Admission& admission, const enrolment::NodeKeys& keys) {
    const auto certificate = crypto::Certificate::from_pem(admission.client_certificate).value();
    EXPECT_EQ(certificate.public_key().value().spki_der(), keys.client.public_key().spki_der());
    admitted.set_value(admission.node_name);
  };
  int refusals = 0;
  options.on_refused = [&refusals](const Error&, int failures) { refusals = failures; };
  lost_answers = 2;
  auto future = admitted.get_future();
  const SimulatedNode node(std::move(options), clock);
  ASSERT_EQ(future.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(future.get(), registry.facts[kNodeA].node_name);
  EXPECT_EQ(refusals, 2);
}

}  // namespace
}  // namespace slipway::host::testing
