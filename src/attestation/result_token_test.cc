#include "attestation/result_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "attestation/evidence_for_tests.h"
#include "bootchain/events_for_tests.h"
#include "crypto/jws.h"

namespace slipway::attestation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Finding finding_of(std::string rule, Severity severity) {
  Finding finding;
  finding.rule = std::move(rule);
  finding.severity = severity;
  return finding;
}

TrustVector vector_with(std::string rule, Severity severity) {
  Verdict verdict = judge(verity_machine());
  verdict.findings = {finding_of(std::move(rule), severity)};
  return trust_vector(verdict);
}

TEST(TrustVector, OfATrustedBootAffirms) {
  const TrustVector vector = trust_vector(judge(verity_machine()));
  EXPECT_THAT(vector, ElementsAre(Pair("configuration", 2), Pair("executables", 3), Pair("file-system", 2),
                                  Pair("hardware", 2), Pair("instance-identity", 2)));
  EXPECT_EQ(tier_of(vector), TrustTier::kAffirming);
}

TEST(TrustVector, EachRuleSpeaksOfOneClaim) {
  const std::map<std::string, std::string> claims = {{"pcr0.firmware", "hardware"},
                                                     {"pcr2.unexpected", "hardware"},
                                                     {"pcr4.shim", "executables"},
                                                     {"pcr9.initrd", "executables"},
                                                     {"pcr14.machineOwnerKeys", "executables"},
                                                     {"ima.module", "executables"},
                                                     {"revoked.image", "executables"},
                                                     {"reference.expired", "executables"},
                                                     {"pcr8.command", "configuration"},
                                                     {"secureBoot.disabled", "configuration"},
                                                     {"pcr5.partitionTable", "configuration"},
                                                     {"pcr12.unexpected", "configuration"},
                                                     {"clock.rollback", "instance-identity"},
                                                     {"vtpm.swapped", "instance-identity"},
                                                     {"ima.rollback", "instance-identity"}};
  for (const auto& [rule, claim] : claims) {
    for (const auto& [name, value] : vector_with(rule, Severity::kError))
      EXPECT_EQ(value >= 96, name == claim) << rule << " " << name;
    for (const auto& [name, value] : vector_with(rule, Severity::kWarning))
      EXPECT_EQ(value >= 32 && value < 96, name == claim) << rule << " " << name;
  }
}

TEST(TrustVector, OfBrokenEvidenceIsThatItsCryptographyFailed) {
  SimulatedMachine machine = verity_machine();
  machine.unlogged = {{9, Bytes(32, 7)}};
  const TrustVector vector = trust_vector(judge(machine));
  EXPECT_EQ(vector.size(), 5u);
  for (const auto& [claim, value] : vector) EXPECT_EQ(value, 99) << claim;
  EXPECT_EQ(tier_of(vector), TrustTier::kContraindicated);
}

TEST(TrustVector, WithoutReferenceValuesSaysNothingOfTheBoot) {
  const Verdict verdict = judge(verity_machine(), {});
  EXPECT_THAT(trust_vector(verdict), ElementsAre(Pair("instance-identity", 2)));
  EXPECT_THAT(result_claims(verdict, {}), HasSubstr(R"("ear.status":"none")"));
}

TEST(TrustVector, ARootThatDoesNotMatch) {
  SimulatedMachine machine = verity_machine();
  machine.event(9, std::string(kInitrd)).digests[0].digest[0] ^= 1;
  EXPECT_EQ(trust_vector(judge(machine)).at("file-system"), 96);
}

TEST(ResultToken, IsVerifiedByTheKeyThatItNames) {
  ResultKeyRing ring;
  ring.advance(kNow, {}, crypto::PrivateKey::generate_p256);
  const ResultKey& key = **ring.signing_key(kNow);
  ResultSubject subject{"urn:uuid:22222222-2222-4222-8222-222222222222",
                        "11111111-1111-4111-8111-111111111111",
                        "node-0",
                        "/clusters/c",
                        Bytes(32, 6),
                        kNow + seconds(600)};
  const Verdict verdict = judge(verity_machine());
  const std::string token = crypto::sign_jws(key.key, key.id, kResultType, result_claims(verdict, subject)).value();
  EXPECT_EQ(crypto::unverified_jws_key_id(token).value(), key.id);
  const auto payload = crypto::verify_jws(key.key.public_key(), kResultType, token);
  ASSERT_TRUE(payload) << payload.error().message;
  const boost::json::object claims = boost::json::parse(*payload).get_object();
  EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 600);
  EXPECT_EQ(claims.at("sub").as_string(), subject.instance);
  EXPECT_EQ(claims.at("eat_nonce").as_string(), to_base64url(subject.nonce));
  EXPECT_EQ(claims.at("slipway").at("verdict").as_string(), "trusted");
  EXPECT_EQ(claims.at("slipway").at("verdictSha256").as_string(), to_hex(crypto::sha256(as_bytes(to_json(verdict)))));
  EXPECT_EQ(claims.at("submods").at("node").at("ear.status").as_string(), "affirming");
}

std::vector<std::string> ids_of(const ResultKeyRing& ring) {
  std::vector<std::string> ids;
  for (const ResultKey& key : ring.keys()) ids.push_back(key.id);
  return ids;
}

// Walks a ring through three years, a look an hour: what anybody who reads the set once a day relies on.
TEST(ResultKeyRing, NoTokenIsEverSignedByAKeyThatAReaderCannotHave) {
  ResultKeyRing ring;
  const ResultKeyTimes times;
  std::map<std::string, Time> seen;  // since when each key stands in the set
  std::map<std::string, Time> signed_last;
  std::size_t most = 0;
  for (Time now = kNow; now < kNow + std::chrono::hours(24 * 365 * 3); now += std::chrono::hours(1)) {
    ring.advance(now, times, crypto::PrivateKey::generate_p256);
    for (const std::string& id : ids_of(ring)) seen.emplace(id, now);
    const ResultKey& key = **ring.signing_key(now);
    if (key.id != ring.keys().front().id || signed_last.size() > 1) {
      EXPECT_LE(seen.at(key.id), now - (signed_last.count(key.id) != 0 ? seconds(0) : times.publication));
    }
    signed_last[key.id] = now;
    // Whoever signed within a token's life is still published.
    for (const auto& [id, last] : signed_last) {
      if (last + times.token_lifetime <= now) continue;
      EXPECT_THAT(ids_of(ring), ::testing::Contains(id));
    }
    most = std::max(most, ring.keys().size());
  }
  EXPECT_GT(seen.size(), 30u);
  EXPECT_LE(most, 2u);
}

TEST(ResultKeyRing, AfterALongPauseTheOldKeySignsUntilTheNewOneWasPublished) {
  ResultKeyRing ring;
  const ResultKeyTimes times;
  EXPECT_TRUE(ring.advance(kNow, times, crypto::PrivateKey::generate_p256));
  EXPECT_FALSE(ring.advance(kNow, times, crypto::PrivateKey::generate_p256));
  const std::string first = ring.keys()[0].id;
  const Time later = kNow + std::chrono::hours(24 * 365);
  EXPECT_TRUE(ring.advance(later, times, crypto::PrivateKey::generate_p256));
  EXPECT_EQ((*ring.signing_key(later))->id, first);
  EXPECT_EQ((*ring.signing_key(later + times.publication))->id, ring.keys()[1].id);
}

TEST(ResultKeyRing, NothingSignsBeforeItsTime) { EXPECT_FALSE(ResultKeyRing().signing_key(kNow)); }

TEST(ResultKeyRing, ComesBackWhateverItHolds) {
  bootchain::Arbitrary arbitrary(147);
  constexpr std::uint32_t kMostKeys = 16, kFortyDays = 3'456'000'000;  // in milliseconds
  for (int round = 0; round < 30; ++round) {
    std::vector<ResultKey> keys;
    Time signs_from = kNow;
    for (std::uint32_t i = round == 0 ? kMostKeys : arbitrary.number(5); i-- > 0;) {
      signs_from += milliseconds(arbitrary.number(kFortyDays));
      keys.push_back(make_result_key(crypto::PrivateKey::generate_p256(),
                                     signs_from - milliseconds(arbitrary.number(kFortyDays)), signs_from));
    }
    const ResultKeyRing written(std::move(keys));
    const auto read = result_key_ring_from_json(to_json(written));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->keys().size(), written.keys().size());
    for (std::size_t i = 0; i < written.keys().size(); ++i) {
      EXPECT_EQ(read->keys()[i].key.pem(), written.keys()[i].key.pem());
      EXPECT_EQ(read->keys()[i].id, written.keys()[i].id);
      EXPECT_EQ(read->keys()[i].published, written.keys()[i].published);
      EXPECT_EQ(read->keys()[i].signs_from, written.keys()[i].signs_from);
    }
    EXPECT_EQ(to_json(*read), to_json(written));
    EXPECT_EQ(read->key_set().value(), written.key_set().value());
    EXPECT_THAT(written.key_set().value(), ::testing::Not(HasSubstr("PRIVATE")));
  }
}

TEST(ResultKeyRing, OtherFormsAreRefused) {
  for (const std::string bad : {"{}", "[]", R"({"version":2,"keys":[]})", R"({"version":1,"keys":[{}]})",
                                R"({"version":1,"keys":[{"key":"x","published":"","signsFrom":""}]})"})
    EXPECT_FALSE(result_key_ring_from_json(bad)) << bad;
}

}  // namespace
}  // namespace slipway::attestation
