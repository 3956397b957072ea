#include "crypto/authenticode_signers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/source_folder_for_tests.h"

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
  EXPECT_FALSE(authenticode_signers(Bytes((64U << 10) + 1, 0x30)));
  const Bytes whole = debian_signature();
  EXPECT_FALSE(authenticode_signers(ByteView(whole).subspan(0, whole.size() / 2)));
}

}  // namespace
}  // namespace slipway::crypto
