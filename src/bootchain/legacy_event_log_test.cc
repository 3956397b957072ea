#include "bootchain/legacy_event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "bootchain/corpus_for_tests.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"
#include "bootchain/events_for_tests.h"

namespace slipway::bootchain {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

RecordedLog recorded(const std::string& path) {
  auto log = read_recorded_log(read_corpus(path));
  EXPECT_TRUE(log) << path << ": " << (log ? "" : log.error().message);
  return log.value_or(RecordedLog{});
}

// The sha1 bank of a crypto-agile log as firmware of its time would have logged it.
UnverifiedEventLog as_legacy(const UnverifiedEventLog& log) {
  UnverifiedEventLog legacy;
  legacy.banks = {{kSha1Bank, 20}};
  for (const UnverifiedEvent& event : log.events) {
    legacy.events.push_back(event);
    legacy.events.back().digests = {{kSha1Bank, *find_digest(event, kSha1Bank)}};
  }
  return legacy;
}

TEST(RecordedLog, BeginsWithTheHeaderOfACryptoAgileLog) {
  const RecordedLog log = recorded("eventlogs/keylime-host.bin");
  EXPECT_TRUE(log.crypto_agile);
  ASSERT_EQ(log.log.events.size(), 121u);
  for (std::size_t i = 0; i < log.log.events.size(); ++i) EXPECT_EQ(log.log.events[i].index, static_cast<int>(i));
  EXPECT_THAT(std::string(as_text(log.log.events[0].data)), StartsWith("Spec ID Event03"));
}

// The golden values are tpm2_eventlog's. PCR 0 of a log with a StartupLocality event is left out: that program reads
// the event in another way than the specification (event_log_test.cc).
TEST(RecordedLog, ReplaysEveryBankOfEveryRealLog) {
  for (const std::string& name : log_names()) {
    const RecordedLog log = recorded("eventlogs/" + name + ".bin");
    std::istringstream golden(std::string(as_text(read_corpus("eventlogs/" + name + ".pcrs"))));
    std::map<std::uint16_t, std::size_t> compared;
    std::string bank, value;
    for (int pcr = 0; golden >> bank >> pcr >> value;) {
      const std::uint16_t id = bank == "sha1" ? kSha1Bank : kSha256Bank;
      const PcrValues values = replay_recorded(log.log, id);
      ++compared[id];
      if (pcr == 0 && name == "keylime-host") continue;
      ASSERT_EQ(values.count(pcr), 1u) << name << " " << bank << " " << pcr;
      EXPECT_EQ(to_hex(values.at(pcr)), value) << name << " " << bank << " " << pcr;
    }
    ASSERT_EQ(compared.size(), log.log.banks.size()) << name;
    for (const auto& [id, count] : compared) EXPECT_EQ(replay_recorded(log.log, id).size(), count) << name;
  }
}

TEST(LegacyEventLog, IsReadAsTheSha1BankOfTheSameBoot) {
  for (const char* path : {"eventlogs/keylime-host.bin", "eventlogs/fedora-bootlog.bin"}) {
    const RecordedLog agile = recorded(path);
    const UnverifiedEventLog legacy = as_legacy(parse_event_log(read_corpus(path)).value());
    const auto log = read_recorded_log(encode_legacy_event_log(legacy));
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_FALSE(log->crypto_agile);
    EXPECT_EQ(log->log.events.size(), legacy.events.size());
    EXPECT_EQ(log->log.events.front().index, 0);
    EXPECT_EQ(replay_recorded(log->log, kSha1Bank), replay_recorded(agile.log, kSha1Bank));
    EXPECT_TRUE(replay_recorded(log->log, kSha256Bank).empty());
    EXPECT_EQ(recorded_secure_boot(log->log), recorded_secure_boot(agile.log));
  }
}

TEST(LegacyEventLog, IsNeverTakenForAppraisal) {
  const UnverifiedEventLog legacy = as_legacy(parse_event_log(read_corpus("eventlogs/fedora-bootlog.bin")).value());
  EXPECT_FALSE(parse_event_log(encode_legacy_event_log(legacy)));
}

TEST(LegacyEventLog, SurvivesARoundTripOfArbitraryEvents) {
  Arbitrary arbitrary(1);
  for (int round = 0; round < 200; ++round) {
    UnverifiedEventLog log;
    log.banks = {{kSha1Bank, 20}};
    const std::uint32_t count = 1 + arbitrary.number(20);
    for (std::uint32_t i = 0; i < count; ++i) log.events.push_back(arbitrary.event(log.banks));
    const Bytes bytes = encode_legacy_event_log(log);
    const auto again = parse_legacy_event_log(bytes);
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_EQ(again->events.size(), log.events.size());
    for (std::size_t i = 0; i < log.events.size(); ++i) {
      EXPECT_EQ(again->events[i].pcr, log.events[i].pcr);
      EXPECT_EQ(again->events[i].type, log.events[i].type);
      EXPECT_EQ(again->events[i].data, log.events[i].data);
      EXPECT_EQ(again->events[i].digests[0].digest, log.events[i].digests[0].digest);
    }
    EXPECT_EQ(encode_legacy_event_log(*again), bytes);
  }
}

TEST(LegacyEventLog, IsAnErrorWhereverItIsTruncatedInsideAnEvent) {
  UnverifiedEventLog log;
  log.events.push_back({0, 4, kEvSeparator, {{kSha1Bank, Bytes(20, 1)}}, Bytes(4, 0)});
  const Bytes bytes = encode_legacy_event_log(log);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto result = parse_legacy_event_log(ByteView(bytes).first(size));
    ASSERT_FALSE(result) << size;
    EXPECT_THAT(result.error().message, HasSubstr("at offset "));
    EXPECT_THAT(result.error().message, HasSubstr("expected"));
  }
}

TEST(LegacyEventLog, StopsAtItsLimits) {
  UnverifiedEventLog log;
  log.events.assign(kMaximumEvents + 1, {0, 4, kEvSeparator, {{kSha1Bank, Bytes(20, 1)}}, {}});
  EXPECT_THAT(parse_legacy_event_log(encode_legacy_event_log(log)).error().message, HasSubstr("more than 8192 events"));
  EXPECT_THAT(parse_legacy_event_log(Bytes(kMaximumEventLogSize + 1, 0)).error().message, HasSubstr("at most 1 MiB"));
}

TEST(RecordedLog, SaysWhereAFileIsNoLog) {
  EXPECT_EQ(read_recorded_log(read_corpus("eventlogs/bogus.bin")).error().message,
            "at offset 32: expected event's data (1919248394 bytes), but 2 are left");
  EXPECT_EQ(read_recorded_log({}).error().message,
            "at offset 0: expected the first event of an event log, but there is nothing");
}

UnverifiedEvent locality(std::uint8_t value) {
  Bytes data = to_bytes(std::string_view("StartupLocality\0", 16));
  data.push_back(value);
  return make_event(0, kEvNoAction, data);
}

TEST(RecordedReplay, KeepsEventsOfPcrsThatDoNotExistAndExtendsNothing) {
  const UnverifiedEventLog log =
      make_log({make_event(0xffffffff, kEvAction, to_bytes("option ROM")), make_event(4, kEvSeparator, Bytes(4, 0))});
  EXPECT_FALSE(replay(log, kSha256Bank));
  const PcrValues values = replay_recorded(log, kSha256Bank);
  EXPECT_EQ(values.size(), 1u);
  EXPECT_EQ(values, *replay(make_log({log.events[1]}), kSha256Bank));
}

TEST(RecordedReplay, StartsPcr0FromTheLocalityWhereverItStands) {
  const UnverifiedEvent separator = make_event(0, kEvSeparator, Bytes(4, 0));
  const PcrValues first = *replay(make_log({locality(3), separator}), kSha256Bank);
  EXPECT_EQ(replay_recorded(make_log({locality(3), separator}), kSha256Bank), first);
  EXPECT_EQ(replay_recorded(make_log({separator, locality(3)}), kSha256Bank), first);
  EXPECT_NE(replay_recorded(make_log({separator}), kSha256Bank), first);
}

UnverifiedEvent secure_boot(std::uint32_t pcr, Bytes value) {
  const auto vendor = guid_from_text(kEfiGlobalVariables).value();
  return make_event(pcr, kEvEfiVariableDriverConfig, encode_variable_data({vendor, "SecureBoot", std::move(value)}));
}

TEST(RecordedSecureBoot, IsWhatTheVariableInPcr7Says) {
  EXPECT_EQ(recorded_secure_boot(make_log({secure_boot(7, {1})})), RecordedSecureBoot::kEnabled);
  EXPECT_EQ(recorded_secure_boot(make_log({secure_boot(7, {0})})), RecordedSecureBoot::kDisabled);
  EXPECT_EQ(recorded_secure_boot(make_log({secure_boot(7, {})})), RecordedSecureBoot::kDisabled);
  EXPECT_EQ(recorded_secure_boot(make_log({})), RecordedSecureBoot::kUnknown);
  EXPECT_EQ(recorded_secure_boot(make_log({secure_boot(1, {1})})), RecordedSecureBoot::kUnknown);
  EXPECT_EQ(recorded_secure_boot(make_log({secure_boot(7, {1}), secure_boot(7, {0})})), RecordedSecureBoot::kUnknown);
  UnverifiedEvent forged = secure_boot(7, {0});
  forged.data.back() = 1;
  EXPECT_EQ(recorded_secure_boot(make_log({forged})), RecordedSecureBoot::kUnknown);
}

TEST(RecordedSecureBoot, IsKnownOfRealLogs) {
  EXPECT_EQ(recorded_secure_boot(recorded("eventlogs/rhel9-qemu-ovmf-secureboot.bin").log),
            RecordedSecureBoot::kEnabled);
  EXPECT_EQ(recorded_secure_boot(recorded("boots/debian12-ovmf-minimal-secureboot-off/log.bin").log),
            RecordedSecureBoot::kDisabled);
}

}  // namespace
}  // namespace slipway::bootchain
