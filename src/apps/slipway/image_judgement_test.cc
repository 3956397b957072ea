#include "apps/slipway/image_judgement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/slipway/image_document.h"
#include "bootchain/pe_image_for_tests.h"

namespace slipway::cli {
namespace {

using namespace slipway::bootchain::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kShim = "/EFI/BOOT/BOOTX64.EFI";
constexpr const char* kGrub = "/EFI/BOOT/grubx64.efi";
constexpr const char* kKernel = "/EFI/debian/vmlinuz-6.1";

Bytes digest_list(const std::vector<Bytes>& files) {
  std::vector<bootchain::EfiSignature> entries;
  for (const Bytes& file : files)
    entries.push_back({bootchain::guid_from_text(bootchain::kSha256Signature).value(),
                       {},
                       bootchain::authenticode_sha256(file).value()});
  return bootchain::encode_signature_lists(entries);
}

Bytes component(char content, const std::string& sbat) {
  return make_pe_image({{".text", Bytes(64, static_cast<std::uint8_t>(content))}, {".sbat", to_bytes(sbat)}});
}

// db has shim's digest, and shim carries those of GRUB and kernel.
struct Machine {
  Bytes grub = component('g', "sbat,1,SBAT,sbat,1,url\ngrub,4,FSF,grub,2.06,url\n");
  Bytes kernel = component('k', "linux,1,Debian,linux,6.1,url\n");
  Bytes shim = shim_with(digest_list({grub, kernel}));
  image::DiskImage image;
  BootMachine machine;

  Machine() {
    image.esp_files = {{kShim, shim}, {kGrub, grub}, {kKernel, kernel}, {"/EFI/debian/initrd", {1, 2, 3}}};
    machine.firmware.enabled = true;
    machine.firmware.db = bootchain::read_signature_lists(digest_list({shim})).value();
  }
  static Bytes shim_with(const Bytes& authorized) {
    return make_pe_image({{".vendor_cert", vendor_section(authorized, {})},
                          {".sbatlevel", level_section("sbat,1,2024010900\ngrub,4\n", "sbat,1,2025021800\ngrub,5\n")},
                          {".sbat", to_bytes("shim,4,UEFI shim,shim,1,url\n")}});
  }
  ImageJudgement judge() const { return judge_image(image, no_manifest(), machine); }
  static Result<image::Manifest> no_manifest() { return fail(ErrorCode::kInvalidArgument, "there is no grub.cfg"); }
  // "path by rule" of each decision.
  std::vector<std::string> rules() const {
    std::vector<std::string> all;
    for (const auto& [path, decisions] : judge().decisions)
      for (const auto& [by, decision] : decisions) all.push_back(path + " " + by + " " + decision.rule);
    return all;
  }
};

TEST(ImageJudgement, SaysByWhichRuleEachComponentLoads) {
  const Machine machine;
  EXPECT_TRUE(machine.judge().boots);
  EXPECT_THAT(
      machine.rules(),
      ElementsAre(std::string(kShim) + " firmware db.digest", std::string(kShim) + " shimStart ",
                  std::string(kGrub) + " shim vendor.digest", std::string(kKernel) + " shimLock vendor.digest"));
}

TEST(ImageJudgement, OneComponentThatDoesNotLoadIsEnough) {
  Machine revoked;
  revoked.machine.firmware.dbx = bootchain::read_signature_lists(digest_list({revoked.kernel})).value();
  EXPECT_FALSE(revoked.judge().boots);
  EXPECT_EQ(revoked.judge().decisions.at(kKernel).front().second.rule, "dbx.digest");
  EXPECT_TRUE(revoked.judge().decisions.at(kGrub).front().second.loads) << "each is judged for itself";

  Machine foreign;
  foreign.machine.firmware.db.clear();
  EXPECT_FALSE(foreign.judge().boots);
  EXPECT_EQ(foreign.judge().decisions.at(kShim).front().second.rule, "signature.missing");

  Machine old;
  old.image.esp_files[kGrub] = component('g', "sbat,1,SBAT,sbat,1,url\ngrub,3,FSF,grub,2.04,url\n");
  old.shim = Machine::shim_with(digest_list({old.image.esp_files[kGrub], old.kernel}));
  old.image.esp_files[kShim] = old.shim;
  old.machine.firmware.db = bootchain::read_signature_lists(digest_list({old.shim})).value();
  EXPECT_EQ(old.judge().decisions.at(kGrub).front().second.rule, "sbat.generation");

  Machine off;
  off.machine.firmware.db.clear();
  off.machine.firmware.enabled = false;
  EXPECT_TRUE(off.judge().boots);
}

TEST(ImageJudgement, WhatIsMissingOrMalformedDoesNotBoot) {
  for (const char* path : {kShim, kGrub, kKernel}) {
    Machine missing;
    missing.image.esp_files.erase(path);
    EXPECT_FALSE(missing.judge().boots) << path;
    EXPECT_EQ(missing.judge().decisions.count(path), 0u);
    Machine malformed;
    malformed.image.esp_files[path] = {'M', 'Z'};
    EXPECT_FALSE(malformed.judge().boots) << path;
    EXPECT_EQ(malformed.judge().decisions.at(path).front().second.rule, "component.malformed");
  }
  Machine without_shim;
  without_shim.image.esp_files.erase(kShim);
  EXPECT_EQ(without_shim.judge().decisions.at(kGrub).front().second.rule, "shim.missing");
  Machine no_shim;
  no_shim.image.esp_files[kShim] = component('s', "shim,4,UEFI shim,shim,1,url\n");
  EXPECT_EQ(no_shim.judge().decisions.at(kKernel).front().second.rule, "shim.missing");
  Machine broken;
  broken.image.esp_files[kShim] = make_pe_image({{".vendor_cert", Bytes(16, 0xff)}});
  EXPECT_EQ(broken.judge().decisions.at(kShim).front().second.rule, "component.malformed");
}

TEST(ImageJudgement, IsShown) {
  Machine machine;
  machine.machine.more_revocations = MoreRevocations{3, false, {}, {}};
  const auto document = image_document(machine.image, Machine::no_manifest(), machine.judge());
  EXPECT_EQ(document.at("boots"), true);
  EXPECT_EQ(document.at("moreRevocations").at("entries"), 3);
  for (const auto& file : document.at("files").as_array()) {
    const std::string path(file.at("path").as_string());
    const auto& decisions = file.at("decisions").as_array();
    EXPECT_EQ(decisions.size(), path == kShim ? 2u : path == "/EFI/debian/initrd" ? 0u : 1u) << path;
  }
  const std::string table = image_table(machine.image, Machine::no_manifest(), machine.judge());
  EXPECT_THAT(table, HasSubstr("3 more revocations"));
  EXPECT_THAT(table, HasSubstr("This machine would boot it"));
  const auto unjudged = image_document(machine.image, Machine::no_manifest(), std::nullopt);
  EXPECT_TRUE(unjudged.at("boots").is_null());
  EXPECT_TRUE(unjudged.at("moreRevocations").is_null());
  EXPECT_TRUE(unjudged.at("files").at(0).at("decisions").as_array().empty());
}

}  // namespace
}  // namespace slipway::cli
