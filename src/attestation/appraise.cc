#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "attestation/rules.h"
#include "attestation/verdict.h"
#include "bootchain/verified_boot.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

namespace slipway::attestation {
namespace {

constexpr int kLastPcr = 15;
// TPM_GENERATED_VALUE and TPM_ST_ATTEST_QUOTE, big-endian (TPM 2.0 Part 2, 6.2 and 6.9).
constexpr std::array<std::uint8_t, 6> kQuoteStart{0xff, 0x54, 0x43, 0x47, 0x80, 0x18};

constexpr std::string_view kResendRemedy =
    "The agent sends new evidence by itself. If this stays, the node's agent or its TPM is not what it should be: "
    "re-image the node.";

Finding broken(std::string rule, std::string component, std::string message, std::string expected = {},
               std::string found = {}) {
  Finding finding;
  finding.rule = std::move(rule);
  finding.component = std::move(component);
  finding.expected = std::move(expected);
  finding.found = std::move(found);
  finding.message = std::move(message);
  finding.remedy = std::string(kResendRemedy);
  return finding;
}

bool starts_as_quote(ByteView attest) {
  return attest.size() >= kQuoteStart.size() && std::equal(kQuoteStart.begin(), kQuoteStart.end(), attest.begin());
}

std::string quote_rule(const Error& error, ByteView attest) {
  if (!starts_as_quote(attest)) return "quote.magic";
  if (error.reason == "QuoteSignature" || error.reason == "QuoteSignatureAlgorithm") return "quote.signature";
  if (error.reason == "QuoteNonce") return "quote.nonce";
  if (error.reason == "QuoteSelection") return "quote.selection";
  return "quote.form";
}

// The quote's PCR digest, once everything about the quote holds.
std::optional<bootchain::QuotedPcrs> check_quote(const UnverifiedEvidence& evidence, const Expectation& expectation,
                                                 Verdict& verdict) {
  const auto key = tpm::check_attestation_key(expectation.attestation_key);
  if (!key) {
    verdict.findings.push_back(broken("quote.attestationKey", "attestation key", key.error().message));
    return std::nullopt;
  }
  const auto quote =
      tpm::verify_quote(*key, {evidence.attest, evidence.signature}, expectation.qualifying_data, expectation.pcrs);
  if (!quote) {
    verdict.findings.push_back(broken(quote_rule(quote.error(), evidence.attest), "TPM quote", quote.error().message));
    return std::nullopt;
  }
  return bootchain::QuotedPcrs{expectation.pcrs, quote->pcr_digest};
}

std::optional<bootchain::VerifiedBoot> check_logs(const UnverifiedEvidence& evidence,
                                                  const bootchain::QuotedPcrs& quoted, Verdict& verdict) {
  auto log = bootchain::parse_event_log(evidence.firmware_event_log);
  if (!log) {
    verdict.findings.push_back(broken("log.form", "firmware event log", log.error().message));
    return std::nullopt;
  }
  auto ima = bootchain::parse_ima_log(evidence.ima_log);
  if (!ima) {
    verdict.findings.push_back(broken("ima.form", "IMA log", ima.error().message));
    return std::nullopt;
  }
  auto boot = bootchain::verify_boot(*std::move(log), *std::move(ima), quoted);
  if (!boot) {
    const bool replay = boot.error().reason == "ReplayDiffers";
    verdict.findings.push_back(broken(replay ? "log.replay" : "log.form", "firmware event log", boot.error().message,
                                      replay ? to_hex(quoted.digest) : std::string()));
    return std::nullopt;
  }
  return *std::move(boot);
}

bool is_complete(const image::Manifest& manifest) {
  using image::BootFileRole;
  for (const BootFileRole role : {BootFileRole::kShim, BootFileRole::kGrub, BootFileRole::kGrubConfig,
                                  BootFileRole::kKernel, BootFileRole::kInitrd})
    if (find_boot_file(manifest, role) == nullptr) return false;
  return !manifest.grub_commands.empty() && !manifest.kernel_command_line.empty();
}

VerdictClass class_of(const std::vector<Finding>& findings) {
  if (findings.empty()) return VerdictClass::kTrusted;
  const bool only_missing = std::all_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.rule == "pcr0.referenceMissing" || finding.rule == "manifest.missing";
  });
  return only_missing ? VerdictClass::kReferenceValuesMissing : VerdictClass::kUntrusted;
}

}  // namespace

std::vector<int> expected_pcrs() {
  std::vector<int> pcrs(kLastPcr + 1);
  std::iota(pcrs.begin(), pcrs.end(), 0);
  return pcrs;
}

Verdict appraise(const UnverifiedEvidence& evidence, const Expectation& expectation, const ReferenceValues& reference,
                 Time now) {
  Verdict verdict;
  verdict.appraised = now;
  verdict.verdict_class = VerdictClass::kEvidenceBroken;
  const auto quoted = check_quote(evidence, expectation, verdict);
  if (!quoted) return verdict;
  const auto boot = check_logs(evidence, *quoted, verdict);
  if (!boot) return verdict;
  if (!is_complete(reference.manifest)) {
    verdict.findings.push_back({"manifest.missing", -1, -1, "image manifest", "", "",
                                "a complete manifest of the image", reference.manifest.version,
                                "there is no complete manifest for the node's image, so its boot cannot be judged",
                                "Build or import the image again: its manifest is written beside it."});
    verdict.verdict_class = VerdictClass::kReferenceValuesMissing;
    return verdict;
  }
  judge_firmware(*boot, reference, verdict);
  judge_secure_boot(*boot, reference, verdict);
  judge_boot_chain(*boot, reference, verdict);
  verdict.verdict_class = class_of(verdict.findings);
  return verdict;
}

}  // namespace slipway::attestation
