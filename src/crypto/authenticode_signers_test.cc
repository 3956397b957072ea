#include "crypto/authenticode_signers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/refusals_for_tests.h"
#include "base/source_folder_for_tests.h"
#include "crypto/signing_for_tests.h"

namespace slipway::crypto {
namespace {

// The signature of Debian's grubx64.efi.signed.
Bytes debian_signature() {
  std::ifstream file(source_folder() + "/tests/corpus/fuzz/authenticode_signers/debian-grub.p7", std::ios::binary);
  EXPECT_TRUE(file.good());
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return to_bytes(text);
}

TEST(AuthenticodeSigners, OfDebiansGrub) {
  const auto signers = authenticode_signers(debian_signature());
  ASSERT_TRUE(signers) << signers.error().message;
  EXPECT_THAT(*signers, ::testing::ElementsAre("CN=Debian Secure Boot Signer 2022 - grub2"));
}

TEST(AuthenticodeSigners, RefuseWhatIsNoSignature) {
  EXPECT_FALSE(authenticode_signers({}));
  EXPECT_FALSE(authenticode_signers(as_bytes("no PKCS#7")));
  const Bytes whole = debian_signature();
  Bytes padded = whole;
  padded.resize(64U << 10, 0);
  EXPECT_EQ(refusal_of(authenticode_signers(padded)), "");
  padded.push_back(0);
  EXPECT_EQ(refusal_of(authenticode_signers(padded)), "an Authenticode signature is longer than 64 KiB");
  EXPECT_FALSE(authenticode_signers(ByteView(whole).subspan(0, whole.size() / 2)));
}

TEST(AuthenticodeSigners, AreSixteenAtMost) {
  const Identity signer = testing::make_identity(testing::authority_shape("Signer"));
  const auto signed_by = [&](std::size_t count) {
    testing::SignatureShape shape;
    shape.content = to_bytes("content");
    return testing::make_signed_data(shape, std::vector<Identity>(count, signer));
  };
  EXPECT_TRUE(authenticode_signers(signed_by(16)));
  EXPECT_FALSE(authenticode_signers(signed_by(17)));
}

// Many certificates of the issuer's name: of all of them few are tried.
TEST(AuthenticodeSigners, IssuersAreTriedSixteenTimes) {
  const Identity root = testing::make_identity(testing::authority_shape("Root"));
  testing::CertificateShape shape_of_signer{"Signer", {}, {}};
  shape_of_signer.serial = 2;
  const Identity signer = testing::make_identity(shape_of_signer, &root);
  const auto chain_behind = [&](int others) {
    testing::SignatureShape shape;
    shape.content = to_bytes("content");
    for (int i = 0; i < others; ++i)
      shape.more_certificates.push_back(testing::make_identity(testing::authority_shape("Root")).certificate);
    shape.more_certificates.push_back(root.certificate);
    return authenticode_certificate_chain(testing::make_signed_data(shape, {signer})).value().size();
  };
  EXPECT_EQ(chain_behind(15), 2u);
  EXPECT_EQ(chain_behind(16), 1u);
}

}  // namespace
}  // namespace slipway::crypto
