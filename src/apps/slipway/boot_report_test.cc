#include "apps/slipway/boot_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attestation/verdict.h"

namespace slipway::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

boost::json::value node_with(const attestation::Verdict* verdict) {
  boost::json::object node = {{"name", "aks-p-1-vmss000000"},
                              {"pool", "p"},
                              {"phase", "Untrusted"},
                              {"secureBoot", true},
                              {"vtpm", true},
                              {"imageVersion", "image-1"},
                              {"explanation", "its initrd is not the image's"}};
  node["bootReport"] = verdict ? boost::json::parse(attestation::to_json(*verdict)) : boost::json::value(nullptr);
  return node;
}

attestation::Verdict bad_initrd() {
  attestation::Verdict verdict;
  verdict.verdict_class = attestation::VerdictClass::kUntrusted;
  verdict.appraised = from_rfc3339("2026-11-23T14:05:09Z").value();
  verdict.secure_boot = true;
  attestation::Component shim;
  shim.name = "shim";
  shim.path = "/EFI/BOOT/BOOTX64.EFI";
  shim.package = "shim-signed 1.44";
  shim.pcr = 4;
  shim.measurement = std::string(64, 'a');
  shim.signer = "Microsoft";
  shim.origin = "computed";
  shim.matches = true;
  attestation::Component initrd;
  initrd.name = "initrd";
  initrd.path = "/EFI/debian/initrd";
  initrd.pcr = 9;
  initrd.measurement = std::string(64, 'b');
  verdict.components = {shim, initrd};
  attestation::Finding finding;
  finding.rule = "pcr9.initrd";
  finding.pcr = 9;
  finding.component = "/EFI/debian/initrd";
  finding.expected = "c0ffee";
  finding.found = "bad\x1b[31m";
  finding.message = "another initrd was loaded";
  finding.remedy = "re-image the node";
  verdict.findings = {finding};
  return verdict;
}

TEST(BootReport, NamesEachComponentTheVerdictAndTheRemedy) {
  const attestation::Verdict verdict = bad_initrd();
  const std::string text = boot_report_text(node_with(&verdict)).value();
  EXPECT_THAT(text, HasSubstr("Node aks-p-1-vmss000000  pool p  image image-1  Secure Boot on  vTPM on"));
  EXPECT_THAT(text, HasSubstr("Phase Untrusted: its initrd is not the image's"));
  EXPECT_THAT(text, testing::ContainsRegex("shim +/EFI/BOOT/BOOTX64.EFI +shim-signed 1.44 +4 +aaaaaaaaaaaaaaaa… +"
                                           "Microsoft +computed +yes"));
  EXPECT_THAT(text, testing::ContainsRegex("initrd +/EFI/debian/initrd +- +9 +bbbbbbbbbbbbbbbb… +- +- +NO"));
  EXPECT_THAT(text, HasSubstr("Verdict of 2026-11-23T14:05:09.000Z: untrusted"));
  EXPECT_THAT(text, HasSubstr("pcr9.initrd: another initrd was loaded"));
  EXPECT_THAT(text, HasSubstr("re-image the node"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(BootReport, SaysWhyThereIsNone) {
  const std::string text = boot_report_text(node_with(nullptr)).value();
  EXPECT_THAT(text, HasSubstr("its initrd is not the image's"));
  EXPECT_THAT(text, HasSubstr("No boot report"));
}

TEST(BootReport, RefusesAnotherForm) {
  boost::json::value node = node_with(nullptr);
  node.get_object()["bootReport"] = boost::json::object{{"verdict", "splendid"}};
  EXPECT_EQ(boot_report_text(node).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace slipway::cli
