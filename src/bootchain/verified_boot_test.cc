#include "bootchain/verified_boot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/byte_reader.h"
#include "bootchain/corpus_for_tests.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

const std::string kVerity = "boots/debian12-ovmf-verity/";

UnverifiedEventLog verity_log() { return parse_event_log(read_corpus(kVerity + "log.bin")).value(); }
std::vector<UnverifiedImaEntry> verity_ima() { return parse_ima_log(read_corpus(kVerity + "ima.bin")).value(); }

// The PCR digest that swtpm signed for this boot, over PCR 0 to 15: the last 32 bytes of q.msg.
QuotedPcrs verity_quote() {
  const Bytes attest = read_corpus(kVerity + "q.msg");
  QuotedPcrs quoted;
  quoted.pcrs.resize(16);
  std::iota(quoted.pcrs.begin(), quoted.pcrs.end(), 0);
  quoted.digest = Bytes(attest.end() - 32, attest.end());
  return quoted;
}

TEST(VerifyBoot, AccountsForARealQuoteWithItsImaLog) {
  const auto boot = verify_boot(verity_log(), verity_ima(), verity_quote());
  ASSERT_TRUE(boot) << boot.error().message;
  EXPECT_EQ(boot->ima_entries().size(), 443u);
  EXPECT_EQ(to_hex(boot->pcrs().at(10)), "ca973712e28a6fb0d6c47400e6a96ae39ce2facd4c441c86c51c17868833b0b5");
  EXPECT_EQ(to_hex(boot->pcrs().at(8)), "d618e052758607b3b27858ae837dda606078801408dc343367982be86eca964c");
}

TEST(VerifyBoot, TakesThePrefixOfAnImaLogThatGrewAfterTheQuote) {
  auto ima = verity_ima();
  ima.push_back(ima.back());
  ima.push_back(ima.front());
  const auto boot = verify_boot(verity_log(), ima, verity_quote());
  ASSERT_TRUE(boot);
  EXPECT_EQ(boot->ima_entries().size(), 443u);
}

TEST(VerifyBoot, RefusesAnImaLogWithoutItsLastEntry) {
  auto ima = verity_ima();
  ima.pop_back();
  const auto boot = verify_boot(verity_log(), ima, verity_quote());
  ASSERT_FALSE(boot);
  EXPECT_EQ(boot.error().reason, "ReplayDiffers");
}

TEST(VerifyBoot, RefusesAnImaLogWithTwoEntriesSwapped) {
  auto ima = verity_ima();
  std::swap(ima[10], ima[11]);
  EXPECT_FALSE(verify_boot(verity_log(), ima, verity_quote()));
}

TEST(VerifyBoot, RefusesATruncatedEventLog) {
  auto log = verity_log();
  log.events.pop_back();
  const auto boot = verify_boot(log, verity_ima(), verity_quote());
  ASSERT_FALSE(boot);
  EXPECT_EQ(boot.error().reason, "ReplayDiffers");
}

TEST(VerifyBoot, RefusesAQuotedPcrThatNothingExplains) {
  auto log = verity_log();
  log.events.erase(std::remove_if(log.events.begin(), log.events.end(),
                                  [](const UnverifiedEvent& event) { return event.pcr == 14; }),
                   log.events.end());
  EXPECT_FALSE(verify_boot(log, verity_ima(), verity_quote()));
}

TEST(VerifyBoot, RefusesEachSingleChangedDigest) {
  const auto log = verity_log();
  const auto ima = verity_ima();
  for (std::size_t i = 0; i < log.events.size(); i += 5) {
    auto forged = log;
    forged.events[i].digests[0].digest[0] ^= 1;
    EXPECT_FALSE(verify_boot(forged, ima, verity_quote())) << "event " << forged.events[i].index;
  }
}

// The digest of what the firmware's log alone gives.
QuotedPcrs quote_of(const UnverifiedEventLog& log, std::vector<int> pcrs) {
  PcrValues values = replay(log, kSha256Bank).value();
  Bytes joined;
  for (const int pcr : pcrs) put_bytes(joined, values.try_emplace(pcr, initial_pcr(pcr, 32)).first->second);
  return {std::move(pcrs), crypto::sha256(joined)};
}

TEST(VerifyBoot, VouchesForNoImaEntryWherePcr10IsTheFirmwareLogs) {
  auto log = verity_log();
  log.events.push_back({0, 10, kEvIpl, {{kSha256Bank, crypto::sha256(as_bytes("module"))}}, to_bytes("module")});
  const auto boot = verify_boot(log, verity_ima(), quote_of(log, verity_quote().pcrs));
  ASSERT_TRUE(boot) << boot.error().message;
  EXPECT_TRUE(boot->ima_entries().empty());
}

TEST(VerifyBoot, VouchesForNoImaEntryWherePcr10IsNotQuoted) {
  const auto boot = verify_boot(verity_log(), verity_ima(), quote_of(verity_log(), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  ASSERT_TRUE(boot) << boot.error().message;
  EXPECT_TRUE(boot->ima_entries().empty());
}

TEST(ImaLog, ReadsTheFilesOfARealLog) {
  const auto entries = verity_ima();
  const auto first = read_ima_measurement(entries.front());
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->path, "boot_aggregate");
  for (const UnverifiedImaEntry& entry : entries) EXPECT_TRUE(read_ima_measurement(entry));
}

// The kernel's own check of the same boot: boot_aggregate is the digest of PCR 0 to 9.
TEST(ImaLog, BootAggregateIsTheDigestOfTheReplayedPcrs) {
  const auto boot = verify_boot(verity_log(), verity_ima(), verity_quote());
  ASSERT_TRUE(boot);
  Bytes joined;
  for (int pcr = 0; pcr <= 9; ++pcr) put_bytes(joined, boot->pcrs().at(pcr));
  EXPECT_EQ(read_ima_measurement(boot->ima_entries().front())->digest, crypto::sha256(joined));
}

TEST(ImaLog, AViolationExtendsAllOnes) {
  UnverifiedImaEntry entry = verity_ima()[1];
  Bytes bytes;
  put_u32_le(bytes, 10);
  bytes.insert(bytes.end(), 20, 0);
  put_u32_le(bytes, static_cast<std::uint32_t>(entry.template_name.size()));
  put_bytes(bytes, as_bytes(entry.template_name));
  put_u32_le(bytes, static_cast<std::uint32_t>(entry.template_data.size()));
  put_bytes(bytes, entry.template_data);
  const auto entries = parse_ima_log(bytes);
  ASSERT_TRUE(entries);
  EXPECT_TRUE(entries->front().violation);
  EXPECT_EQ(entries->front().sha256_extended, Bytes(32, 0xff));
}

TEST(ImaLog, RefusesAnEntryWhoseDataWereChanged) {
  Bytes bytes = read_corpus(kVerity + "ima.bin");
  bytes[100] ^= 1;
  EXPECT_FALSE(parse_ima_log(bytes));
}

TEST(ImaLog, RefusesATruncatedLog) {
  const Bytes bytes = read_corpus(kVerity + "ima.bin");
  EXPECT_FALSE(parse_ima_log(ByteView(bytes).subspan(0, bytes.size() - 1)));
}

TEST(ImaLog, RefusesAnotherPcr) {
  Bytes bytes = read_corpus(kVerity + "ima.bin");
  bytes[0] = 11;
  EXPECT_FALSE(parse_ima_log(bytes));
}

}  // namespace
}  // namespace slipway::bootchain
