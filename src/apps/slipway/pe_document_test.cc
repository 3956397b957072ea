#include "apps/slipway/pe_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bootchain/pe_image_for_tests.h"
#include "crypto/signing_for_tests.h"

namespace slipway::cli {
namespace {

using namespace slipway::crypto::testing;
using namespace slipway::bootchain::testing;
using ::testing::HasSubstr;
using ::testing::Not;

struct Image {
  crypto::Identity signer = make_identity(authority_shape("Signer"));
  Bytes unsigned_file = make_pe_image({{".text", Bytes(64, 't')}, {".sbat", to_bytes("grub,4,FSF,grub,2.06,url\n")}});
  Bytes file;
  InspectedPe inspected;

  Image() {
    const auto image = bootchain::parse_pe_image(unsigned_file).value();
    const Bytes digest = authenticode_digest(image, crypto::HashAlgorithm::kSha256).value();
    file = with_signatures(unsigned_file, {sign_image_digest(digest, signer)});
    inspected.image = bootchain::parse_pe_image(file).value();
    bootchain::SecureBootState firmware;
    firmware.enabled = true;
    inspected.decisions.emplace_back("firmware", would_firmware_load(inspected.image, firmware));
  }
};

TEST(PeDocument, HasWhatIsDocumented) {
  const Image image;
  const auto document = pe_document(image.inspected).value();
  EXPECT_EQ(document.at("machine"), "x64");
  EXPECT_EQ(document.at("size"), image.file.size());
  EXPECT_EQ(document.at("digests").get_object().size(), 4u);
  EXPECT_EQ(document.at("digests").at("sha256").get_string(),
            to_hex(bootchain::authenticode_sha256(image.file).value()).c_str());
  EXPECT_EQ(document.at("sections").at(1).at("name"), ".sbat");
  EXPECT_EQ(document.at("certificateTableEndsEvenly"), true);
  const auto& signature = document.at("signatures").at(0);
  EXPECT_EQ(signature.at("holds"), true);
  EXPECT_TRUE(signature.at("problem").is_null());
  EXPECT_EQ(signature.at("digestAlgorithm"), "sha256");
  EXPECT_EQ(signature.at("signers").at(0).at("subject"), "CN=Signer");
  EXPECT_EQ(signature.at("certificates").at(0).at("notAfter"), "2040-01-01T00:00:00.000Z");
  EXPECT_EQ(document.at("sbat").at(0).at("generation"), 4);
  EXPECT_TRUE(document.at("shim").is_null());
  EXPECT_TRUE(document.at("moreRevocations").is_null());
  const auto& decision = document.at("decisions").at(0);
  EXPECT_EQ(decision.at("by"), "firmware");
  EXPECT_EQ(decision.at("loads"), false);
  EXPECT_EQ(decision.at("rule"), "signature.untrusted");
  EXPECT_TRUE(decision.at("entry").is_null());
  EXPECT_EQ(decision.at("signedBy").at(0), "CN=Signer");
}

TEST(PeDocument, SaysWhatIsWrongWithASignature) {
  Image image;
  image.file[kPeHeaders] ^= 1;
  image.inspected.image = bootchain::parse_pe_image(image.file).value();
  const auto signature = pe_document(image.inspected).value().at("signatures").at(0);
  EXPECT_EQ(signature.at("holds"), false);
  EXPECT_EQ(signature.at("problem"), "signature.digest");
}

TEST(PeDocument, OfAShimShowsWhatItTrusts) {
  const Image image;
  const Bytes file =
      make_pe_image({{".vendor_cert", vendor_section(image.signer.certificate.der(), {})},
                     {".sbatlevel", level_section("sbat,1,2021030218\n", "sbat,1,2025021800\ngrub,5\n")}});
  InspectedPe inspected;
  inspected.image = bootchain::parse_pe_image(file).value();
  inspected.more_revocations = MoreRevocations{3, true, "", "nobody signed it"};
  const auto document = pe_document(inspected).value();
  EXPECT_EQ(document.at("shim").at("authorized").at(0), "CN=Signer");
  EXPECT_EQ(document.at("shim").at("latestLevel").at("minimums").at("grub"), 5);
  EXPECT_EQ(document.at("moreRevocations").at("entries"), 3);
  EXPECT_EQ(document.at("moreRevocations").at("problem"), "nobody signed it");
  const std::string table = pe_table(inspected).value();
  EXPECT_THAT(table, HasSubstr("Not signed"));
  EXPECT_THAT(table, HasSubstr("shim trusts CN=Signer"));
  EXPECT_THAT(table, HasSubstr("3 more revocations; nobody signed it"));
}

TEST(PeDocument, OfAMalformedPartIsNone) {
  const Bytes file = make_pe_image({{".sbat", to_bytes("grub,4\n")}});
  InspectedPe inspected;
  inspected.image = bootchain::parse_pe_image(file).value();
  EXPECT_THAT(pe_document(inspected).error().message, HasSubstr("at offset 1024: expected a line of SBAT"));
}

TEST(PeTable, ReadsWell) {
  const std::string table = pe_table(Image().inspected).value();
  for (const char* expected :
       {"PE image for x64", "CN=Signer by CN=Signer", "holds", "grub", "firmware", "no certificate"})
    EXPECT_THAT(table, HasSubstr(expected));
  EXPECT_THAT(table, Not(HasSubstr("null")));
}

}  // namespace
}  // namespace slipway::cli
