#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bootchain/boot_policy.h"
#include "bootchain/efi_variable.h"
#include "bootchain/pe_image_for_tests.h"
#include "bootchain/signature_entries_for_tests.h"
#include "crypto/signing_for_tests.h"

namespace slipway::bootchain {
namespace {

using namespace slipway::crypto::testing;
using namespace slipway::bootchain::testing;
using crypto::HashAlgorithm;
using crypto::Identity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

StoredVariable shim_variable(std::string name, Bytes data) {
  return variable(kShimVariables, std::move(name), std::move(data));
}

constexpr std::string_view kSbat = "sbat,1,SBAT Version,sbat,1,url\ngrub,4,FSF,grub,2.06,url\n";

// GRUB signed by a signer below the vendor's certificate, which shim carries.
struct Started {
  Identity vendor = make_identity(authority_shape("Vendor CA"));
  Identity signer = make_identity({"Vendor signer", {}, {}}, &vendor);
  Identity owner = make_identity(authority_shape("Machine owner"));
  Bytes vendor_revoked;
  Bytes vendor_authorized = vendor.certificate.der();
  std::string level = "sbat,1,2024010900\ngrub,4\n";
  std::vector<StoredVariable> variables;
  SecureBootState firmware;
  Bytes unsigned_image = make_pe_image({{".text", Bytes(100, 't')}, {".sbat", to_bytes(kSbat)}});
  ShimCaller caller = ShimCaller::kShim;

  Started() { firmware.enabled = true; }

  Bytes digest(HashAlgorithm algorithm = HashAlgorithm::kSha256) const {
    return authenticode_digest(parse_pe_image(unsigned_image).value(), algorithm).value();
  }
  Bytes signed_by(const Identity& identity, HashAlgorithm algorithm = HashAlgorithm::kSha256) const {
    return with_signatures(unsigned_image, {sign_image_digest(digest(algorithm), identity, algorithm)});
  }
  Bytes shim_file(const std::string& own_sbat = "shim,4,UEFI shim,shim,1,url\n") const {
    return make_pe_image({{".vendor_cert", vendor_section(vendor_authorized, vendor_revoked)},
                          {".sbatlevel", level_section(level, "sbat,1,2025021800\ngrub,5\n")},
                          {".sbat", to_bytes(own_sbat)}});
  }
  BootDecision judge(const Bytes& file) const {
    const Bytes shim = shim_file();
    const auto parsed = parse_pe_image(shim).value();
    const auto trust = read_shim_trust(parsed, variables);
    EXPECT_TRUE(trust) << trust.error().message;
    return would_shim_load(parse_pe_image(file).value(), firmware, *trust, caller);
  }
  BootDecision judge() const { return judge(signed_by(signer)); }
};

TEST(Shim, LoadsWhatItsVendorSigned) {
  const BootDecision decision = Started().judge();
  EXPECT_TRUE(decision.loads) << decision.reason;
  EXPECT_EQ(decision.rule, "vendor.certificate");
  EXPECT_EQ(decision.reason, "shim's vendor certificate CN=Vendor CA");
  EXPECT_THAT(decision.signed_by, ElementsAre("CN=Vendor signer", "CN=Vendor CA"));
}

TEST(Shim, AsksDbBeforeItsVendor) {
  Started s;
  s.firmware.db = {certificate_entry(s.vendor)};
  EXPECT_EQ(s.judge().rule, "db.certificate");
  s.variables = {shim_variable("MokDBState", {1})};
  EXPECT_EQ(s.judge().rule, "vendor.certificate") << "the owner told shim not to ask db";
}

TEST(Shim, LoadsWhatTheMachineOwnerEnrolled) {
  Started s;
  const Bytes file = s.signed_by(s.owner);
  EXPECT_EQ(s.judge(file).rule, "signature.untrusted");
  s.variables = {shim_variable("MokList", encode_signature_lists({certificate_entry(s.owner)}))};
  const BootDecision decision = s.judge(file);
  EXPECT_TRUE(decision.loads);
  EXPECT_EQ(decision.rule, "mokList.certificate");
  s.variables = {shim_variable("MokList", encode_signature_lists({digest_entry(kSha256Signature, s.digest())}))};
  EXPECT_EQ(s.judge(s.unsigned_image).rule, "mokList.digest");
}

TEST(Shim, OwnerMaySwitchItsChecksOff) {
  Started s;
  EXPECT_EQ(s.judge(s.unsigned_image).rule, "signature.missing");
  s.variables = {shim_variable("MokSBState", {1})};
  EXPECT_EQ(s.judge(s.unsigned_image).rule, "shim.validationDisabled");
  s.variables = {shim_variable("MokSBState", {0})};
  EXPECT_FALSE(s.judge(s.unsigned_image).loads);
  s.firmware.enabled = false;
  EXPECT_EQ(s.judge(s.unsigned_image).rule, "secureBoot.disabled");
}

TEST(Shim, DbxForbids) {
  Started s;
  s.firmware.dbx = {digest_entry(kSha256Signature, s.digest())};
  EXPECT_EQ(s.judge().rule, "dbx.digest");
  s.firmware.dbx = {digest_entry(kSha1Signature, s.digest(HashAlgorithm::kSha1))};
  EXPECT_EQ(s.judge().rule, "dbx.digest");
  s.firmware.dbx = {certificate_entry(s.vendor)};
  EXPECT_EQ(s.judge().rule, "dbx.certificate");
  s.firmware.dbx = {certificate_entry(s.owner)};
  EXPECT_TRUE(s.judge().loads);
}

TEST(Shim, ItsVendorsRevocationsForbid) {
  Started s;
  s.vendor_revoked = encode_signature_lists({digest_entry(kSha256Signature, s.digest())});
  const BootDecision decision = s.judge();
  EXPECT_EQ(decision.rule, "vendorDbx.digest");
  EXPECT_THAT(decision.reason, HasSubstr("shim's vendor_dbx entry 0, sha256:"));
  s.vendor_revoked = encode_signature_lists({certificate_entry(s.signer)});
  EXPECT_EQ(s.judge().rule, "vendorDbx.certificate");
}

TEST(Shim, MokListXForbids) {
  Started s;
  s.variables = {shim_variable("MokListX", encode_signature_lists({digest_entry(kSha256Signature, s.digest())}))};
  EXPECT_EQ(s.judge().rule, "mokListX.digest");
  s.variables = {shim_variable("MokListX", encode_signature_lists({certificate_entry(s.vendor)}))};
  EXPECT_EQ(s.judge().rule, "mokListX.certificate");
}

TEST(Shim, MayCarryADatabaseInPlaceOfACertificate) {
  Started s;
  s.vendor_authorized = encode_signature_lists({certificate_entry(s.owner), certificate_entry(s.vendor)});
  BootDecision decision = s.judge();
  EXPECT_EQ(decision.rule, "vendor.certificate");
  EXPECT_EQ(decision.entry, 1);
  s.vendor_authorized = encode_signature_lists({digest_entry(kSha256Signature, s.digest())});
  EXPECT_EQ(s.judge(s.unsigned_image).rule, "vendor.digest");
}

TEST(Shim, ComparesSha256Alone) {
  const Started s;
  EXPECT_FALSE(s.judge(s.signed_by(s.signer, HashAlgorithm::kSha384)).loads);
}

TEST(Shim, PassesOverCertificatesForKernelModulesAlone) {
  Started s;
  const Identity modules = make_identity(
      {"Modules",
       {{"basicConstraints", "critical,CA:TRUE"}, {"extendedKeyUsage", "codeSigning,1.3.6.1.4.1.2312.16.1.2"}},
       {}});
  s.variables = {shim_variable("MokList", encode_signature_lists({certificate_entry(modules)}))};
  EXPECT_EQ(s.judge(s.signed_by(modules)).rule, "signature.untrusted");
}

TEST(Shim, DoesNotLoadChangedImages) {
  const Started s;
  Bytes file = s.signed_by(s.signer);
  file[kPeHeaders + 1] ^= 1;
  EXPECT_EQ(s.judge(file).rule, "signature.digest");
}

TEST(Shim, OldGenerationsDoNotLoad) {
  Started s;
  s.level = "sbat,1,2024010900\ngrub,5\n";
  const BootDecision decision = s.judge();
  EXPECT_FALSE(decision.loads);
  EXPECT_EQ(decision.rule, "sbat.generation");
  EXPECT_EQ(decision.reason, "SBAT grub generation 4 < 5");
  EXPECT_THAT(decision.signed_by, ElementsAre("CN=Vendor signer", "CN=Vendor CA"));
}

TEST(Shim, LaterLevelOfTheStoreIsInForce) {
  Started s;
  s.variables = {shim_variable("SbatLevel", to_bytes("sbat,1,2025021800\ngrub,5\n"))};
  EXPECT_EQ(s.judge().rule, "sbat.generation");
  s.variables = {shim_variable("SbatLevel", to_bytes("sbat,1,2021030218\ngrub,9\n"))};
  EXPECT_TRUE(s.judge().loads) << "shim replaces an older level";
  s.variables = {shim_variable("SbatLevel", to_bytes("nonsense"))};
  EXPECT_TRUE(s.judge().loads);
}

TEST(Shim, DemandsSbatOfWhatItStartsAndNotOfKernels) {
  Started s;
  s.unsigned_image = make_pe_image({{".text", Bytes(100, 't')}});
  EXPECT_EQ(s.judge().rule, "sbat.missing");
  s.caller = ShimCaller::kShimLock;
  EXPECT_TRUE(s.judge().loads);
  s.unsigned_image = make_pe_image({{".text", Bytes(100, 't')}, {".sbat", to_bytes("grub,1,a,b,c,d\n")}});
  EXPECT_EQ(s.judge().rule, "sbat.generation") << "a kernel's section counts where it has one";
}

TEST(Shim, SbatThatDoesNotParseDoesNotLoad) {
  Started s;
  s.unsigned_image = make_pe_image({{".text", Bytes(100, 't')}, {".sbat", to_bytes("grub,9\n")}});
  EXPECT_EQ(s.judge().rule, "sbat.malformed");
}

TEST(Shim, JudgesItselfAtItsStart) {
  Started s;
  s.variables = {shim_variable("SbatLevel", to_bytes("sbat,1,2025021800\nshim,5\n"))};
  const auto start = [&](const std::string& sbat) {
    const Bytes file = s.shim_file(sbat);
    const auto image = parse_pe_image(file).value();
    return would_shim_start(image, s.firmware, read_shim_trust(image, s.variables).value());
  };
  EXPECT_EQ(start("shim,4,UEFI shim,shim,1,url\n").rule, "sbat.generation");
  EXPECT_TRUE(start("shim,5,UEFI shim,shim,1,url\n").loads);
  s.firmware.enabled = false;
  EXPECT_TRUE(start("shim,4,UEFI shim,shim,1,url\n").loads);
}

TEST(ShimImage, RefusesWhatDoesNotHold) {
  const auto message = [](const Bytes& file) {
    const auto image = parse_pe_image(file).value();
    const auto shim = read_shim_image(image);
    return shim ? std::string() : shim.error().message;
  };
  const Started s;
  EXPECT_EQ(message(s.shim_file()), "");
  EXPECT_THAT(message(make_pe_image({{".text", Bytes(8, 1)}})), HasSubstr("expected a section .vendor_cert"));
  EXPECT_THAT(message(make_pe_image({{".vendor_cert", Bytes(8, 0)}})), HasSubstr("at offset 1032: expected offset of"));
  Bytes outside = vendor_section(as_bytes("0"), {});
  set_u32(outside, 0, 2);
  EXPECT_THAT(message(make_pe_image({{".vendor_cert", outside}})), HasSubstr("at offset 1040: expected vendor's cert"));
  set_u32(outside, 8, 100);
  EXPECT_THAT(message(make_pe_image({{".vendor_cert", outside}})), HasSubstr("its offset there is 100"));
  const Bytes vendor = vendor_section(s.vendor_authorized, {});
  EXPECT_THAT(message(make_pe_image({{".vendor_cert", vendor}, {".sbatlevel", Bytes(16, 0xff)}})),
              HasSubstr("SBAT level"));
  Bytes endless = level_section("sbat,1,2024010900\n", "sbat,1,2024010900\n");
  endless.back() = 'x';
  EXPECT_THAT(message(make_pe_image({{".vendor_cert", vendor}, {".sbatlevel", endless}})),
              HasSubstr("expected the NUL"));
  EXPECT_NE(message(make_pe_image({{".vendor_cert", vendor}, {".sbatlevel", level_section("grub", "grub")}})), "");
}

TEST(ShimImage, BeforeSbatLevelsHasNone) {
  const Started s;
  const Bytes file = make_pe_image({{".vendor_cert", vendor_section(s.vendor_authorized, {})}});
  const auto image = parse_pe_image(file).value();
  EXPECT_FALSE(read_shim_image(image)->automatic_level);
  EXPECT_FALSE(read_shim_trust(image, {})->sbat_level);
}

}  // namespace
}  // namespace slipway::bootchain
