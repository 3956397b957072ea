#include "tpm/quote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <numeric>

#include "base/refusals_for_tests.h"
#include "base/source_folder_for_tests.h"
#include "crypto/ecdsa_signature.h"
#include "tpm/wire.h"

namespace slipway::tpm {
namespace {

using ::testing::HasSubstr;

Bytes read_corpus(const std::string& name) {
  std::ifstream file(source_folder() + "/tests/corpus/boots/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The PEM key of a recorded boot, put back into the public area that its TPM had for it.
AttestationKey corpus_key(const std::string& boot) {
  const Bytes pem = read_corpus(boot + "/ak.pub");
  const auto numbers = crypto::PublicKey::from_pem(as_text(pem)).value().rsa_numbers().value();
  return check_attestation_key(marshal_public_area(attestation_key_area(numbers))).value();
}

UnverifiedQuote corpus_quote(const std::string& boot) {
  return {read_corpus(boot + "/q.msg"), read_corpus(boot + "/q.sig")};
}

std::vector<int> range(int first, int last) {
  std::vector<int> pcrs(static_cast<std::size_t>(last - first + 1));
  std::iota(pcrs.begin(), pcrs.end(), first);
  return pcrs;
}

// The values of "  4 : 0xEDAE..." lines.
std::vector<Bytes> corpus_pcrs(const std::string& boot, const std::vector<int>& wanted) {
  std::ifstream file(source_folder() + "/tests/corpus/boots/" + boot + "/pcrs.txt");
  std::vector<Bytes> values;
  for (std::string line; std::getline(file, line);) {
    const auto value = line.find(": 0x");
    if (value == std::string::npos) continue;
    const int pcr = std::stoi(line);
    if (std::find(wanted.begin(), wanted.end(), pcr) == wanted.end()) continue;
    values.push_back(from_hex(std::string_view(line).substr(value + 4, 64)).value());
  }
  return values;
}

const Bytes kChallenge = {0xab, 0xcd, 0xef};

TEST(RecordedQuote, HoldsForTheBootsThatWereRecorded) {
  std::vector<int> with_14 = range(0, 9);
  with_14.push_back(14);
  const std::pair<std::string, std::vector<int>> boots[] = {{"debian12-ovmf-secureboot", with_14},
                                                            {"debian12-ovmf-verity", range(0, 15)},
                                                            {"slipway-node-verity", range(0, 14)}};
  for (const auto& [boot, pcrs] : boots) {
    const auto quote = verify_quote(corpus_key(boot), corpus_quote(boot), kChallenge, pcrs);
    ASSERT_TRUE(quote) << quote.error().message;
    EXPECT_EQ(quote->pcr_digest, pcr_digest(corpus_pcrs(boot, pcrs))) << boot;
    EXPECT_EQ(quote->clock.reset_count, 2u);
    EXPECT_EQ(quote->firmware_version, 0x2019102300163636u);
  }
}

TEST(RecordedQuote, ReadsBackToItsBytes) {
  for (const std::string boot : {"debian12-ovmf-secureboot", "debian12-ovmf-verity"}) {
    const UnverifiedQuote quote = corpus_quote(boot);
    EXPECT_EQ(marshal_quote(parse_quote(quote.attest).value()), quote.attest);
    const auto signature = parse_signature(quote.signature).value();
    EXPECT_EQ(marshal_signature(crypto::SignatureScheme::kRsaPkcs1Sha256, signature.signature).value(),
              quote.signature);
  }
}

TEST(RecordedQuote, AnotherMachinesKeyDoesNotVerifyIt) {
  const auto quote = verify_quote(corpus_key("debian12-ovmf-verity"), corpus_quote("debian12-ovmf-secureboot"),
                                  kChallenge, range(0, 15));
  EXPECT_EQ(quote.error().reason, "QuoteSignature");
}

TEST(RecordedQuote, AnyChangedBitIsRefused) {
  const AttestationKey key = corpus_key("debian12-ovmf-verity");
  const UnverifiedQuote good = corpus_quote("debian12-ovmf-verity");
  for (std::size_t i = 0; i < good.attest.size(); ++i) {
    UnverifiedQuote changed = good;
    changed.attest[i] ^= 0x01;
    EXPECT_FALSE(verify_quote(key, changed, kChallenge, range(0, 15))) << "attest " << i;
  }
  for (std::size_t i = 0; i < good.signature.size(); ++i) {
    UnverifiedQuote changed = good;
    changed.signature[i] ^= 0x01;
    EXPECT_FALSE(verify_quote(key, changed, kChallenge, range(0, 15))) << "signature " << i;
  }
}

// RSA keys take long to make: two per process.
const crypto::PrivateKey& rsa_key(bool other) {
  static const crypto::PrivateKey keys[] = {crypto::PrivateKey::generate_rsa2048(),
                                            crypto::PrivateKey::generate_rsa2048()};
  return keys[other ? 1 : 0];
}
crypto::PrivateKey make_key(bool rsa, bool other) { return rsa ? rsa_key(other) : crypto::PrivateKey::generate_p256(); }

// One check per negative, each signed truly by the key, so that the check alone stands in the way.
class QuoteTest : public testing::TestWithParam<bool> {
 protected:
  QuoteTest() {
    body_.qualified_signer = key_.name;
    body_.extra_data = kChallenge;
    body_.selections = {{kAlgSha256, {0, 4, 7}}};
    body_.pcr_digest = Bytes(32, 0x11);
  }

  static AttestationKey checked(const crypto::PrivateKey& key) {
    const auto pub = key.public_key();
    const PublicArea area =
        pub.is_rsa() ? attestation_key_area(pub.rsa_numbers().value()) : attestation_key_area(pub.p256_point().value());
    return check_attestation_key(marshal_public_area(area)).value();
  }

  UnverifiedQuote sign(Bytes attest) const {
    const Bytes raw = private_.sign(key_.scheme, attest).value();
    return {std::move(attest), marshal_signature(key_.scheme, raw).value()};
  }

  Error refusal(const UnverifiedQuote& quote) const {
    const auto verified = verify_quote(key_, quote, kChallenge, {0, 4, 7});
    return verified ? Error{} : verified.error();
  }
  std::string reason(const QuoteBody& body) const { return refusal(sign(marshal_quote(body))).reason; }

  crypto::PrivateKey private_ = make_key(GetParam(), false);
  AttestationKey key_ = checked(private_);
  QuoteBody body_;
};

INSTANTIATE_TEST_SUITE_P(Keys, QuoteTest, testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "Rsa" : "P256"; });

TEST_P(QuoteTest, AGoodOneIsTaken) {
  const auto verified = verify_quote(key_, sign(marshal_quote(body_)), kChallenge, {0, 4, 7});
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->pcr_digest, body_.pcr_digest);
}

TEST_P(QuoteTest, BytesThatNoTpmMadeAreRefusedThoughTheyAreSigned) {
  Bytes attest = marshal_quote(body_);
  attest[0] = 0xfe;
  const Error error = refusal(sign(attest));
  EXPECT_EQ(error.reason, "QuoteMalformed");
  EXPECT_NE(error.message.find("TPM_GENERATED_VALUE"), std::string::npos);
}

TEST_P(QuoteTest, AnotherAttestationIsRefused) {
  Bytes attest = marshal_quote(body_);
  attest[5] = 0x17;  // TPM_ST_ATTEST_CERTIFY
  EXPECT_EQ(refusal(sign(attest)).reason, "QuoteMalformed");
}

TEST_P(QuoteTest, AnotherChallengeIsRefused) {
  body_.extra_data = {0xab, 0xcd, 0xee};
  EXPECT_EQ(reason(body_), "QuoteNonce");
  body_.extra_data = {};
  EXPECT_EQ(reason(body_), "QuoteNonce");
}

TEST_P(QuoteTest, AnotherSelectionIsRefused) {
  const std::vector<std::vector<PcrSelection>> selections = {
      {},
      {{kAlgSha256, {0, 4}}},
      {{kAlgSha256, {0, 4, 7, 8}}},
      {{kAlgSha1, {0, 4, 7}}},
      {{kAlgSha256, {0, 4, 7}}, {kAlgSha256, {0, 4, 7}}},
      {{kAlgSha256, {0, 4, 7}}, {kAlgSha1, {}}},
      {{kAlgSha256, {0}}, {kAlgSha256, {4, 7}}},
  };
  for (const auto& selection : selections) {
    body_.selections = selection;
    EXPECT_EQ(reason(body_), "QuoteSelection") << selection.size();
  }
}

TEST_P(QuoteTest, AnEmptySelectionIsNeverAsked) {
  body_.selections = {{kAlgSha256, {}}};
  EXPECT_EQ(verify_quote(key_, sign(marshal_quote(body_)), kChallenge, {}).error().reason, "QuoteSelection");
}

TEST_P(QuoteTest, ADigestOfAnotherSizeIsRefused) {
  body_.pcr_digest = Bytes(20, 1);
  EXPECT_EQ(reason(body_), "QuoteDigest");
}

TEST_P(QuoteTest, ASignatureOfAnotherKeyOrAlgorithmIsRefused) {
  const Bytes attest = marshal_quote(body_);
  const auto other = make_key(GetParam(), true);
  const Bytes by_other = marshal_signature(key_.scheme, other.sign(key_.scheme, attest).value()).value();
  EXPECT_EQ(refusal({attest, by_other}).reason, "QuoteSignature");

  const auto family = make_key(!GetParam(), true);
  const auto scheme = GetParam() ? crypto::SignatureScheme::kEcdsaP256Sha256 : crypto::SignatureScheme::kRsaPkcs1Sha256;
  const Bytes by_family = marshal_signature(scheme, family.sign(scheme, attest).value()).value();
  EXPECT_EQ(refusal({attest, by_family}).reason, "QuoteSignatureAlgorithm");

  UnverifiedQuote other_hash = sign(attest);
  other_hash.signature[3] = kAlgSha1;
  EXPECT_EQ(refusal(other_hash).reason, "QuoteSignatureAlgorithm");
}

TEST_P(QuoteTest, EveryCutAndEveryTailIsMalformed) {
  const UnverifiedQuote good = sign(marshal_quote(body_));
  for (std::size_t size = 0; size < good.attest.size(); ++size)
    EXPECT_EQ(parse_quote(ByteView(good.attest).first(size)).error().code, ErrorCode::kMalformed);
  for (std::size_t size = 0; size < good.signature.size(); ++size)
    EXPECT_EQ(parse_signature(ByteView(good.signature).first(size)).error().code, ErrorCode::kMalformed);
  UnverifiedQuote longer = good;
  longer.attest.push_back(0);
  EXPECT_EQ(parse_quote(longer.attest).error().code, ErrorCode::kMalformed);
  longer.signature.push_back(0);
  EXPECT_EQ(parse_signature(longer.signature).error().code, ErrorCode::kMalformed);
}

TEST_P(QuoteTest, CountsAreBoundedBeforeTheyAreFollowed) {
  body_.selections.assign(5, {kAlgSha256, {0}});
  EXPECT_THAT(refusal_of(parse_quote(marshal_quote(body_))), HasSubstr("at most 4 PCR selections, but there are 5"));
  EXPECT_THAT(refusal_of(parse_quote(Bytes(1025))), HasSubstr("a quote of at most 1024 bytes, but it has 1025"));
  EXPECT_THAT(refusal_of(parse_signature(Bytes(1025))), HasSubstr("a signature of at most 1024 bytes"));
}

TEST_P(QuoteTest, AskedPcrsMustRise) {
  EXPECT_EQ(verify_quote(key_, sign(marshal_quote(body_)), kChallenge, {4, 0, 7}).error().reason, "QuoteSelection");
  EXPECT_EQ(verify_quote(key_, sign(marshal_quote(body_)), kChallenge, {0, 4, 4, 7}).error().reason, "QuoteSelection");
}

TEST_P(QuoteTest, MalformedOnesNameTheirOffset) {
  const Bytes good = marshal_quote(body_);
  const auto message = [&](std::size_t at, std::uint8_t value) {
    Bytes changed = good;
    changed[at] = value;
    return parse_quote(changed).error().message;
  };
  EXPECT_EQ(message(0, 0).find("at offset 0: expected"), 0u);
  EXPECT_EQ(message(4, 0).find("at offset 4: expected"), 0u);
  EXPECT_EQ(message(6, 1).find("at offset 6: expected"), 0u);
  const std::size_t safe = 4 + 2 + 2 + body_.qualified_signer.size() + 2 + body_.extra_data.size() + 16;
  EXPECT_EQ(message(safe, 2).find("at offset " + std::to_string(safe) + ": expected"), 0u);
}

// A number sequence that is the same in every run.
struct Sequence {
  std::uint32_t state = 20261123;
  std::uint32_t operator()(std::uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
  }
  Bytes bytes(std::uint32_t most) {
    Bytes made(operator()(most + 1));
    for (std::uint8_t& byte : made) byte = static_cast<std::uint8_t>(operator()(256));
    return made;
  }
};

TEST(QuoteBody, ReadsBackWhatWasWritten) {
  Sequence random;
  for (int run = 0; run < 500; ++run) {
    QuoteBody body;
    body.qualified_signer = random.bytes(66);
    body.extra_data = random.bytes(66);
    body.clock = {random(1u << 23) * std::uint64_t{1u << 20}, random(1u << 23), random(1u << 23), random(2) == 1};
    body.firmware_version = random(1u << 23) * std::uint64_t{1u << 20};
    for (std::uint32_t i = random(5); i-- > 0;) {
      PcrSelection selection;
      selection.hash = random(2) == 0 ? kAlgSha1 : kAlgSha256;
      for (int pcr = 0; pcr < 32; ++pcr)
        if (random(3) == 0) selection.pcrs.push_back(pcr);
      body.selections.push_back(selection);
    }
    body.pcr_digest = random.bytes(64);
    const auto read = parse_quote(marshal_quote(body));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->qualified_signer, body.qualified_signer);
    EXPECT_EQ(read->extra_data, body.extra_data);
    EXPECT_EQ(read->clock.clock, body.clock.clock);
    EXPECT_EQ(read->clock.reset_count, body.clock.reset_count);
    EXPECT_EQ(read->clock.restart_count, body.clock.restart_count);
    EXPECT_EQ(read->clock.safe, body.clock.safe);
    EXPECT_EQ(read->firmware_version, body.firmware_version);
    EXPECT_EQ(read->selections, body.selections);
    EXPECT_EQ(read->pcr_digest, body.pcr_digest);
  }
}

TEST(TpmSignatures, ReadBackWhatWasWritten) {
  Sequence random;
  for (int run = 0; run < 500; ++run) {
    const Bytes rsa = random.bytes(512);
    const Bytes wire = marshal_signature(crypto::SignatureScheme::kRsaPkcs1Sha256, rsa).value();
    const auto read = parse_signature(wire);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->algorithm, kAlgRsaSsa);
    EXPECT_EQ(read->hash, kAlgSha256);
    EXPECT_EQ(read->signature, rsa);

    // A TPM may leave leading zeros out; Slipway writes them.
    Bytes r = random.bytes(31), s = random.bytes(31);
    r.push_back(static_cast<std::uint8_t>(random(256)));
    s.push_back(static_cast<std::uint8_t>(random(256)));
    const Bytes der = crypto::encode_ecdsa_signature(r, s).value();
    const Bytes full = marshal_signature(crypto::SignatureScheme::kEcdsaP256Sha256, der).value();
    Bytes short_form{0x00, kAlgEcdsa, 0x00, kAlgSha256};
    put_sized(short_form, r);
    put_sized(short_form, s);
    EXPECT_EQ(full.size(), 4u + 2 * (2 + 32));
    for (const Bytes& form : {full, short_form}) {
      const auto numbers = parse_signature(form);
      ASSERT_TRUE(numbers) << numbers.error().message;
      EXPECT_EQ(numbers->algorithm, kAlgEcdsa);
      EXPECT_EQ(numbers->hash, kAlgSha256);
      EXPECT_EQ(numbers->signature, der);
    }
  }
}

TEST(PublicAreas, ReadBackWhatWasWritten) {
  Sequence random;
  for (int run = 0; run < 500; ++run) {
    PublicArea area;
    area.name_algorithm = random(2) == 0 ? kAlgSha1 : kAlgSha256;
    area.attributes = random(1u << 23);
    area.auth_policy = random.bytes(64);
    if (random(2) == 0) area.symmetric = {kAlgAes, 128, kAlgCfb};
    if (random(2) == 0) area.scheme = {random(2) == 0 ? kAlgRsaSsa : kAlgEcdsa, kAlgSha256};
    if (random(2) == 0) {
      area.type = kAlgRsa;
      area.rsa_bits = static_cast<std::uint16_t>(random(4096));
      area.rsa_exponent = random(2) == 0 ? 65537 : 3;
      area.rsa_modulus = random.bytes(512);
    } else {
      area.type = kAlgEcc;
      area.curve = kCurveP256;
      area.x = random.bytes(66);
      area.y = random.bytes(66);
    }
    const Bytes written = marshal_public_area(area);
    const auto read = parse_public_area(written);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(marshal_public_area(*read), written);
    EXPECT_EQ(read->attributes, area.attributes);
    EXPECT_EQ(read->rsa_exponent, area.rsa_exponent);
    EXPECT_EQ(read->rsa_modulus, area.rsa_modulus);
    EXPECT_EQ(read->x, area.x);
  }
}

TEST(MarshalSignature, KnowsNoOtherHash) {
  EXPECT_EQ(marshal_signature(crypto::SignatureScheme::kRsaPkcs1Sha384, Bytes(256)).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace slipway::tpm
