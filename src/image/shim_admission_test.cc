#include "image/shim_admission.h"

#include <gtest/gtest.h>

#include "bootchain/boot_policy.h"
#include "bootchain/efi_variable.h"
#include "bootchain/pe_image_for_tests.h"
#include "bootchain/signature_entries_for_tests.h"
#include "crypto/authenticode_signers.h"
#include "crypto/certificate_details.h"
#include "crypto/signing_for_tests.h"

namespace slipway::image {
namespace {

using namespace slipway::bootchain::testing;
using namespace slipway::crypto::testing;
using bootchain::EfiSignature;
using crypto::Identity;

EfiSignature sha256_entry(Bytes sha256) { return digest_entry(bootchain::kSha256Signature, std::move(sha256)); }

// An authority, one below it, who signs below that, and others.
struct Signers {
  Identity authority = make_identity(authority_shape("UEFI CA"));
  Identity intermediate = make_identity(authority_shape("Between"), &authority);
  Identity signer = make_identity({"Signer", {}, {}}, &intermediate);
  Identity stranger = make_identity(authority_shape("Stranger"));
  Identity namesake = make_identity(authority_shape("UEFI CA"));
  Identity no_authority = make_identity({"No CA", {{"basicConstraints", "critical,CA:FALSE"}}, {}});
  Identity below_none = make_identity({"Below none", {}, {}}, &no_authority);
  Bytes image = bootchain::testing::make_pe_image({{".text", Bytes(100, 't')}});
  Bytes sha256 = bootchain::authenticode_sha256(image).value();

  Bytes by(const Identity& who, std::vector<crypto::Certificate> more = {}) const {
    return sign_image_digest(sha256, who, crypto::HashAlgorithm::kSha256, std::move(more));
  }
};

struct Case {
  const char* name;
  std::vector<EfiSignature> db, dbx;
  std::vector<Bytes> signatures;
  bool loads;
};

bootchain::StoredVariable database(std::string_view vendor, std::string name, std::vector<EfiSignature> entries) {
  // So that an event names its entry.
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].owner.bytes[0] = static_cast<std::uint8_t>(i);
  return variable(vendor, std::move(name), bootchain::encode_signature_lists(entries));
}

Manifest manifest_of(const Bytes& image) {
  Manifest manifest;
  BootFile shim;
  shim.path = "/EFI/BOOT/BOOTX64.EFI";
  shim.authenticode_sha256 = bootchain::authenticode_sha256(image).value();
  manifest.boot_files = {shim};
  const std::vector<ByteView> signatures = bootchain::pe_signatures(image).value();
  for (const ByteView signature : signatures)
    manifest.shim_certificate_chains.push_back(crypto::authenticode_certificate_chain(signature).value());
  return manifest;
}

std::vector<Case> cases(const Signers& s) {
  const Bytes good = s.by(s.signer, {s.intermediate.certificate}), other = s.by(s.stranger);
  const EfiSignature authority = certificate_entry(s.authority), signer = certificate_entry(s.signer);
  const EfiSignature intermediate = certificate_entry(s.intermediate), stranger = certificate_entry(s.stranger);
  const EfiSignature of_image = sha256_entry(s.sha256), of_another = sha256_entry(Bytes(32, 1));
  return {
      {"the authority in db", {stranger, authority}, {}, {good}, true},
      {"the intermediate in db", {stranger, intermediate}, {}, {good}, true},
      {"the signer in db", {stranger, signer}, {}, {good}, true},
      {"a stranger in db", {stranger}, {}, {good}, false},
      {"one of the authority's name in db", {certificate_entry(s.namesake)}, {}, {good}, false},
      {"nothing in db", {}, {}, {good}, false},
      {"one that may sign no certificates in db", {certificate_entry(s.no_authority)}, {}, {s.by(s.below_none)}, false},
      {"the image's digest in db", {of_another, of_image}, {}, {good}, true},
      {"another digest in db", {of_another}, {}, {good}, false},
      {"not signed, its digest in db", {stranger, of_image}, {}, {}, true},
      {"not signed, its digest in both", {of_image}, {of_image}, {}, false},
      {"not signed", {authority}, {}, {}, false},
      {"the authority in dbx", {authority}, {of_another, authority}, {good}, false},
      {"the intermediate in dbx", {authority}, {intermediate}, {good}, false},
      {"the signer in dbx", {authority}, {signer}, {good}, false},
      {"others in dbx", {authority}, {stranger, certificate_entry(s.namesake), of_another}, {good}, true},
      {"the image's digest in dbx", {authority}, {of_image}, {good}, false},
      {"the signer's digest in dbx", {authority}, {revoked_entry(s.signer)}, {good}, false},
      {"the authority's digest in dbx", {authority}, {revoked_entry(s.authority)}, {good}, false},
      {"the same from some time on",
       {authority},
       {revoked_entry(s.authority, Time(seconds(1700000000)))},
       {good},
       false},
      {"the same and the image's digest in db", {authority, of_image}, {revoked_entry(s.authority)}, {good}, true},
      {"the intermediate's digest in dbx", {authority}, {revoked_entry(s.intermediate)}, {good}, true},
      {"a stranger's digest in dbx", {authority}, {revoked_entry(s.stranger)}, {good}, true},
      {"the first signature of two", {authority}, {}, {good, other}, true},
      {"the second signature of two", {authority}, {}, {other, good}, true},
      {"the first of both in db's order", {authority, stranger}, {}, {other, good}, true},
      {"the second of two in dbx", {authority}, {stranger}, {good, other}, false},
      {"the first of two in dbx", {authority}, {stranger}, {other, good}, false},
  };
}

// Of each image that is signed well, the manifest says as much as the image itself does.
TEST(ShimAdmission, IsWhatFirmwareDecidesOverTheImageItself) {
  const Signers s;
  for (const Case& it : cases(s)) {
    SCOPED_TRACE(it.name);
    const std::vector<bootchain::StoredVariable> variables{
        database(bootchain::kEfiGlobalVariables, "PK", {certificate_entry(s.stranger)}),
        database(bootchain::kImageSecurityDatabase, "db", it.db),
        database(bootchain::kImageSecurityDatabase, "dbx", it.dbx)};
    const Bytes image = it.signatures.empty() ? s.image : bootchain::testing::with_signatures(s.image, it.signatures);
    const auto firmware = bootchain::read_secure_boot_state(variables);
    ASSERT_TRUE(firmware) << firmware.error().message;
    const bootchain::BootDecision decision = would_firmware_load(bootchain::parse_pe_image(image).value(), *firmware);
    const auto admitted = entry_that_admits_shim(manifest_of(image), variables);
    EXPECT_EQ(decision.loads, it.loads) << decision.rule;
    ASSERT_EQ(admitted.has_value(), decision.loads) << decision.rule << " " << decision.reason;
    if (!decision.loads) {
      EXPECT_EQ(admitted.error().code, ErrorCode::kPreconditionFailed);
      continue;
    }
    const EfiSignature& by = firmware->db.at(static_cast<std::size_t>(decision.entry));
    Bytes event(by.owner.bytes.begin(), by.owner.bytes.end());
    put_bytes(event, by.data);
    EXPECT_EQ(*admitted, event);
  }
}

// A manifest does not say over which digest a signature is.
TEST(ShimAdmission, LooksUpDigestsInSha256Alone) {
  const Signers s;
  const Bytes sha384 =
      bootchain::authenticode_digest(bootchain::parse_pe_image(s.image).value(), crypto::HashAlgorithm::kSha384)
          .value();
  const Bytes image = bootchain::testing::with_signatures(
      s.image, {sign_image_digest(sha384, s.signer, crypto::HashAlgorithm::kSha384, {s.intermediate.certificate})});
  const auto db = database(bootchain::kImageSecurityDatabase, "db", {certificate_entry(s.authority)});
  const auto dbx_of = [](EfiSignature forbidden) {
    return database(bootchain::kImageSecurityDatabase, "dbx", {std::move(forbidden)});
  };
  EXPECT_TRUE(entry_that_admits_shim(manifest_of(image), {db}));
  EXPECT_TRUE(
      entry_that_admits_shim(manifest_of(image), {db, dbx_of(digest_entry(bootchain::kSha384Signature, sha384))}));
  EXPECT_FALSE(entry_that_admits_shim(manifest_of(image), {db, dbx_of(sha256_entry(s.sha256))}));
}

}  // namespace
}  // namespace slipway::image
