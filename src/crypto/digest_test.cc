#include "crypto/digest.h"

#include <gtest/gtest.h>

#include "crypto/secret_hash.h"
#include "crypto/symmetric.h"

namespace slipway::crypto {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

struct RepeatingRandom final : Random {
  void fill(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = next++;
  }
  std::uint8_t next = 1;
};

// FIPS 180-4's example "abc".
TEST(Digest, GivesThePublishedValues) {
  const ByteView abc = as_bytes("abc");
  EXPECT_EQ(to_hex(digest(HashAlgorithm::kSha1, abc)), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(sha256(abc)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(digest(HashAlgorithm::kSha384, abc)),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(digest(HashAlgorithm::kSha512, abc)),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
            "454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, SizesAndNamesFitTheDigests) {
  for (const auto algorithm :
       {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
    EXPECT_EQ(digest(algorithm, {}).size(), digest_size(algorithm)) << to_string(algorithm);
}

TEST(Digest, OfPiecesMayReplaceOneOfThem) {
  for (const auto algorithm :
       {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    Bytes value(digest_size(algorithm), 7);
    Bytes joined = value;
    joined.insert(joined.end(), {'a', 'b', 'c'});
    for (int round = 0; round < 2; ++round) {
      Bytes out = value;
      digest_into(algorithm, {out, {}, as_bytes("ab"), as_bytes("c")}, out);
      EXPECT_EQ(out, digest(algorithm, joined)) << to_string(algorithm);
    }
  }
}

// What extends a PCR goes a way of its own: the edges of it too.
TEST(Digest, OfTwoDigestsIsTheDigestOfThe64Bytes) {
  for (const std::size_t first : {31U, 32U, 33U}) {
    Bytes joined(64);
    for (std::size_t i = 0; i < joined.size(); ++i) joined[i] = static_cast<std::uint8_t>(255 - 3 * i);
    const ByteView whole(joined);
    Bytes out(32);
    digest_into(HashAlgorithm::kSha256, {whole.first(first), whole.subspan(first)}, out);
    EXPECT_EQ(out, sha256(joined)) << first;
  }
  // A PCR of zeros after one extend with zeros.
  Bytes value(32);
  digest_into(HashAlgorithm::kSha256, {value, Bytes(32)}, value);
  EXPECT_EQ(to_hex(value), "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b");
  digest_into(HashAlgorithm::kSha256, {value, value}, value);
  EXPECT_EQ(to_hex(value), "db56114e00fdd4c1f85c892bf35ac9a89289aaecb1ebd0a96cde606a748b5d71");
}

TEST(Hasher, PiecesGiveTheDigestOfTheWholeAndTheHasherStartsAfresh) {
  Hasher hasher(HashAlgorithm::kSha256);
  for (int round = 0; round < 2; ++round) {
    hasher.update(as_bytes("a"));
    hasher.update({});
    hasher.update(as_bytes("bc"));
    EXPECT_EQ(hasher.finish(), sha256(as_bytes("abc")));
  }
}

// RFC 4231 section 4.3, and an empty key.
TEST(Hmac, GivesThePublishedValues) {
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// NIST SP 800-38A F.3.13, moved behind a first block that turns the all-zero IV into the vector's IV: E(0) of this key
// stands in RFC 4493 section 4.
TEST(AesCfb, GivesThePublishedValues) {
  const Bytes key = hex("2b7e151628aed2a6abf7158809cf4f3c");
  const Bytes iv = hex("000102030405060708090a0b0c0d0e0f");
  Bytes plain = hex("7df76b0c1ab899b33e42f047b91b546f");
  for (std::size_t i = 0; i < iv.size(); ++i) plain[i] = static_cast<std::uint8_t>(plain[i] ^ iv[i]);
  const Bytes vector_plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
  plain.insert(plain.end(), vector_plain.begin(), vector_plain.end());
  const Bytes cipher = aes128_cfb_encrypt(key, plain).value();
  EXPECT_EQ(to_hex(cipher), to_hex(iv) + "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b");
  EXPECT_EQ(aes128_cfb_decrypt(key, cipher).value(), plain);
}

TEST(AesCfb, TakesAnyLengthAndNoOtherKeySize) {
  const Bytes key(16, 7);
  for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 34u}) {
    const Bytes plain(size, 0x5a);
    EXPECT_EQ(aes128_cfb_decrypt(key, aes128_cfb_encrypt(key, plain).value()).value(), plain);
  }
  EXPECT_EQ(aes128_cfb_encrypt(Bytes(32), {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(aes128_cfb_decrypt(Bytes(15), {}).error().code, ErrorCode::kInvalidArgument);
}

// RFC 7914 section 12, third vector, its first 32 bytes.
TEST(SecretHash, TakesThePublishedValue) {
  const std::string line = "scrypt$14$8$1$" + to_base64url(as_bytes("SodiumChloride")) + '$' +
                           to_base64url(hex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"));
  EXPECT_TRUE(matches_secret_hash(line, "pleaseletmein"));
  EXPECT_FALSE(matches_secret_hash(line, "pleaseletmeout"));
}

TEST(SecretHash, MatchesItsOwnSecretAlone) {
  RepeatingRandom random;
  const std::string line = hash_secret("correct horse", random);
  EXPECT_TRUE(line.starts_with("scrypt$14$8$1$"));
  EXPECT_EQ(line.find("correct"), std::string::npos);
  EXPECT_TRUE(matches_secret_hash(line, "correct horse"));
  EXPECT_FALSE(matches_secret_hash(line, "correct hors"));
  EXPECT_FALSE(matches_secret_hash(line, ""));
  EXPECT_NE(hash_secret("correct horse", random), line) << "the salt must differ";
}

// One of another form would be answered at once.
TEST(SecretHash, NobodysHasTheFormOfAnyOther) {
  RepeatingRandom random;
  const std::string line = hash_secret("s", random);
  EXPECT_EQ(kNobodysSecretHash.size(), line.size());
  const std::size_t salt = std::string_view("scrypt$14$8$1$").size(), hash = line.rfind('$') + 1;
  EXPECT_EQ(kNobodysSecretHash.substr(0, salt), line.substr(0, salt));
  EXPECT_EQ(kNobodysSecretHash[hash - 1], '$');
  EXPECT_EQ(from_base64url(kNobodysSecretHash.substr(salt, hash - 1 - salt))->size(), 16U);
  EXPECT_EQ(from_base64url(kNobodysSecretHash.substr(hash))->size(), 32U);
  EXPECT_FALSE(matches_secret_hash(kNobodysSecretHash, ""));
}

TEST(SecretHash, RefusesEveryOtherForm) {
  RepeatingRandom random;
  const std::string line = hash_secret("s", random);
  EXPECT_FALSE(matches_secret_hash("", ""));
  EXPECT_FALSE(matches_secret_hash("scrypt$14$8$1$", "s"));
  EXPECT_FALSE(matches_secret_hash("scrypt$14$8$1$$", "s"));
  EXPECT_FALSE(matches_secret_hash("scrypt$10$8$1$" + line.substr(14), "s"));
  EXPECT_FALSE(matches_secret_hash(line + "$", "s"));
  EXPECT_FALSE(matches_secret_hash(line.substr(0, line.size() - 4), "s"));
}

}  // namespace
}  // namespace slipway::crypto
