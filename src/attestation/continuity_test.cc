#include "attestation/continuity.h"

#include <gtest/gtest.h>

#include <string>

namespace slipway::attestation {
namespace {

constexpr std::uint64_t kMinute = 60'000;
constexpr std::uint64_t kPowerCutLoss = 1U << 22;
const Time kStart = Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23));

// A TPM that was sighted one hour after kStart, in its third boot, and the same TPM half an hour later.
struct Pair {
  TpmSighting previous, current;
  bool host_restarted = false;

  Pair() {
    previous.endorsement_key = Bytes(32, 1);
    previous.attestation_key = Bytes(34, 2);
    previous.clock = {600 * kMinute, 3, 1, true};
    previous.firmware_version = 0x2019102300163636;
    previous.ima_entries = 400;
    previous.challenged = kStart + std::chrono::minutes(60);
    previous.received = previous.challenged + seconds(1);
    current = previous;
    current.clock.clock += 30 * kMinute;
    current.ima_entries += 10;
    current.challenged += std::chrono::minutes(30);
    current.received += std::chrono::minutes(30);
  }

  Continuity judge() const { return judge_continuity(previous, current, host_restarted); }
  // "finding rule" and "suspicion rule", each followed by a comma.
  std::string rules() const {
    std::string all;
    for (const Finding& finding : judge().findings) all += finding.rule + ",";
    for (const Finding& suspicion : judge().suspicions) all += "suspicion " + suspicion.rule + ",";
    return all;
  }
};

TEST(HonestTpm, LaterInTheSameBoot) { EXPECT_EQ(Pair().rules(), ""); }

TEST(HonestTpm, TwoAnswersInOneMillisecond) {
  Pair pair;
  pair.current.clock = pair.previous.clock;
  pair.current.ima_entries = pair.previous.ima_entries;
  EXPECT_EQ(pair.rules(), "");
}

TEST(HonestTpm, SuspendAndResume) {
  Pair pair;
  pair.current.clock.restart_count += 2;
  EXPECT_EQ(pair.rules(), "");
}

TEST(HonestTpm, HibernationBeginsANewImaLog) {
  Pair pair;
  pair.current.clock.restart_count += 1;
  pair.current.ima_entries = 0;
  EXPECT_EQ(pair.rules(), "");
}

TEST(HonestTpm, RebootsSetTheRestartCountAndTheImaLogBack) {
  Pair pair;
  pair.current.clock.reset_count += 5;
  pair.current.clock.restart_count = 0;
  pair.current.ima_entries = 100;
  EXPECT_EQ(pair.rules(), "");
}

TEST(HonestTpm, PowerCutThrowsTheClockBackByWhatWasNotKept) {
  Pair pair;
  pair.current.clock = {pair.previous.clock.clock - kPowerCutLoss, 4, 0, false};
  EXPECT_EQ(pair.rules(), "");
}

TEST(HonestTpm, LongRestWithoutPower) {
  Pair pair;
  pair.current.clock = {pair.previous.clock.clock + 1, 4, 0, true};
  pair.current.challenged += std::chrono::days(90);
  pair.current.received += std::chrono::days(90);
  EXPECT_EQ(pair.rules(), "");
}

TEST(HonestTpm, CountsThatAreShownWithAConstantAddedMayWrap) {
  Pair pair;
  pair.previous.clock.reset_count = 0xffffffff;
  pair.current.clock.reset_count = 1;
  EXPECT_EQ(pair.rules(), "");
  pair.current.clock.reset_count = 0xffffffff;
  pair.previous.clock.restart_count = 0xffffffff;
  pair.current.clock.restart_count = 0;
  EXPECT_EQ(pair.rules(), "");
}

TEST(HonestTpm, AnswersThatOvertookEachOtherAreTakenInTheirTrueOrder) {
  Pair pair;
  pair.current.clock.clock = pair.previous.clock.clock - 500;
  pair.current.ima_entries = pair.previous.ima_entries - 1;
  EXPECT_EQ(pair.rules(), "clock.rollback,ima.rollback,") << "the challenge came after the other answer";
  pair.current.challenged = pair.previous.received - milliseconds(1);
  EXPECT_EQ(pair.rules(), "");
  EXPECT_FALSE(pair.judge().current_is_later);
}

TEST(HonestTpm, OvertakingAcrossAReboot) {
  Pair pair;
  pair.previous.clock = {601 * kMinute, 4, 0, true};
  pair.current.clock = {600 * kMinute, 3, 1, true};
  pair.current.challenged = pair.previous.challenged;
  EXPECT_EQ(pair.rules(), "");
  EXPECT_FALSE(pair.judge().current_is_later);
}

TEST(HonestTpm, HostThatLostPowerIsSuspectedAndNotAccused) {
  Pair pair;
  pair.current.clock.clock = pair.previous.clock.clock - kMinute;
  pair.current.ima_entries = 10;
  EXPECT_EQ(pair.rules(), "clock.rollback,ima.rollback,");
  pair.host_restarted = true;
  EXPECT_EQ(pair.rules(), "suspicion clock.repeated,suspicion clock.repeated,");
}

TEST(DishonestTpm, OtherKeys) {
  Pair pair;
  pair.current.endorsement_key = Bytes(32, 9);
  EXPECT_EQ(pair.rules(), "vtpm.swapped,");
  pair = Pair();
  pair.current.attestation_key = Bytes(34, 9);
  pair.current.clock = {1, 0, 0, false};
  EXPECT_EQ(pair.rules(), "vtpm.swapped,") << "the clocks of two TPMs are not compared";
}

TEST(DishonestTpm, LowerResetCount) {
  Pair pair;
  pair.current.clock.reset_count = 2;
  EXPECT_EQ(pair.rules(), "clock.resetRollback,");
  pair.host_restarted = true;
  EXPECT_EQ(pair.rules(), "clock.resetRollback,") << "a host that lost power cannot explain it";
}

TEST(DishonestTpm, ClearedTpm) {
  Pair pair;
  pair.current.clock = {kMinute, 0, 0, true};
  EXPECT_EQ(pair.rules(), "clock.resetRollback,");
}

TEST(DishonestTpm, LowerRestartCountInTheSameBoot) {
  Pair pair;
  pair.current.clock.restart_count = 0;
  EXPECT_EQ(pair.rules(), "clock.restartRollback,");
}

TEST(DishonestTpm, LowerClockWithoutAReset) {
  Pair pair;
  pair.current.clock.clock = pair.previous.clock.clock - 1;
  EXPECT_EQ(pair.rules(), "clock.rollback,");
  pair.current.clock.safe = false;
  EXPECT_EQ(pair.rules(), "clock.rollback,");
  pair.current.clock.restart_count += 1;
  EXPECT_EQ(pair.rules(), "clock.rollback,") << "a suspend keeps the clock";
}

TEST(DishonestTpm, LowerClockThatCallsItselfSafe) {
  Pair pair;
  pair.current.clock = {pair.previous.clock.clock - 1, 4, 0, true};
  EXPECT_EQ(pair.rules(), "clock.rollback,");
}

TEST(DishonestTpm, LowerClockThanAPowerCutExplains) {
  Pair pair;
  pair.current.clock = {pair.previous.clock.clock - kPowerCutLoss - 1, 4, 0, false};
  EXPECT_EQ(pair.rules(), "clock.rollback,");
}

TEST(DishonestTpm, FewerImaEntriesInTheSameBoot) {
  Pair pair;
  pair.current.ima_entries = pair.previous.ima_entries - 1;
  EXPECT_EQ(pair.rules(), "ima.rollback,");
}

TEST(DishonestTpm, NoOrderOfTwoAnswersExplainsThem) {
  Pair pair;
  pair.current.challenged = pair.previous.challenged;
  pair.current.clock.clock = pair.previous.clock.clock - kMinute;  // so the current one is older
  EXPECT_EQ(pair.rules(), "clock.rollback,") << "but has measured more";
  EXPECT_TRUE(pair.judge().current_is_later);
}

// Two copies of one state that run side by side, one started ten minutes after the other, and answer in turn.
TEST(DishonestTpm, CopiesThatAnswerInTurnRunAheadOfTime) {
  Pair to_the_younger;
  to_the_younger.current.clock.clock -= 10 * kMinute;
  EXPECT_EQ(to_the_younger.rules(), "") << "a paused machine shows the same";
  Pair to_the_older;
  to_the_older.current.clock.clock += 10 * kMinute;
  EXPECT_EQ(to_the_older.rules(), "suspicion clock.ahead,");
}

TEST(DishonestTpm, PaceIsHeldAgainstTheLongestTimeThatMayHavePassed) {
  Pair pair;
  const std::uint64_t passed = 30 * kMinute + 1000;
  const std::uint64_t allowed = passed + passed / 4 + 2 * kMinute;
  pair.current.clock.clock = pair.previous.clock.clock + allowed;
  EXPECT_EQ(pair.rules(), "");
  pair.current.clock.clock += 1;
  EXPECT_EQ(pair.rules(), "suspicion clock.ahead,");
}

TEST(DishonestTpm, ServerWhoseClockWasSetBackDoesNotOverflow) {
  Pair pair;
  pair.current.challenged = pair.previous.challenged - std::chrono::hours(5);
  pair.current.received = pair.current.challenged + seconds(1);
  EXPECT_EQ(pair.rules(), "suspicion clock.ahead,");
}

TEST(DishonestTpm, OtherFirmware) {
  Pair pair;
  pair.current.firmware_version += 1;
  EXPECT_EQ(pair.rules(), "suspicion vtpm.firmwareVersion,");
}

TEST(Findings, SayWhatWasExpectedWhatWasFoundAndWhatToDo) {
  Pair pair;
  pair.current.clock.reset_count = 1;
  const Finding finding = pair.judge().findings.at(0);
  EXPECT_EQ(finding.component, "TPM");
  EXPECT_EQ(finding.expected, "at least 3");
  EXPECT_EQ(finding.found, "1");
  EXPECT_NE(finding.message.find("reset 3 times"), std::string::npos);
  EXPECT_NE(finding.remedy.find("Re-image"), std::string::npos);
}

}  // namespace
}  // namespace slipway::attestation
