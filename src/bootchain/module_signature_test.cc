#include "bootchain/module_signature.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "crypto/signing_for_tests.h"

namespace slipway::bootchain {
namespace {

using namespace slipway::crypto::testing;
using ::testing::HasSubstr;

const Bytes kCode = to_bytes(
    "\x7f"
    "ELF, and then a module's code");

Bytes with_trailer(Bytes file, ByteView signature) {
  put_bytes(file, signature);
  file.insert(file.end(), {0, 0, 2, 0, 0, 0, 0, 0});
  put_u32_be(file, static_cast<std::uint32_t>(signature.size()));
  put_bytes(file, as_bytes("~Module signature appended~\n"));
  return file;
}

struct Signed {
  crypto::Identity signer = make_identity(authority_shape("Modules"));
  crypto::Identity other = make_identity(authority_shape("Others"));
  Bytes file = with_trailer(kCode, make_detached_signature(kCode, signer));

  ModuleDecision judge(const std::vector<crypto::Certificate>& trusted) const {
    const auto module = read_module(file);
    EXPECT_TRUE(module) << module.error().message;
    return would_kernel_load(*module, trusted);
  }
};

TEST(Module, IsTakenApart) {
  const Signed s;
  const auto module = read_module(s.file).value();
  EXPECT_EQ(to_bytes(module.content), kCode);
  EXPECT_EQ(module.signature_offset, kCode.size());
  EXPECT_EQ(module.signature->issuer(), "CN=Modules");
}

TEST(Module, LoadsWithTheCertificateThatItsSignatureNames) {
  const Signed s;
  const ModuleDecision decision = s.judge({s.other.certificate, s.signer.certificate});
  EXPECT_TRUE(decision.loads);
  EXPECT_EQ(decision.rule, "module.certificate");
  EXPECT_EQ(decision.signer->subject(), "CN=Modules");
}

TEST(Module, DoesNotLoadWithoutASignature) {
  Signed s;
  s.file = kCode;
  EXPECT_EQ(s.judge({s.signer.certificate}).rule, "module.unsigned");
  EXPECT_FALSE(s.judge({s.signer.certificate}).loads);
}

TEST(Module, DoesNotLoadByAnUnknownSigner) {
  const Signed s;
  EXPECT_EQ(s.judge({s.other.certificate}).rule, "module.unknownSigner");
  EXPECT_EQ(s.judge({}).rule, "module.unknownSigner");
  EXPECT_THAT(s.judge({}).reason, HasSubstr("issuer CN=Modules, serial number 01"));
}

TEST(Module, DoesNotLoadOnceItIsChanged) {
  Signed s;
  for (std::size_t at = 4; at < kCode.size(); ++at) {
    s.file[at] ^= 1;
    EXPECT_EQ(s.judge({s.signer.certificate}).rule, "module.signature") << at;
    s.file[at] ^= 1;
  }
}

TEST(Module, DoesNotLoadByAnAuthorityOfItsSigner) {
  Signed s;
  const crypto::Identity below = make_identity({"Below", {}, {}}, &s.signer);
  s.file = with_trailer(kCode, make_detached_signature(kCode, below));
  EXPECT_FALSE(s.judge({s.signer.certificate}).loads) << "the kernel builds no chain";
}

TEST(Module, DoesNotLoadWithSha1) {
  Signed s;
  s.file = with_trailer(kCode, make_detached_signature(kCode, s.signer, 0, crypto::HashAlgorithm::kSha1));
  EXPECT_EQ(s.judge({s.signer.certificate}).rule, "module.hash");
}

TEST(Module, MayNameItsSignerByTheKey) {
  Signed s;
  s.signer = make_identity({"Modules", {{"subjectKeyIdentifier", "hash"}}, {}});
  s.file = with_trailer(kCode, make_detached_signature(kCode, s.signer, CMS_USE_KEYID));
  EXPECT_TRUE(s.judge({s.signer.certificate}).loads);
  EXPECT_THAT(s.judge({}).reason, HasSubstr("key identifier"));
}

TEST(Module, RefusesWhatIsNone) {
  const Signed s;
  const auto message = [](ByteView file) {
    const auto module = read_module(file);
    return module ? std::string() : module.error().message;
  };
  EXPECT_THAT(message({}), HasSubstr("at offset 0: expected an ELF file"));
  EXPECT_THAT(message(as_bytes("\x1f\x8b and more")), HasSubstr("gzip"));
  EXPECT_THAT(message(as_bytes("\xfd"
                               "7zXZ and more")),
              HasSubstr("xz"));
  EXPECT_THAT(message(as_bytes("\x28\xb5\x2f\xfd and more")), HasSubstr("zstd"));

  const std::size_t trailer = s.file.size() - 28 - 12;
  for (std::size_t field = 0; field < 8; ++field) {
    Bytes changed = s.file;
    changed[trailer + field] ^= 1;
    EXPECT_THAT(message(changed), HasSubstr(fmt::format("at offset {}: expected a signature of type 2", trailer)));
  }
  Bytes longer = s.file;
  longer[trailer + 8] = 0x7f;
  EXPECT_THAT(message(longer), HasSubstr(fmt::format("at offset {}: expected a signature that fits", trailer + 8)));
  Bytes shorter = s.file;
  shorter[trailer + 11] = static_cast<std::uint8_t>(shorter[trailer + 11] - 1);
  EXPECT_THAT(message(shorter), HasSubstr(fmt::format("at offset {}: expected a CMS signature", kCode.size() + 1)));
}

}  // namespace
}  // namespace slipway::bootchain
