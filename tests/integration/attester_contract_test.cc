#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "agent/esys_attester.h"
#include "base/random.h"
#include "crypto/digest.h"
#include "host/memory/software_attester.h"
#include "tpm/credential.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"
#include "tpm_simulator.h"

// What every tpm::Attester owes enrolment, held against a real TPM 2.0 (swtpm, through ESAPI) and against the software
// one. The real one is the reference: what passes here on both cannot be told apart by the server.
namespace slipway {
namespace {

using testing::Simulator;
namespace fs = std::filesystem;

// One kind of TPM under test, that can be switched off and on again.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual tpm::Attester& attester() = 0;
  virtual void reboot() = 0;
};

class SimulatorMachine final : public Machine {
 public:
  explicit SimulatorMachine(bool persistent_endorsement_key) : simulator_(persistent_endorsement_key) {
    log_ = simulator_.folder() / "log.bin";
    std::ofstream(log_) << "firmware log";
    open();
  }
  tpm::Attester& attester() override { return *attester_; }
  void reboot() override {
    attester_.reset();
    simulator_.stop();
    simulator_.start();
    open();
  }

 private:
  void open() {
    attester_ = agent::EsysAttester::open({simulator_.tcti(), log_, simulator_.folder() / "no-ima"}).value();
  }
  Simulator simulator_;
  fs::path log_;
  std::unique_ptr<agent::EsysAttester> attester_;
};

class SoftwareMachine final : public Machine {
 public:
  SoftwareMachine() : attester_(host::SoftwareAttester::manufacture().value()) {}
  tpm::Attester& attester() override { return *attester_; }
  void reboot() override { attester_ = host::SoftwareAttester::from_state(attester_->state()).value(); }

 private:
  std::unique_ptr<host::SoftwareAttester> attester_;
};

class AttesterContract : public ::testing::TestWithParam<std::string> {
 protected:
  static std::unique_ptr<Machine> make() {
    if (GetParam() == "software") return std::make_unique<SoftwareMachine>();
    return std::make_unique<SimulatorMachine>(GetParam() == "swtpm");
  }
  std::unique_ptr<Machine> machine_ = make();
  tpm::Attester& attester() { return machine_->attester(); }
  SystemRandom random_;
};

TEST_P(AttesterContract, TheEndorsementKeyIsOfTheDefaultTemplate) {
  const auto area = attester().endorsement_key_public();
  ASSERT_TRUE(area.has_value()) << area.error().message;
  const auto key = tpm::check_endorsement_key(*area);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EXPECT_EQ(attester().endorsement_key_public().value(), *area);
}

TEST_P(AttesterContract, TheAttestationKeyIsFit) {
  const auto area = attester().attestation_key_public();
  ASSERT_TRUE(area.has_value()) << area.error().message;
  const auto key = tpm::check_attestation_key(*area);
  EXPECT_TRUE(key.has_value()) << key.error().message;
}

TEST_P(AttesterContract, BothKeysAreTheSameAfterAReboot) {
  const Bytes endorsement_key = attester().endorsement_key_public().value();
  const Bytes attestation_key = attester().attestation_key_public().value();
  machine_->reboot();
  EXPECT_EQ(attester().endorsement_key_public().value(), endorsement_key);
  EXPECT_EQ(attester().attestation_key_public().value(), attestation_key);
}

TEST_P(AttesterContract, TwoMachinesHaveDifferentKeys) {
  const auto other = make();
  EXPECT_NE(attester().endorsement_key_public().value(), other->attester().endorsement_key_public().value());
  EXPECT_NE(attester().attestation_key_public().value(), other->attester().attestation_key_public().value());
}

TEST_P(AttesterContract, ACredentialForThisPairOfKeysIsActivated) {
  const auto endorsement_key = tpm::check_endorsement_key(attester().endorsement_key_public().value()).value();
  const Bytes name = tpm::compute_name(attester().attestation_key_public().value()).value();
  for (int round = 0; round < 3; ++round) {
    const Bytes secret = random_.bytes(32);
    const auto credential = tpm::make_credential(endorsement_key, name, secret, random_).value();
    const auto activated = attester().activate_credential(credential.id_object, credential.encrypted_secret);
    ASSERT_TRUE(activated.has_value()) << activated.error().message;
    EXPECT_EQ(*activated, secret);
  }
}

TEST_P(AttesterContract, ACredentialForAnotherKeyIsNotActivated) {
  const auto endorsement_key = tpm::check_endorsement_key(attester().endorsement_key_public().value()).value();
  const Bytes name = tpm::compute_name(attester().attestation_key_public().value()).value();
  const Bytes secret = random_.bytes(32);
  Bytes other_name = name;
  other_name.back() = static_cast<std::uint8_t>(other_name.back() ^ 1);
  auto credential = tpm::make_credential(endorsement_key, other_name, secret, random_).value();
  EXPECT_FALSE(attester().activate_credential(credential.id_object, credential.encrypted_secret).has_value());

  const auto other = crypto::PrivateKey::generate_rsa2048().public_key();
  credential = tpm::make_credential(other, name, secret, random_).value();
  EXPECT_FALSE(attester().activate_credential(credential.id_object, credential.encrypted_secret).has_value());

  credential = tpm::make_credential(endorsement_key, name, secret, random_).value();
  Bytes longer = credential.id_object;
  longer.push_back(0);
  EXPECT_FALSE(attester().activate_credential(longer, credential.encrypted_secret).has_value());
  EXPECT_FALSE(attester().activate_credential({}, {}).has_value());
  // And after all of these the true one still is.
  EXPECT_EQ(attester().activate_credential(credential.id_object, credential.encrypted_secret).value(), secret);
}

TEST_P(AttesterContract, AQuoteVerifiesAndCoversThePcrsThatAreRead) {
  const auto key = tpm::check_attestation_key(attester().attestation_key_public().value()).value();
  const Bytes qualifying = random_.bytes(32);
  const std::vector<int> pcrs{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const auto quote = attester().quote(qualifying, pcrs);
  ASSERT_TRUE(quote.has_value()) << quote.error().message;
  const auto verified = tpm::verify_quote(key, *quote, qualifying, pcrs);
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  const auto values = attester().read_pcrs(pcrs);
  ASSERT_TRUE(values.has_value()) << values.error().message;
  EXPECT_EQ(values->size(), pcrs.size());
  EXPECT_EQ(tpm::pcr_digest(*values), verified->pcr_digest);
  EXPECT_FALSE(tpm::verify_quote(key, *quote, random_.bytes(32), pcrs).has_value());
}

TEST_P(AttesterContract, PcrsAreReadInTheOrderAsked) {
  const auto values = attester().read_pcrs({17, 0});
  ASSERT_TRUE(values.has_value()) << values.error().message;
  ASSERT_EQ(values->size(), 2U);
  EXPECT_EQ((*values)[0], Bytes(32, 0xff));
  EXPECT_EQ((*values)[1], Bytes(32, 0x00));
}

TEST_P(AttesterContract, WhatNoTpmCanDoIsRefused) {
  EXPECT_FALSE(attester().quote(Bytes(65, 1), {0}).has_value());
  EXPECT_FALSE(attester().quote(Bytes(32, 1), {24}).has_value());
  EXPECT_FALSE(attester().read_pcrs({-1}).has_value());
}

TEST_P(AttesterContract, AMissingImaLogIsEmpty) {
  EXPECT_TRUE(attester().firmware_event_log().has_value());
  EXPECT_EQ(attester().ima_log().value(), Bytes{});
}

// swtpm: as swtpm_setup leaves it, with the EK at its handle; swtpmWithoutKey: the EK is made from the template.
INSTANTIATE_TEST_SUITE_P(Attesters, AttesterContract, ::testing::Values("swtpm", "swtpmWithoutKey", "software"),
                         [](const auto& parameter) { return parameter.param; });

// The EK that a host records at the TPM's making is the one that the guest finds, and the one the template gives.
TEST(EsysAttester, FindsThePersistentEndorsementKeyThatTheTemplateWouldGive) {
  Simulator simulator(true);
  const auto attester = agent::EsysAttester::open({simulator.tcti(), "/nonexistent", "/nonexistent"}).value();
  const Bytes persistent = attester->endorsement_key_public().value();
  const auto area = tpm::parse_public_area(persistent).value();
  EXPECT_EQ(tpm::marshal_public_area(
                tpm::endorsement_key_area(tpm::check_endorsement_key(persistent).value().rsa_numbers().value())),
            persistent);
  EXPECT_EQ(area.rsa_bits, 2048);
}

// As TPM2_ReadClock shows it, in milliseconds.
std::uint64_t clock_of(const Simulator& simulator) {
  const fs::path output = simulator.folder() / "clock";
  fs::remove(output);
  EXPECT_EQ(testing::run({"tpm2_readclock", "--tcti", simulator.tcti()}, nullptr, output), 0);
  std::ifstream lines(output);
  for (std::string word; lines >> word;) {
    if (std::uint64_t clock = 0; word == "clock:" && lines >> clock) return clock;
  }
  ADD_FAILURE() << "tpm2_readclock names no clock";
  return 0;
}

// Found on a real VM: a node whose power was cut was held for one whose TPM had been thrown back, since swtpm had kept
// its clock at the last orderly shutdown alone.
TEST(EsysAttester, APowerCutThrowsTheClockBackByNoMoreThanTheTpmsOwnInterval) {
  constexpr std::uint64_t kIntervalOfSwtpm = 4096;
  Simulator simulator(true);
  auto attester = agent::EsysAttester::open({simulator.tcti(), "/nonexistent", "/nonexistent"}).value();
  const auto key = tpm::check_attestation_key(attester->attestation_key_public().value()).value();
  const std::uint64_t first = clock_of(simulator);
  std::uint64_t seen = 0;
  while (seen < first + 2 * kIntervalOfSwtpm) {
    const auto quote = attester->quote(Bytes(32, 1), {0}).value();
    seen = tpm::verify_quote(key, quote, Bytes(32, 1), {0}).value().clock.clock;
  }
  attester.reset();
  simulator.cut_power();
  simulator.start();
  EXPECT_GT(clock_of(simulator) + kIntervalOfSwtpm, seen);
}

TEST(EsysAttester, SaysWhatIsMissing) {
  const auto opened = agent::EsysAttester::open({"swtpm:path=/nonexistent/tpm.sock", "", ""});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(opened.error().message.find("/nonexistent/tpm.sock"), std::string::npos);
}

TEST(EsysAttester, AMissingFirmwareLogIsAnErrorThatNamesIt) {
  Simulator simulator(true);
  const auto attester = agent::EsysAttester::open({simulator.tcti(), "/nonexistent/log", ""}).value();
  const auto log = attester->firmware_event_log();
  ASSERT_FALSE(log.has_value());
  EXPECT_NE(log.error().message.find("/nonexistent/log"), std::string::npos);
}

}  // namespace
}  // namespace slipway
