#include "crypto/signature_check.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace slipway::crypto {
namespace {

struct Made {
  PrivateKey key;
  SignatureScheme scheme;
};

std::vector<Made> keys() {
  const PrivateKey rsa = PrivateKey::generate_rsa2048();
  return {{rsa, SignatureScheme::kRsaPkcs1Sha256},
          {rsa, SignatureScheme::kRsaPkcs1Sha384},
          {PrivateKey::generate_p256(), SignatureScheme::kEcdsaP256Sha256}};
}

TEST(SignatureCheck, SaysWhatVerifySays) {
  const ByteView data = as_bytes("what was signed");
  for (const Made& made : keys()) {
    const SignatureCheck check(made.key.public_key(), made.scheme);
    const Bytes good = made.key.sign(made.scheme, data).value();
    Bytes changed = good;
    changed.back() ^= 1;
    Bytes longer = good;
    longer.push_back(0);
    Bytes shorter = good;
    shorter.pop_back();
    for (int round = 0; round < 2; ++round) {  // a refusal leaves nothing behind
      EXPECT_TRUE(check.holds(data, good));
      EXPECT_FALSE(check.holds(as_bytes("what was not"), good));
      for (const Bytes& bad : {changed, longer, shorter, Bytes{}, Bytes(256), Bytes(256, 0xff)}) {
        EXPECT_FALSE(check.holds(data, bad));
        EXPECT_FALSE(made.key.public_key().verify(made.scheme, data, bad));
      }
    }
  }
}

TEST(SignatureCheck, AnotherSchemeHoldsNever) {
  const ByteView data = as_bytes("what was signed");
  const auto made = keys();
  for (const Made& signer : made) {
    const Bytes signature = signer.key.sign(signer.scheme, data).value();
    for (const Made& other : made) {
      const SignatureCheck check(signer.key.public_key(), other.scheme);
      EXPECT_EQ(check.holds(data, signature), other.scheme == signer.scheme);
    }
  }
}

TEST(SignatureCheck, OutlivesItsKeyAndServesManyThreads) {
  const ByteView data = as_bytes("what was signed");
  for (const Made& made : keys()) {
    const auto check = std::make_unique<SignatureCheck>(PublicKey(made.key.public_key()), made.scheme);
    const Bytes good = made.key.sign(made.scheme, data).value();
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        for (int k = 0; k < 100; ++k) {
          const bool holds = check->holds(i % 2 == 0 ? data : as_bytes("what was not"), good);
          if (holds != (i % 2 == 0)) ++wrong;
        }
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
  }
}

}  // namespace
}  // namespace slipway::crypto
