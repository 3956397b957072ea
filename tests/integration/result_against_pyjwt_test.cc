#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "attestation/result_token.h"
#include "base/source_folder_for_tests.h"
#include "control/result_keys.h"

// Attestation results, verified by Python's PyJWT, which knows nothing of Slipway.
namespace slipway {
namespace {

namespace fs = std::filesystem;

const Time kNow{std::chrono::milliseconds(1'795'000'000'000)};

struct Judgement {
  int status = -1;
  std::string output;
};

class ResultAgainstPyJwt : public ::testing::Test {
 protected:
  ResultAgainstPyJwt() {
    std::string path = (fs::temp_directory_path() / "slipway-result-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    folder_ = path;
  }
  ~ResultAgainstPyJwt() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  std::unique_ptr<control::ResultKeys> keys(Time now) {
    return control::ResultKeys::open(folder_ / "result-keys.json", {}, now).value();
  }

  static std::string payload(Time now) {
    attestation::Verdict verdict;
    verdict.verdict_class = attestation::VerdictClass::kTrusted;
    verdict.appraised = now;
    verdict.prediction = "image-1";
    verdict.policy = "default";
    const attestation::ResultSubject subject{"urn:uuid:22222222-2222-4222-8222-222222222222",
                                             "11111111-1111-4111-8111-111111111111",
                                             "aks-pool-1-vmss000000",
                                             "c3f9a2b1",
                                             Bytes(32, 7),
                                             now + seconds(660)};
    return attestation::result_claims(verdict, subject);
  }

  Judgement judge(const std::string& key_set, const std::string& token, Time now) {
    std::ofstream(folder_ / "jwks.json") << key_set;
    std::ofstream(folder_ / "token") << token;
    const fs::path output = folder_ / "output";
    const std::string command = "/usr/bin/python3 '" + source_folder() + "/tests/integration/verify_result.py' " +
                                (folder_ / "jwks.json").string() + " " + (folder_ / "token").string() + " " +
                                std::to_string(now.time_since_epoch().count() / 1000) + " > " + output.string() +
                                " 2>&1";
    Judgement judgement;
    judgement.status = std::system(command.c_str());
    std::ifstream file(output);
    judgement.output.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    return judgement;
  }

  fs::path folder_;
};

TEST_F(ResultAgainstPyJwt, IsVerifiedOffline) {
  const auto signer = keys(kNow);
  const std::string token = signer->sign(payload(kNow), kNow).value();
  const Judgement good = judge(signer->key_set(kNow).value(), token, kNow + seconds(600));
  ASSERT_EQ(good.status, 0) << good.output << "\nare python3-jwt and python3-cryptography installed?";
  const boost::json::object result = boost::json::parse(good.output).get_object();
  EXPECT_EQ(result.at("header").at("alg").as_string(), "ES256");
  EXPECT_EQ(result.at("header").at("typ").as_string(), "eat+jwt");
  const boost::json::object& claims = result.at("claims").as_object();
  EXPECT_EQ(claims.at("sub").as_string(), "11111111-1111-4111-8111-111111111111");
  EXPECT_EQ(claims.at("submods").at("node").at("ear.status").as_string(), "affirming");
  EXPECT_EQ(claims.at("submods").at("node").at("ear.trustworthiness-vector").at("executables").as_int64(), 3);
  EXPECT_EQ(claims.at("slipway").at("verdict").as_string(), "trusted");
  EXPECT_EQ(claims.at("eat_profile").as_string(), std::string(attestation::kResultProfile));
}

TEST_F(ResultAgainstPyJwt, IsRefusedOnceItHasExpired) {
  const auto signer = keys(kNow);
  const std::string token = signer->sign(payload(kNow), kNow).value();
  const Judgement late = judge(signer->key_set(kNow).value(), token, kNow + seconds(661));
  EXPECT_NE(late.status, 0);
  EXPECT_THAT(late.output, ::testing::HasSubstr("ExpiredSignatureError"));
}

TEST_F(ResultAgainstPyJwt, IsRefusedWhereAClaimWasChanged) {
  const auto signer = keys(kNow);
  std::string token = signer->sign(payload(kNow), kNow).value();
  const std::size_t dot = token.find('.');
  std::string claims = payload(kNow);
  claims.replace(claims.find("trusted"), 7, "TRUSTED");
  const std::size_t last = token.rfind('.');
  token = token.substr(0, dot + 1) + to_base64url(as_bytes(claims)) + token.substr(last);
  const Judgement changed = judge(signer->key_set(kNow).value(), token, kNow);
  EXPECT_NE(changed.status, 0);
  EXPECT_THAT(changed.output, ::testing::HasSubstr("InvalidSignatureError"));
}

TEST_F(ResultAgainstPyJwt, IsRefusedUnderAnotherInstallationsKeys) {
  const auto signer = keys(kNow);
  const std::string token = signer->sign(payload(kNow), kNow).value();
  const auto other = control::ResultKeys::open(folder_ / "other-keys.json", {}, kNow).value();
  const Judgement foreign = judge(other->key_set(kNow).value(), token, kNow);
  EXPECT_NE(foreign.status, 0);
  EXPECT_THAT(foreign.output, ::testing::HasSubstr("StopIteration"));
}

// Whoever fetched the key set a day ago verifies a token of the new key, and today's set one of the old key's last.
TEST_F(ResultAgainstPyJwt, SurvivesTheRotationOfKeys) {
  const attestation::ResultKeyTimes times;
  const auto signer = keys(kNow);
  const std::string first = signer->key_set(kNow).value();
  const Time announced = kNow + times.period - times.publication;
  const std::string both = signer->key_set(announced).value();
  EXPECT_NE(first, both);
  const Time last_of_old = kNow + times.period - seconds(1);
  const std::string old_token = signer->sign(payload(last_of_old), last_of_old).value();
  const Time first_of_new = kNow + times.period;
  const std::string new_token = signer->sign(payload(first_of_new), first_of_new).value();
  EXPECT_EQ(judge(first, old_token, last_of_old).status, 0);
  EXPECT_NE(judge(first, new_token, first_of_new).status, 0);
  EXPECT_EQ(judge(both, new_token, first_of_new).status, 0);
  // The keys are the same after a restart, and the old one goes only when nothing that it signed is good.
  EXPECT_EQ(judge(keys(first_of_new)->key_set(first_of_new).value(), old_token, first_of_new).status, 0);
  const Time later = first_of_new + times.token_lifetime;
  EXPECT_NE(judge(keys(later)->key_set(later).value(), old_token, first_of_new).status, 0);
}

}  // namespace
}  // namespace slipway
