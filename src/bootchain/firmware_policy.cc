#include <fmt/format.h>

#include <algorithm>

#include "bootchain/boot_policy.h"
#include "bootchain/efi_variable.h"
#include "bootchain/image_signatures.h"
#include "crypto/certificate_details.h"

namespace slipway::bootchain {
namespace {

using Kind = SignatureMeaning::Kind;

constexpr std::size_t kMaximumCertificates = 1024;

Result<std::vector<EfiSignature>> read_database(const std::vector<StoredVariable>& variables, std::string_view vendor,
                                                std::string_view name) {
  const StoredVariable* variable = find_variable(variables, vendor, name);
  if (variable == nullptr) return std::vector<EfiSignature>{};
  auto signatures = read_signature_lists(variable->data);
  if (!signatures) return fail(ErrorCode::kMalformed, fmt::format("variable {}: {}", name, signatures.error().message));
  const auto certificates = std::count_if(signatures->begin(), signatures->end(), [](const EfiSignature& signature) {
    return meaning_of(signature).kind == Kind::kCertificate;
  });
  if (static_cast<std::size_t>(certificates) > kMaximumCertificates)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("variable {} has {} certificates; 1024 are the most", name, certificates));
  return signatures;
}

std::vector<crypto::Certificate> time_stamp_authorities(const SecureBootState& firmware) {
  std::vector<crypto::Certificate> authorities;
  for (IndexedCertificate& each : certificates_of(firmware.dbt)) authorities.push_back(std::move(each.certificate));
  return authorities;
}

// Index of the dbx entry that lists this certificate's to-be-signed digest and counts for this signature, or -1.
int find_revoked_certificate(const SecureBootState& firmware, const crypto::Certificate& certificate,
                             const ImageSignature& signature) {
  for (std::size_t i = 0; i < firmware.dbx.size(); ++i) {
    const SignatureMeaning meaning = meaning_of(firmware.dbx[i]);
    if (meaning.kind != Kind::kCertificateDigest ||
        crypto::tbs_digest(certificate, meaning.algorithm) != meaning.digest)
      continue;
    if (meaning.revoked_from) {
      const auto stamp = signature.signed_data->time_stamp(time_stamp_authorities(firmware));
      if (stamp && std::chrono::floor<seconds>(*stamp) <= *meaning.revoked_from) continue;
    }
    return static_cast<int>(i);
  }
  return -1;
}

std::string words_of_entry(std::string_view database, const std::vector<EfiSignature>& entries, int index) {
  return fmt::format("{} entry {}, {}", database, index, describe(entries[static_cast<std::size_t>(index)]));
}

struct Judge {
  const SecureBootState& firmware;
  std::vector<IndexedCertificate> db = certificates_of(firmware.db);
  std::vector<IndexedCertificate> dbx = certificates_of(firmware.dbx);

  BootDecision decide(bool loads, std::string rule, std::string reason, int entry,
                      std::vector<std::string> signed_by) const {
    return {loads, std::move(rule), std::move(reason), entry, std::move(signed_by)};
  }

  // Does dbx forbid the image by this signature?
  std::optional<BootDecision> forbidden(const ImageSignature& signature) const {
    // EDK II passes over signatures in a digest that it does not know.
    if (!signature.algorithm || signature.image_digest.empty()) return std::nullopt;
    const auto& signers = signature.signed_data->signers();
    const bool all_named = !signers.empty() && std::all_of(signers.begin(), signers.end(), [](const auto& signer) {
      return signer.certificate.has_value();
    });
    if (!all_named && !firmware.dbx.empty())
      return decide(false, "signature.malformed",
                    "a signature does not carry its signer's certificate, so that dbx cannot be asked", -1,
                    signature.signers());
    if (const auto vouching = find_vouching(signature, dbx))
      return decide(false, "dbx.certificate", fmt::format("dbx certificate {}", vouching->by.certificate.subject()),
                    vouching->by.index, subjects_of(vouching->path));
    for (const auto& signer : signers) {
      if (!signer.certificate) continue;
      const int entry = find_revoked_certificate(firmware, *signer.certificate, signature);
      if (entry >= 0)
        return decide(false, "dbx.certificateDigest", words_of_entry("dbx", firmware.dbx, entry), entry,
                      signature.signers());
    }
    const int entry = find_digest(firmware.dbx, *signature.algorithm, signature.image_digest);
    if (entry < 0) return std::nullopt;
    return decide(false, "dbx.digest", words_of_entry("dbx", firmware.dbx, entry), entry, signature.signers());
  }

  // Does db allow it by this signature? Loads, or says why not.
  BootDecision allowed(const ImageSignature& signature) const {
    BootDecision refusal =
        decide(false, signature.problem, "the signature does not count: " + signature.words, -1, signature.signers());
    if (signature.is_good()) {
      refusal.rule = "signature.untrusted";
      refusal.reason = "no certificate of db leads to its signer";
    }
    if (const auto vouching = find_vouching(signature, db)) {
      const int revoked = find_revoked_certificate(firmware, vouching->by.certificate, signature);
      if (revoked < 0)
        return decide(true, "db.certificate", fmt::format("db certificate {}", vouching->by.certificate.subject()),
                      vouching->by.index, subjects_of(vouching->path));
      // EDK II asks no further certificate of db then.
      refusal =
          decide(false, "signature.timeStamp",
                 fmt::format("db certificate {} is revoked by {}, and no time stamp of an authority in dbt proves "
                             "that the signature is older",
                             vouching->by.certificate.subject(), words_of_entry("dbx", firmware.dbx, revoked)),
                 revoked, subjects_of(vouching->path));
    }
    if (!signature.algorithm || signature.image_digest.empty()) return refusal;
    const int entry = find_digest(firmware.db, *signature.algorithm, signature.image_digest);
    if (entry < 0) return refusal;
    return decide(true, "db.digest", words_of_entry("db", firmware.db, entry), entry, signature.signers());
  }

  BootDecision judge_unsigned(const UnverifiedPeImage& image) const {
    const auto digest = authenticode_digest(image, crypto::HashAlgorithm::kSha256);
    if (!digest) return decide(false, "signature.malformed", digest.error().message, -1, {});
    int entry = find_digest(firmware.dbx, crypto::HashAlgorithm::kSha256, *digest);
    if (entry >= 0) return decide(false, "dbx.digest", words_of_entry("dbx", firmware.dbx, entry), entry, {});
    entry = find_digest(firmware.db, crypto::HashAlgorithm::kSha256, *digest);
    if (entry >= 0) return decide(true, "db.digest", words_of_entry("db", firmware.db, entry), entry, {});
    return decide(false, "signature.missing", "the image is not signed, and its digest is not in db", -1, {});
  }
};

}  // namespace

bool enforces_secure_boot(const std::vector<StoredVariable>& variables) {
  const StoredVariable* platform_key = find_variable(variables, kEfiGlobalVariables, "PK");
  if (platform_key == nullptr || platform_key->data.empty()) return false;
  const StoredVariable* enable = find_variable(variables, kSecureBootEnableVendor, "SecureBootEnable");
  return enable == nullptr || (!enable->data.empty() && enable->data[0] == 1);
}

Result<SecureBootState> read_secure_boot_state(const std::vector<StoredVariable>& variables) {
  SecureBootState state;
  SLIPWAY_ASSIGN(state.platform_key, read_database(variables, kEfiGlobalVariables, "PK"));
  SLIPWAY_ASSIGN(state.key_exchange_keys, read_database(variables, kEfiGlobalVariables, "KEK"));
  SLIPWAY_ASSIGN(state.db, read_database(variables, kImageSecurityDatabase, "db"));
  SLIPWAY_ASSIGN(state.dbx, read_database(variables, kImageSecurityDatabase, "dbx"));
  SLIPWAY_ASSIGN(state.dbt, read_database(variables, kImageSecurityDatabase, "dbt"));
  state.enabled = enforces_secure_boot(variables);
  return state;
}

BootDecision would_firmware_load(const UnverifiedPeImage& image, const SecureBootState& firmware) {
  const Judge judge{firmware};
  if (!firmware.enabled)
    return judge.decide(true, "secureBoot.disabled", "Secure Boot is off: everything loads", -1, {});
  if (image.certificates_size == 0) return judge.judge_unsigned(image);
  std::optional<BootDecision> allowed;
  std::optional<BootDecision> refused;
  for (const ImageSignature& signature : check_signatures(image)) {
    if (auto forbidden = judge.forbidden(signature)) return *std::move(forbidden);
    BootDecision decision = judge.allowed(signature);
    auto& kept = decision.loads ? allowed : refused;
    if (!kept) kept = std::move(decision);
  }
  if (!image.certificate_table_ends_evenly)
    return judge.decide(false, "certificateTable.uneven",
                        "the certificate table ends within an entry: firmware trusts no signature in it", -1, {});
  if (allowed) return *std::move(allowed);
  if (refused) return *std::move(refused);
  return judge.decide(false, "signature.missing", "the certificate table holds no signature that firmware knows", -1,
                      {});
}

}  // namespace slipway::bootchain
