#include "apps/slipway/quote_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "bootchain/corpus_for_tests.h"

namespace slipway::cli {
namespace {

using bootchain::read_corpus;
using ::testing::HasSubstr;

const std::string kBoot = "boots/debian12-ovmf-verity/";

struct Recorded {
  Bytes attest = read_corpus(kBoot + "q.msg");
  QuoteExpectation expectation;

  Recorded() {
    expectation.tpmt_signature = read_corpus(kBoot + "q.sig");
    EXPECT_TRUE(read_quote_key(read_corpus(kBoot + "ak.pub"), expectation));
    expectation.qualifying_data = Bytes{0xab, 0xcd, 0xef};
  }
  // "check holds" or "check fails", each followed by a comma.
  std::string checks() const {
    std::string all;
    const InspectedQuote quote = inspect_quote(attest, expectation).value();
    for (const QuoteCheck& check : quote.checks) all += check.name + (check.holds ? " holds," : " fails,");
    return all;
  }
};

TEST(QuoteDocument, OfARecordedBootHolds) {
  const Recorded recorded;
  EXPECT_EQ(recorded.checks(), "signatureAlgorithm holds,signature holds,qualifyingData holds,");
  const auto document = quote_document(inspect_quote(recorded.attest, recorded.expectation).value());
  EXPECT_EQ(document.at("qualifyingData"), "abcdef");
  EXPECT_EQ(document.at("clock").at("resetCount"), 2);
  EXPECT_EQ(document.at("firmwareVersion"), "0x2019102300163636");
  EXPECT_EQ(document.at("selections").at(0).at("bank"), "sha256");
  EXPECT_EQ(document.at("selections").at(0).at("pcrs").get_array().size(), 16u);
  EXPECT_EQ(document.at("signature").at("algorithm"), "RSASSA");
  EXPECT_EQ(document.at("checks").at(1).at("holds"), true);
  const std::string table = quote_table(inspect_quote(recorded.attest, recorded.expectation).value());
  EXPECT_THAT(table, HasSubstr("sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"));
}

TEST(QuoteDocument, ShowsAQuoteWithNothingToHoldItAgainst) {
  Recorded recorded;
  recorded.expectation = {};
  const auto document = quote_document(inspect_quote(recorded.attest, recorded.expectation).value());
  EXPECT_TRUE(document.at("signature").is_null());
  EXPECT_TRUE(document.at("checks").get_array().empty());
}

TEST(QuoteDocument, EachCheckFailsByItself) {
  Recorded recorded;
  recorded.attest.back() ^= 1;
  EXPECT_EQ(recorded.checks(), "signatureAlgorithm holds,signature fails,qualifyingData holds,");
  recorded = Recorded();
  recorded.expectation.qualifying_data = Bytes{0xab, 0xcd};
  EXPECT_EQ(recorded.checks(), "signatureAlgorithm holds,signature holds,qualifyingData fails,");
  recorded = Recorded();
  (*recorded.expectation.tpmt_signature)[3] = tpm::kAlgSha1;
  EXPECT_EQ(recorded.checks(), "signatureAlgorithm fails,qualifyingData holds,") << "SHA-1 is never trusted";
  EXPECT_EQ(quote_document(inspect_quote(recorded.attest, recorded.expectation).value()).at("signature").at("hash"),
            "sha1");
}

TEST(QuoteDocument, JudgesAPublicArea) {
  Recorded recorded;
  const auto numbers = recorded.expectation.key->rsa_numbers().value();
  tpm::PublicArea area = tpm::attestation_key_area(numbers);
  const auto with_size = [](const Bytes& bytes) {
    Bytes sized;
    put_u16_be(sized, static_cast<std::uint16_t>(bytes.size()));
    put_bytes(sized, bytes);
    return sized;
  };
  for (const Bytes& file : {tpm::marshal_public_area(area), with_size(tpm::marshal_public_area(area))}) {
    ASSERT_TRUE(read_quote_key(file, recorded.expectation));
    EXPECT_EQ(recorded.checks(), "signatureAlgorithm holds,signature holds,attestationKey holds,qualifyingData holds,");
  }
  area.attributes &= ~static_cast<std::uint32_t>(tpm::kRestricted);
  ASSERT_TRUE(read_quote_key(tpm::marshal_public_area(area), recorded.expectation));
  EXPECT_EQ(recorded.checks(), "signatureAlgorithm holds,signature holds,attestationKey fails,qualifyingData holds,");
}

TEST(QuoteDocument, RefusesWhatIsNoneByItsOffset) {
  Recorded recorded;
  const auto message = [&] { return inspect_quote(recorded.attest, recorded.expectation).error().message; };
  recorded.attest[0] = 0;
  EXPECT_THAT(message(), HasSubstr("at offset 0: expected TPM_GENERATED_VALUE"));
  recorded.attest = {0xff, 0x54};
  EXPECT_THAT(message(), HasSubstr("at offset 0: expected magic"));
  recorded = Recorded();
  recorded.expectation.tpmt_signature = Bytes{0, 1};
  EXPECT_EQ(inspect_quote(recorded.attest, recorded.expectation).error().target, "signature");
  EXPECT_THAT(message(), HasSubstr("at offset 0: expected RSASSA or ECDSA"));
  QuoteExpectation nothing;
  EXPECT_THAT(read_quote_key(Bytes{9, 9}, nothing).error().message, HasSubstr("at offset 0"));
}

}  // namespace
}  // namespace slipway::cli
