#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "attestation/appraiser.h"
#include "attestation/verdict.h"
#include "base/byte_reader.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"
#include "bootchain/event_log.h"
#include "bootchain/ima_log.h"
#include "bootchain/replay.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "image/manifest.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

namespace slipway::attestation {

inline Bytes hex(std::string_view text) { return from_hex(text).value(); }

// A machine that boots as a log says and whose TPM is a software key: it signs what replaying its log gives, so that a
// changed log stands for another boot, not for a forged one.
struct SimulatedMachine {
  bootchain::UnverifiedEventLog log;
  Bytes ima_log;
  bool aggregate_follows = true;
  crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  Bytes nonce = Bytes(32, 0x5a);
  std::vector<int> quoted_pcrs = expected_pcrs();
  // PCRs that were extended behind the logs' back.
  std::vector<std::pair<int, Bytes>> unlogged;
  std::function<void(tpm::QuoteBody&)> change_quote;

  explicit SimulatedMachine(const std::string& boot)
      : log(bootchain::parse_event_log(bootchain::read_corpus(boot + "/log.bin")).value()) {}

  Bytes attestation_key() const {
    return tpm::marshal_public_area(tpm::attestation_key_area(key.public_key().p256_point().value()));
  }

  Expectation expectation() const { return {nonce, attestation_key(), expected_pcrs()}; }

  // The kernel's log as it would begin on this boot: boot_aggregate is the digest of PCR 0 to 9 when it started.
  Bytes begun_ima_log() const {
    constexpr std::size_t kSha1At = 4, kNameAt = 24, kDigestBehindData = 8 + 8;
    if (ima_log.empty() || !aggregate_follows) return ima_log;
    bootchain::PcrValues values = bootchain::replay(log, bootchain::kSha256Bank).value();
    Bytes aggregated;
    for (int pcr = 0; pcr < 10; ++pcr) put_bytes(aggregated, values.try_emplace(pcr, Bytes(32, 0)).first->second);
    Bytes begun = ima_log;
    const std::size_t data_at = kNameAt + 4 + begun[kNameAt] + 4;
    const std::size_t data_size = begun[data_at - 4];
    const Bytes digest = crypto::sha256(aggregated);
    std::copy(digest.begin(), digest.end(),
              begun.begin() + static_cast<std::ptrdiff_t>(data_at + kDigestBehindData - 4));
    const Bytes sha1 = crypto::digest(crypto::HashAlgorithm::kSha1, ByteView(begun).subspan(data_at, data_size));
    std::copy(sha1.begin(), sha1.end(), begun.begin() + kSha1At);
    return begun;
  }

  Bytes digest_of_pcrs() const {
    bootchain::PcrValues values = bootchain::replay(log, bootchain::kSha256Bank).value();
    const auto ima = bootchain::parse_ima_log(begun_ima_log()).value();
    values.try_emplace(10, bootchain::ima_pcr_values(ima).back());
    for (const auto& [pcr, digest] : unlogged) {
      Bytes& value = values.try_emplace(pcr, bootchain::initial_pcr(pcr, 32)).first->second;
      value = bootchain::extend(crypto::HashAlgorithm::kSha256, value, digest);
    }
    std::vector<Bytes> chosen;
    for (const int pcr : quoted_pcrs) chosen.push_back(values.try_emplace(pcr, Bytes(32, 0)).first->second);
    return tpm::pcr_digest(chosen);
  }

  UnverifiedEvidence evidence() const {
    tpm::QuoteBody body;
    body.qualified_signer = hex("000b" + std::string(64, '1'));
    body.extra_data = nonce;
    body.selections = {{tpm::kAlgSha256, quoted_pcrs}};
    body.pcr_digest = digest_of_pcrs();
    if (change_quote) change_quote(body);
    return sign(tpm::marshal_quote(body));
  }

  UnverifiedEvidence sign(Bytes attest) const {
    const Bytes signature = key.sign(crypto::SignatureScheme::kEcdsaP256Sha256, attest).value();
    Bytes marshalled = tpm::marshal_signature(crypto::SignatureScheme::kEcdsaP256Sha256, signature).value();
    return {std::move(attest), std::move(marshalled), bootchain::encode_event_log(log), begun_ima_log()};
  }

  // The first event of a PCR that measures this digest, or whose data holds this text.
  bootchain::UnverifiedEvent& event(std::uint32_t pcr, const std::string& digest_or_text) {
    for (bootchain::UnverifiedEvent& event : log.events) {
      if (event.pcr != pcr) continue;
      if (to_hex(event.digests[0].digest) == digest_or_text) return event;
      if (as_text(event.data).find(digest_or_text) != std::string_view::npos) return event;
    }
    ADD_FAILURE() << "no event of PCR " << pcr << " with " << digest_or_text;
    return log.events.front();
  }
  void remove(std::uint32_t pcr, const std::string& digest_or_text) {
    log.events.erase(log.events.begin() + (&event(pcr, digest_or_text) - log.events.data()));
  }
  // Appends an event whose digest is that of its data.
  void append(std::uint32_t pcr, std::uint32_t type, Bytes data) {
    log.events.push_back({0, pcr, type, {{bootchain::kSha256Bank, crypto::sha256(data)}}, data});
  }
};

// The boot debian12-ovmf-verity of tests/corpus with its IMA log.
inline SimulatedMachine verity_machine() {
  SimulatedMachine machine("boots/debian12-ovmf-verity");
  machine.ima_log = bootchain::read_corpus("boots/debian12-ovmf-verity/ima.bin");
  return machine;
}

// Digests of that boot's files, as they were in its image.
inline constexpr std::string_view kShim = "80a66d53a945d2286fcadd780fae1c225aa732079cd67b5225dc78aaab4e2ff8";
inline constexpr std::string_view kGrub = "a68f6d71ebddaa19751ff8d729f67d11b0df8e4c49400c3e7e90de16119e1265";
inline constexpr std::string_view kKernel = "48df3aee4f7518867d5cd624da73db46d6b954bb3cde4dc5236ca9c0555c2d65";
inline constexpr std::string_view kKernelFile = "3d616aa853fe11b1c0ea99a1cdb4fb6ddc9010ba7c4562de700ad94264989654";
inline constexpr std::string_view kInitrd = "70f521b53e3d124e43bdc4a25ec423f95b9eae87ba1c7e1becadddb6621a0194";
inline constexpr std::string_view kTable = "10005247298b78880527b448f93f7a48759d42f40ac2101786d084317fdbead5";
inline constexpr std::string_view kRootHash = "aed5c6b8130b310806f8e5565f746da0ec591c921b1d4ecb94fcaa5f8cf3e3aa";

inline image::Manifest verity_manifest() {
  using image::BootFileRole;
  image::Manifest manifest;
  manifest.version = "SlipwayDebian-12-gen2TLcontainerd-202611.23.0";
  manifest.trusted_launch = true;
  manifest.grub_config = std::string(as_text(bootchain::read_corpus("boots/debian12-ovmf-verity/grub.cfg")));
  manifest.boot_files = {
      {BootFileRole::kShim, "/EFI/BOOT/BOOTX64.EFI", "shim-signed 1.51", 1048504, Bytes(32, 1), hex(kShim), {"CN=MS"}},
      {BootFileRole::kGrub, "/EFI/BOOT/grubx64.efi", "grub-efi-amd64-signed 1", 4183488, Bytes(32, 2), hex(kGrub), {}},
      {BootFileRole::kGrubConfig,
       "/EFI/debian/grub.cfg",
       "",
       266,
       crypto::sha256(as_bytes(manifest.grub_config)),
       {},
       {}},
      {BootFileRole::kKernel,
       "/EFI/debian/vmlinuz",
       "linux-image-6.1.0-50-cloud-amd64 6.1",
       14149568,
       hex(kKernelFile),
       hex(kKernel),
       {"CN=Debian Secure Boot Signer 2022 - linux"}},
      {BootFileRole::kInitrd, "/EFI/debian/initrd", "", 30000000, hex(kInitrd), {}, {}},
  };
  const std::string arguments =
      "(hd0,gpt1)/EFI/debian/vmlinuz root=/dev/mapper/root rootfstype=erofs ro slipway.roothash=" +
      std::string(kRootHash) + " console=ttyS0 panic=10 systemd.gpt_auto=0 ima_policy=tcb";
  manifest.grub_commands = {"[ -z (hd0,gpt1)/EFI/debian -o ! -e (hd0,gpt1)/EFI/debian ]",
                            "[ -e (hd0,gpt1)/EFI/debian/x86_64-efi/grub.cfg ]",
                            "[ -e (hd0,gpt1)/EFI/debian/grub.cfg ]",
                            "source (hd0,gpt1)/EFI/debian/grub.cfg",
                            "set timeout=0",
                            "linux " + arguments,
                            "initrd (hd0,gpt1)/EFI/debian/initrd",
                            "boot"};
  manifest.kernel_command_line = arguments;
  manifest.root_hash = hex(kRootHash);
  manifest.virtual_size = 842006528;
  manifest.gpt_event_sha256 = hex(kTable);
  manifest.pcr14_sha256 = {hex("342c88bb9fde2c45eeaa17321262b089181e7e841ef5a4a5e8ed240920026f97"),
                           hex("45e89b4a5f8283cd8ae7c66bda8346697120c84880537aadb49a665c7d7eec0f"),
                           hex("4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a")};
  manifest.sbat_level_event_sha256 = hex("ef611239b24f977f968379a9c9547b8da480557b8e0b2a83c66b3cea6034b330");
  manifest.unenforced_sbat_level_event_sha256 = hex("922e939a5565798a5ef12fe09d8b49bf951a8e7f89a0cca7a51636693d41a34d");
  manifest.vendor_authority_event_sha256 = hex("23b2707ff70880b82fad7c96835b1b287e5d0663885d801a98badefb831fb2dd");
  return manifest;
}

// What a boot must measure, with names and texts from a manifest: each digest of a file, command or table is the
// manifest's, in the order of the log; what no manifest says (firmware, variables) is the log's own.
class PredictionOfLog {
 public:
  PredictionOfLog(const bootchain::UnverifiedEventLog& log, const image::Manifest& manifest, bool secure_boot)
      : manifest_(manifest) {
    prediction_.image_version = manifest.version;
    prediction_.secure_boot = secure_boot;
    prediction_.firmware_sha256 = Bytes(32, 3);
    for (const auto& event : log.events)
      if (event.type != bootchain::kEvNoAction) add(event);
  }
  image::Prediction take() { return std::move(prediction_); }

 private:
  void add(const bootchain::UnverifiedEvent& event) {
    image::PredictedEvent predicted;
    predicted.pcr = static_cast<int>(event.pcr);
    predicted.type = event.type;
    predicted.sha256 = bootchain::find_digest(event, bootchain::kSha256Bank)->bytes();
    name(event, predicted);
    prediction_.events.push_back(std::move(predicted));
  }

  void name(const bootchain::UnverifiedEvent& event, image::PredictedEvent& predicted) {
    const std::string pcr = "pcr" + std::to_string(event.pcr);
    predicted.component = bootchain::event_type_name(event.type);
    predicted.rule = pcr + ".action";
    if (event.type == bootchain::kEvSeparator) predicted.rule = pcr + ".separator";
    if (event.type == bootchain::kEvSeparator || event.type == bootchain::kEvEfiAction) return;
    if (event.pcr == 0) name_firmware(predicted);
    if (event.pcr == 1) name_boot_entry(predicted);
    if (event.pcr == 4 || event.pcr == 9) name_file(pcr, predicted);
    if (event.pcr == 5) predicted.rule = "pcr5.partitionTable", predicted.component = "partition table";
    if (event.pcr == 7) name_variable(event, predicted);
    if (event.pcr == 8) name_text(event, predicted);
    if (event.pcr == 14) predicted.rule = "pcr14.machineOwnerKeys";
  }

  static void name_firmware(image::PredictedEvent& predicted) {
    predicted.rule = "pcr0.firmware";
    predicted.component = "firmware";
    if (predicted.type == bootchain::kEvEfiPlatformFirmwareBlob) predicted.origin = image::Origin::kCalibrated;
  }
  static void name_boot_entry(image::PredictedEvent& predicted) {
    predicted.rule = "pcr1.bootEntries";
    predicted.origin = image::Origin::kMayVary;
    predicted.sha256.clear();
  }
  void name_file(const std::string& pcr, image::PredictedEvent& predicted) const {
    for (const image::BootFile& file : manifest_.boot_files) {
      if (predicted.sha256 != (predicted.pcr == 4 ? file.authenticode_sha256 : file.sha256)) continue;
      predicted.rule = pcr + "." + std::string(to_string(file.role));
      predicted.component = file.path;
      predicted.package = file.package;
      if (!file.signers.empty()) predicted.signer = file.signers.front();
    }
  }
  static void name_variable(const bootchain::UnverifiedEvent& event, image::PredictedEvent& predicted) {
    const auto variable = bootchain::decode_variable_data(event.data).value();
    predicted.component = variable.name;
    predicted.rule = event.type == bootchain::kEvEfiVariableDriverConfig ? "secureBoot.variables"
                     : variable.name == "SbatLevel"                      ? "secureBoot.sbat"
                                                                         : "secureBoot.authority";
    if (variable.name == "db") predicted.signer = "CN=Microsoft Corporation UEFI CA 2011";
  }
  void name_text(const bootchain::UnverifiedEvent& event, image::PredictedEvent& predicted) const {
    const auto text = bootchain::grub_text(event);
    const bool command = text.kind == bootchain::GrubText::Kind::kCommand;
    predicted.rule = command ? "pcr8.command" : "pcr8.kernelCommandLine";
    predicted.component = command ? "GRUB command " + text.text : "kernel command line";
    predicted.text = text.text;
    EXPECT_TRUE(!command || std::count(manifest_.grub_commands.begin(), manifest_.grub_commands.end(), text.text) > 0);
  }

  const image::Manifest& manifest_;
  image::Prediction prediction_;
};

inline References references_of(const bootchain::UnverifiedEventLog& log, const image::Manifest& manifest,
                                bool secure_boot) {
  References references;
  references.predictions = {{PredictionOfLog(log, manifest, secure_boot).take(), std::nullopt}};
  references.secure_boot_required = secure_boot;
  return references;
}

// What the recorded boot debian12-ovmf-verity must measure.
inline References verity_references() { return references_of(verity_machine().log, verity_manifest(), true); }

inline const Time kNow{std::chrono::milliseconds(1'795'000'000'000)};

inline Appraisal appraise(const SimulatedMachine& machine, References references,
                          Circumstances circumstances = {kNow, kNow, Bytes(32, 9), std::nullopt, false}) {
  const auto appraiser = Appraiser::make(std::move(references));
  EXPECT_TRUE(appraiser) << appraiser.error().message;
  return appraiser->appraise(machine.evidence(), machine.expectation(), circumstances);
}
inline Verdict judge(const SimulatedMachine& machine, References references = verity_references()) {
  return appraise(machine, std::move(references)).verdict;
}

inline std::vector<std::string> rules_of(const Verdict& verdict) {
  std::vector<std::string> rules;
  for (const Finding& finding : verdict.findings) rules.push_back(finding.rule);
  return rules;
}

}  // namespace slipway::attestation
