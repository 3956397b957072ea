// Real boots, whole: the quote holds, the logs replay to the quoted PCRs, and every digest that an event's data
// determines is the digest of that data.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>
#include <string>

#include "bootchain/corpus_for_tests.h"
#include "bootchain/event_data.h"
#include "bootchain/replay.h"
#include "bootchain/verified_boot.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

namespace slipway::attestation {
namespace {

using bootchain::read_corpus;

struct RecordedBoot {
  std::string folder;
  std::vector<int> pcrs;
  std::size_t quoted_ima_entries;  // none where PCR 10 is not quoted
};

class RecordedBoots : public testing::TestWithParam<RecordedBoot> {
 protected:
  std::string folder_ = "boots/" + GetParam().folder + "/";
  bootchain::UnverifiedEventLog log_ = bootchain::parse_event_log(read_corpus(folder_ + "log.bin")).value();
  std::vector<bootchain::UnverifiedImaEntry> ima_ = bootchain::parse_ima_log(read_corpus(folder_ + "ima.bin")).value();

  Result<bootchain::QuotedPcrs> quoted() const {
    const Bytes pem = read_corpus(folder_ + "ak.pub");
    const auto numbers = crypto::PublicKey::from_pem(as_text(pem))->rsa_numbers().value();
    const auto key = tpm::check_attestation_key(tpm::marshal_public_area(tpm::attestation_key_area(numbers))).value();
    const tpm::UnverifiedQuote quote{read_corpus(folder_ + "q.msg"), read_corpus(folder_ + "q.sig")};
    SLIPWAY_ASSIGN(const auto verified, tpm::verify_quote(key, quote, Bytes{0xab, 0xcd, 0xef}, GetParam().pcrs));
    return bootchain::QuotedPcrs{GetParam().pcrs, verified.pcr_digest};
  }
};

INSTANTIATE_TEST_SUITE_P(
    Debian, RecordedBoots,
    testing::Values(RecordedBoot{"debian12-ovmf-secureboot", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14}, 0},
                    RecordedBoot{"debian12-ovmf-verity", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 443},
                    RecordedBoot{"slipway-node-verity", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, 68}),
    [](const auto& parameter) {
      std::string name = parameter.param.folder;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST_P(RecordedBoots, Verify) {
  const auto pcrs = quoted();
  ASSERT_TRUE(pcrs) << pcrs.error().message;
  const auto boot = bootchain::verify_boot(log_, ima_, *pcrs);
  ASSERT_TRUE(boot) << boot.error().message;
  EXPECT_EQ(boot->events().size(), log_.events.size());
  if (GetParam().quoted_ima_entries != 0) {
    EXPECT_EQ(boot->ima_entries().size(), GetParam().quoted_ima_entries);
  }
}

// tpm2_pcrread in the guest, after the quote: "    0 : 0x3F61..." under the bank's name.
TEST_P(RecordedBoots, ReplayToThePcrsThatTheTpmShowed) {
  std::istringstream lines(std::string(as_text(read_corpus(folder_ + "pcrs.txt"))));
  std::map<int, Bytes> shown;
  for (std::string line; std::getline(lines, line);) {
    int pcr = 0;
    char value[65] = {};
    if (std::sscanf(line.c_str(), " %d : 0x%64s", &pcr, value) == 2) shown[pcr] = from_hex(value).value();
  }
  ASSERT_EQ(shown.size(), 24u);
  const auto replayed = bootchain::replay(log_, bootchain::kSha256Bank);
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_GE(replayed->size(), 10u);
  for (const auto& [pcr, value] : *replayed) EXPECT_EQ(to_hex(value), to_hex(shown.at(pcr))) << pcr;
}

TEST_P(RecordedBoots, HaveTheDigestsThatTheirDataDetermine) {
  const Status determined = bootchain::check_determined_digests(log_);
  EXPECT_TRUE(determined) << determined.error().message;
}

TEST_P(RecordedBoots, DoNotVerifyWithoutOneEvent) {
  const auto pcrs = quoted().value();
  for (const std::uint32_t pcr : {0U, 4U, 7U, 8U, 9U, 14U}) {
    bootchain::UnverifiedEventLog shorter = log_;
    const auto last = std::find_if(shorter.events.rbegin(), shorter.events.rend(),
                                   [&](const auto& event) { return event.pcr == pcr; });
    ASSERT_NE(last, shorter.events.rend());
    shorter.events.erase(std::next(last).base());
    const auto boot = bootchain::verify_boot(shorter, ima_, pcrs);
    ASSERT_FALSE(boot) << pcr;
    EXPECT_EQ(boot.error().reason, "ReplayDiffers");
  }
}

}  // namespace
}  // namespace slipway::attestation
