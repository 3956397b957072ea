#include "bootchain/event_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bootchain/corpus_for_tests.h"
#include "bootchain/efi_variable.h"
#include "bootchain/events_for_tests.h"
#include "bootchain/legacy_event_log.h"

namespace slipway::bootchain {
namespace {

using ::testing::HasSubstr;

std::vector<UnverifiedEvent> events_of(const std::string& path) {
  return read_recorded_log(read_corpus(path)).value().log.events;
}

TEST(DigestMatchesData, IsFalseOfNoRealEvent) {
  for (const std::string& path : log_paths()) {
    int matching = 0;
    for (const UnverifiedEvent& event : events_of(path)) {
      EXPECT_NE(digest_matches_data(event), false) << path << " event " << event.index;
      if (digest_matches_data(event) == true) ++matching;
    }
    EXPECT_GE(matching, 25) << path;
  }
}

// Whatever was once true of an event is never true of its data with a bit flipped, and where the type alone says that
// the data are what was digested, it is false.
TEST(DigestMatchesData, FindsAFlippedBitInEveryDeterminedEventOfEveryRealLog) {
  int found = 0;
  for (const std::string& path : log_paths()) {
    for (UnverifiedEvent event : events_of(path)) {
      if (digest_matches_data(event) != true || event.data.empty()) continue;
      const auto content = determined_content(event);
      // A bit in the middle of what is digested; GRUB's prefix, a boot variable's name and a last NUL are not.
      const std::size_t at = content
                                 ? static_cast<std::size_t>(content->data() - event.data.data()) + content->size() / 2
                                 : event.data.size() / 2;
      event.data[at] ^= 0x10;
      const auto now = digest_matches_data(event);
      EXPECT_NE(now, true) << path << " event " << event.index;
      if (determined_content(event)) {
        EXPECT_EQ(now, false) << path << " event " << event.index;
      }
      ++found;
    }
  }
  EXPECT_GT(found, 400);
}

TEST(DigestMatchesData, HoldsInEveryBank) {
  const Bytes data = to_bytes("Exit Boot Services Invocation");
  UnverifiedEvent event{0, 5, kEvEfiAction, {}, data};
  for (const auto bank : {kSha1Bank, kSha256Bank, kSha384Bank, kSha512Bank})
    event.digests.push_back({bank, crypto::digest(*hash_of_bank(bank), data)});
  EXPECT_EQ(digest_matches_data(event), true);
  for (EventDigest& digest : event.digests) {
    digest.digest[3] ^= 1;
    EXPECT_EQ(digest_matches_data(event), false) << digest.bank;
    digest.digest[3] ^= 1;
  }
  // A bank of an algorithm that nobody here computes says nothing either way.
  event.digests.push_back({0x0012, Bytes(32, 7)});
  EXPECT_EQ(digest_matches_data(event), true);
  event.digests = {{0x0012, Bytes(32, 7)}};
  EXPECT_EQ(digest_matches_data(event), std::nullopt);
}

// A log may have banks whose digests are of its data beside one whose digests are not.
TEST(DeterminedDigests, HoldInEveryBank) {
  const UnverifiedEventLog good = with_every_bank(make_log({make_event(5, kEvEfiAction, to_bytes("Exit Boot"))}));
  ASSERT_TRUE(check_determined_digests(good));
  ASSERT_EQ(good.banks.size(), 4u);
  for (std::size_t i = 0; i < good.banks.size(); ++i) {
    UnverifiedEventLog changed = good;
    EventDigest& digest = changed.events[0].digests[i];
    digest.digest[3] ^= 1;
    const Status status = check_determined_digests(changed);
    ASSERT_FALSE(status) << digest.bank;
    EXPECT_EQ(status.error().reason, "DigestNotOfData");
    EXPECT_THAT(status.error().message, HasSubstr(": its " + bank_name(digest.bank) + " digest is not the digest of"));
  }
}

TEST(DigestMatchesData, SaysNothingWhereTheDataOnlyNameWhatWasDigested) {
  const Bytes other = to_bytes("the image itself");
  for (const std::uint32_t type : {kEvPostCode, kEvSCrtmContents, kEvCpuMicrocode, kEvPlatformConfigFlags, kEvIpl,
                                   kEvNonhostInfo, kEvEventTag, kEvCompactHash, kEvEfiBootServicesApplication,
                                   kEvEfiPlatformFirmwareBlob, kEvEfiHandoffTables, kEvEfiHcrtmEvent})
    EXPECT_EQ(digest_matches_data(make_event(0, type, to_bytes("ACPI DATA"), other)), std::nullopt) << type;
  EXPECT_EQ(digest_matches_data(make_event(0, 0x8401, Bytes(1, 1), other)), std::nullopt);
  EXPECT_EQ(digest_matches_data(make_event(0, 0x8401, Bytes(1, 1))), true);
  EXPECT_EQ(digest_matches_data(make_event(0, kEvNoAction, Bytes(16, 1))), std::nullopt);
}

TEST(DigestMatchesData, KnowsGrubsStylesOfDigest) {
  const std::string text = "set a=1";
  for (const char* prefix : {"grub_cmd: ", "grub_cmd ", "kernel_cmdline: ", "grub_kernel_cmdline "}) {
    const Bytes data = to_bytes(prefix + text + '\0');
    EXPECT_EQ(digest_matches_data(make_event(8, kEvIpl, data, data)), true) << prefix;
    EXPECT_EQ(digest_matches_data(make_event(8, kEvIpl, data, as_bytes(text + '\0'))), true) << prefix;
    EXPECT_EQ(digest_matches_data(make_event(8, kEvIpl, data, as_bytes("set a=2"))), false) << prefix;
  }
  const Bytes newer = to_bytes("grub_cmd: " + text + '\0');
  EXPECT_EQ(digest_matches_data(make_event(8, kEvIpl, newer, as_bytes(text))), true);
}

TEST(DigestMatchesData, KnowsASeparatorThatStandsForAnError) {
  const Bytes error{1, 0, 0, 0};
  EXPECT_EQ(digest_matches_data(make_event(0, kEvSeparator, to_bytes("why"), error)), true);
  EXPECT_EQ(digest_matches_data(make_event(0, kEvSeparator, to_bytes("why"), Bytes(4, 0))), false);
}

TEST(DigestMatchesData, KnowsTheByteTooManyOfOldShims) {
  const auto vendor = guid_from_text(kShimVariables).value();
  const Bytes data = encode_variable_data({vendor, "Shim", to_bytes("certificate and a byte")});
  const ByteView digested = ByteView(data).first(data.size() - 1);
  EXPECT_EQ(digest_matches_data(make_event(7, kEvEfiVariableAuthority, data, digested)), true);
  const Bytes other = encode_variable_data({vendor, "SbatLevel", to_bytes("certificate and a byte")});
  EXPECT_EQ(digest_matches_data(make_event(7, kEvEfiVariableAuthority, other, ByteView(other).first(other.size() - 1))),
            false);
}

TEST(DigestMatchesData, TakesABootVariableByItsValueOrWhole) {
  const auto vendor = guid_from_text(kEfiGlobalVariables).value();
  const EfiVariable order{vendor, "BootOrder", {1, 0}};
  const Bytes data = encode_variable_data(order);
  EXPECT_EQ(digest_matches_data(make_event(1, kEvEfiVariableBoot, data, order.value)), true);
  EXPECT_EQ(digest_matches_data(make_event(1, kEvEfiVariableBoot, data, data)), true);
  EXPECT_EQ(digest_matches_data(make_event(1, kEvEfiVariableBoot2, data, order.value)), false);
}

// What the verifier demands is not what the tools allow.
TEST(DeterminedDigests, TakeOneWayOfDigestingAlone) {
  const auto vendor = guid_from_text(kEfiGlobalVariables).value();
  const Bytes data = encode_variable_data({vendor, "BootOrder", {1, 0}});
  EXPECT_FALSE(check_determined_digests(make_log({make_event(1, kEvEfiVariableBoot, data, data)})));
  EXPECT_FALSE(check_determined_digests(make_log({make_event(0, kEvSeparator, Bytes(4, 2), Bytes{1, 0, 0, 0})})));
}

// Longer ones have no value that is looked for: all of such data counts.
TEST(DeterminedDigests, LookForTheValueBehindNamesOf256Letters) {
  const auto content_size = [](std::size_t letters) {
    const Bytes data = encode_variable_data({{}, std::string(letters, 'n'), {1, 0}});
    return determined_content(make_event(1, kEvEfiVariableBoot, data))->size();
  };
  EXPECT_EQ(content_size(256), 2u);
  EXPECT_EQ(content_size(257), 32u + 2 * 257 + 2);
}

}  // namespace
}  // namespace slipway::bootchain
