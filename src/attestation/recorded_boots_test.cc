// Real boots, whole: the quote holds, the logs replay to the quoted PCRs, and every digest that an event's data
// determines is the digest of that data.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "bootchain/corpus_for_tests.h"
#include "bootchain/event_data.h"
#include "bootchain/verified_boot.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

namespace slipway::attestation {
namespace {

using bootchain::read_corpus;

struct RecordedBoot {
  std::string folder;
  std::vector<int> pcrs;
  bool quotes_ima;
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
    testing::Values(RecordedBoot{"debian12-ovmf-secureboot", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14}, false},
                    RecordedBoot{"debian12-ovmf-verity", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, true}),
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
  if (GetParam().quotes_ima) {
    EXPECT_EQ(boot->ima_entries().size(), 443u);
  }
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
