#include <fmt/format.h>

#include <algorithm>

#include "bootchain/boot_policy.h"
#include "bootchain/efi_variable.h"
#include "bootchain/image_signatures.h"
#include "crypto/certificate_details.h"

namespace slipway::bootchain {
namespace {

using crypto::HashAlgorithm;

// Extended key usage of certificates that sign kernel modules and nothing else.
constexpr std::string_view kModuleSigningOnly = "1.3.6.1.4.1.2312.16.1.2";
constexpr std::uint8_t kSet = 1;

// A list that shim asks, under the name that its findings bear.
struct Asked {
  std::string_view rule, words;
  const std::vector<EfiSignature>& entries;
};

struct Digests {
  Bytes sha256, sha1;
};

int find_either(const std::vector<EfiSignature>& entries, const Digests& digests) {
  const int sha256 = find_digest(entries, HashAlgorithm::kSha256, digests.sha256);
  return sha256 >= 0 ? sha256 : find_digest(entries, HashAlgorithm::kSha1, digests.sha1);
}

bool is_for_modules_alone(const crypto::Certificate& certificate) {
  const auto details = crypto::details_of(certificate);
  return details && std::find(details->extended_key_uses.begin(), details->extended_key_uses.end(),
                              kModuleSigningOnly) != details->extended_key_uses.end();
}

std::vector<IndexedCertificate> usable_certificates(const std::vector<EfiSignature>& entries) {
  std::vector<IndexedCertificate> certificates = certificates_of(entries);
  certificates.erase(
      std::remove_if(certificates.begin(), certificates.end(),
                     [](const IndexedCertificate& each) { return is_for_modules_alone(each.certificate); }),
      certificates.end());
  return certificates;
}

std::optional<BootDecision> by_digest(const Asked& asked, const Digests& digests, bool loads,
                                      const std::vector<std::string>& signers) {
  const int entry = find_either(asked.entries, digests);
  if (entry < 0) return std::nullopt;
  return BootDecision{
      loads, fmt::format("{}.digest", asked.rule),
      fmt::format("{} entry {}, {}", asked.words, entry, describe(asked.entries[static_cast<std::size_t>(entry)])),
      entry, signers};
}

std::optional<BootDecision> by_certificate(const Asked& asked, const ImageSignature& signature, bool loads) {
  // shim compares SHA-256 digests alone.
  if (signature.algorithm != HashAlgorithm::kSha256) return std::nullopt;
  const auto vouching = find_vouching(signature, usable_certificates(asked.entries));
  if (!vouching) return std::nullopt;
  return BootDecision{loads, fmt::format("{}.certificate", asked.rule),
                      fmt::format("{} certificate {}", asked.words, vouching->by.certificate.subject()),
                      vouching->by.index, subjects_of(vouching->path)};
}

BootDecision judge_signatures(const UnverifiedPeImage& image, const SecureBootState& firmware, const ShimTrust& shim) {
  const auto sha256 = authenticode_digest(image, HashAlgorithm::kSha256);
  const auto sha1 = authenticode_digest(image, HashAlgorithm::kSha1);
  if (!sha256 || !sha1) return {false, "signature.malformed", (sha256 ? sha1 : sha256).error().message, -1, {}};
  const Digests digests{*sha256, *sha1};
  const std::vector<ImageSignature> signatures = check_signatures(image);
  std::vector<std::string> signers;
  if (!signatures.empty()) signers = signatures.front().signers();

  const std::vector<EfiSignature> nothing;
  const Asked forbidding[] = {{"vendorDbx", "shim's vendor_dbx", shim.shim.revoked},
                              {"dbx", "dbx", firmware.dbx},
                              {"mokListX", "MokListX", shim.mok_list_x}};
  for (const Asked& asked : forbidding)
    if (auto decision = by_digest(asked, digests, false, signers)) return *std::move(decision);

  const bool database = !shim.shim.authorized_is_certificate;
  const Asked allowing[] = {
      {"db", "db", shim.ignores_db ? nothing : firmware.db},
      {"vendor", "shim's vendor database", database ? shim.shim.authorized : nothing},
      {"mokList", "MokList", shim.mok_list},
      {"vendor", "shim's vendor", database ? nothing : shim.shim.authorized},
  };
  for (const Asked& asked : allowing)
    if (auto decision = by_digest(asked, digests, true, signers)) return *std::move(decision);

  BootDecision refusal{false, "signature.missing", "the image is not signed, and no list has its digest", -1, {}};
  for (const ImageSignature& signature : signatures) {
    for (const Asked& asked : forbidding)
      if (auto decision = by_certificate(asked, signature, false)) return *std::move(decision);
    for (const Asked& asked : allowing)
      if (auto decision = by_certificate(asked, signature, true)) return *std::move(decision);
    if (refusal.rule != "signature.missing") continue;
    refusal = {false, signature.problem, "the signature does not count: " + signature.words, -1, signature.signers()};
    if (!signature.is_good()) continue;
    refusal.rule = "signature.untrusted";
    refusal.reason = "neither db nor MokList nor shim's vendor leads to its signer";
  }
  return refusal;
}

std::optional<BootDecision> judge_sbat(const UnverifiedPeImage& image, const ShimTrust& shim, bool mandatory,
                                       const std::vector<std::string>& signed_by) {
  if (!shim.sbat_level || shim.sbat_level->minimums.empty()) return std::nullopt;
  const ByteView section = section_of(image, ".sbat");
  if (section.empty()) {
    if (!mandatory) return std::nullopt;
    return BootDecision{false, "sbat.missing", "the image has no section .sbat, which shim demands of what it starts",
                        -1, signed_by};
  }
  const auto entries = read_sbat_section(section);
  if (!entries)
    return BootDecision{false, "sbat.malformed", "section .sbat: " + entries.error().message, -1, signed_by};
  const auto revoked = find_revoked(*entries, *shim.sbat_level);
  if (!revoked) return std::nullopt;
  return BootDecision{
      false, "sbat.generation",
      fmt::format("SBAT {} generation {} < {}", revoked->component, revoked->generation, revoked->minimum), -1,
      signed_by};
}

Result<std::vector<EfiSignature>> read_list(const std::vector<StoredVariable>& variables, std::string_view name) {
  const StoredVariable* variable = find_variable(variables, kShimVariables, name);
  if (variable == nullptr) return std::vector<EfiSignature>{};
  auto signatures = read_signature_lists(variable->data);
  if (!signatures) return fail(ErrorCode::kMalformed, fmt::format("variable {}: {}", name, signatures.error().message));
  return signatures;
}

bool is_set(const std::vector<StoredVariable>& variables, std::string_view name) {
  const StoredVariable* variable = find_variable(variables, kShimVariables, name);
  return variable != nullptr && variable->data.size() == 1 && variable->data[0] == kSet;
}

}  // namespace

Result<ShimTrust> read_shim_trust(const UnverifiedPeImage& shim, const std::vector<StoredVariable>& variables) {
  ShimTrust trust;
  SLIPWAY_ASSIGN(trust.shim, read_shim_image(shim));
  SLIPWAY_ASSIGN(trust.mok_list, read_list(variables, "MokList"));
  SLIPWAY_ASSIGN(trust.mok_list_x, read_list(variables, "MokListX"));
  trust.validation_disabled = is_set(variables, "MokSBState");
  trust.ignores_db = is_set(variables, "MokDBState");
  trust.sbat_level = trust.shim.automatic_level;
  if (const StoredVariable* stored = find_variable(variables, kShimVariables, "SbatLevel")) {
    auto level = read_sbat_level(stored->data);
    // What does not read as a level is replaced by shim's own.
    if (level && (!trust.sbat_level || is_kept(*level, *trust.sbat_level))) trust.sbat_level = *std::move(level);
  }
  return trust;
}

BootDecision would_shim_load(const UnverifiedPeImage& image, const SecureBootState& firmware, const ShimTrust& shim,
                             ShimCaller caller) {
  if (!firmware.enabled) return {true, "secureBoot.disabled", "Secure Boot is off: everything loads", -1, {}};
  if (shim.validation_disabled)
    return {true, "shim.validationDisabled", "the machine's owner switched shim's checks off (MokSBState)", -1, {}};
  BootDecision decision = judge_signatures(image, firmware, shim);
  if (!decision.loads) return decision;
  auto revoked = judge_sbat(image, shim, caller == ShimCaller::kShim, decision.signed_by);
  return revoked ? *std::move(revoked) : decision;
}

BootDecision would_shim_start(const UnverifiedPeImage& image, const SecureBootState& firmware, const ShimTrust& shim) {
  BootDecision loads;
  loads.loads = true;
  if (!firmware.enabled) return loads;
  auto revoked = judge_sbat(image, shim, false, {});
  return revoked ? *std::move(revoked) : loads;
}

}  // namespace slipway::bootchain
