#include "image/shim_admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "bootchain/efi_variable.h"
#include "bootchain/signature_list.h"
#include "crypto/certificate.h"
#include "crypto/certificate_details.h"
#include "crypto/certificate_path.h"

namespace slipway::image {
namespace {

using bootchain::EfiSignature;
using Kind = bootchain::SignatureMeaning::Kind;
using Chain = std::vector<crypto::Certificate>;

Result<std::vector<EfiSignature>> database(const std::vector<bootchain::StoredVariable>& variables,
                                           std::string_view name) {
  const bootchain::StoredVariable* variable = find_variable(variables, bootchain::kImageSecurityDatabase, name);
  if (variable == nullptr) return std::vector<EfiSignature>{};
  auto signatures = bootchain::read_signature_lists(variable->data);
  if (!signatures)
    return fail(ErrorCode::kMalformed,
                fmt::format("variable {} of the variable store: {}", name, signatures.error().message));
  return signatures;
}

// The certificates of a chain up to the first that cannot be read.
Chain read_chain(const std::vector<Bytes>& ders) {
  Chain chain;
  for (const Bytes& der : ders) {
    auto certificate = crypto::Certificate::from_der(der);
    if (!certificate) break;
    chain.push_back(*std::move(certificate));
  }
  return chain;
}

// Whether a path leads from the chain's signer to the certificate, as firmware looks for one: without regard of dates.
bool leads_to(const Chain& chain, const crypto::Certificate& authority) {
  return !chain.empty() && crypto::find_path(chain.front(), chain, {authority}, std::nullopt).has_value();
}

const EfiSignature* find_image(const std::vector<EfiSignature>& entries, const Bytes& sha256) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const EfiSignature& entry) {
    return to_string(entry.type) == bootchain::kSha256Signature && entry.data == sha256;
  });
  return found == entries.end() ? nullptr : &*found;
}

const EfiSignature* find_authority(const std::vector<EfiSignature>& entries, const Chain& chain) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const EfiSignature& entry) {
    if (to_string(entry.type) != bootchain::kX509Signature) return false;
    const auto authority = crypto::Certificate::from_der(entry.data);
    return authority && leads_to(chain, *authority);
  });
  return found == entries.end() ? nullptr : &*found;
}

const EfiSignature* find_tbs_digest(const std::vector<EfiSignature>& entries, const crypto::Certificate& certificate) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const EfiSignature& entry) {
    const bootchain::SignatureMeaning meaning = meaning_of(entry);
    return meaning.kind == Kind::kCertificateDigest &&
           crypto::tbs_digest(certificate, meaning.algorithm) == meaning.digest;
  });
  return found == entries.end() ? nullptr : &*found;
}

// The entry of dbx for which firmware starts no image with these signatures, or null.
const EfiSignature* find_forbidding(const std::vector<EfiSignature>& dbx, const Bytes& sha256,
                                    const std::vector<Chain>& chains) {
  for (const Chain& chain : chains) {
    if (const EfiSignature* entry = find_authority(dbx, chain)) return entry;
    if (chain.empty()) continue;
    if (const EfiSignature* entry = find_tbs_digest(dbx, chain.front())) return entry;
  }
  return find_image(dbx, sha256);
}

struct Admission {
  const EfiSignature* by = nullptr;
  const EfiSignature* revoked_by = nullptr;  // of a certificate that would vouch
};

// EDK II takes the image's signatures in their order, for each the certificates of db in theirs, of which the first
// that leads to the signer counts alone, and then the digests of db.
Admission find_admitting(const std::vector<EfiSignature>& db, const std::vector<EfiSignature>& dbx, const Bytes& sha256,
                         const std::vector<Chain>& chains) {
  Admission admission;
  for (const Chain& chain : chains) {
    if (const EfiSignature* entry = find_authority(db, chain)) {
      const auto certificate = crypto::Certificate::from_der(entry->data);
      const EfiSignature* revoked = certificate ? find_tbs_digest(dbx, *certificate) : nullptr;
      if (revoked == nullptr) return {entry, nullptr};
      if (admission.revoked_by == nullptr) admission.revoked_by = revoked;
    }
    if (const EfiSignature* entry = find_image(db, sha256)) return {entry, nullptr};
  }
  if (chains.empty()) admission.by = find_image(db, sha256);
  return admission;
}

tl::unexpected<Error> refuse(const BootFile& shim, const std::string& why) {
  return fail(ErrorCode::kPreconditionFailed,
              fmt::format("{} {} ({}), so firmware would refuse to start it; use a store with the keys of the image's "
                          "shim, or one without Secure Boot",
                          why, shim.path, shim.signers.empty() ? "not signed" : shim.signers.front()));
}

}  // namespace

Result<Bytes> entry_that_admits_shim(const Manifest& manifest,
                                     const std::vector<bootchain::StoredVariable>& variables) {
  const BootFile* shim = find_boot_file(manifest, BootFileRole::kShim);
  if (shim == nullptr) return fail(ErrorCode::kInvalidArgument, "the image's manifest names no shim");
  SLIPWAY_ASSIGN(const auto db, database(variables, "db"));
  SLIPWAY_ASSIGN(const auto dbx, database(variables, "dbx"));
  std::vector<Chain> chains;
  for (const std::vector<Bytes>& ders : manifest.shim_certificate_chains) chains.push_back(read_chain(ders));

  if (const EfiSignature* entry = find_forbidding(dbx, shim->authenticode_sha256, chains))
    return refuse(*shim, fmt::format("an entry of dbx in the variable store, {}, forbids", describe(*entry)));
  const Admission admission = find_admitting(db, dbx, shim->authenticode_sha256, chains);
  if (admission.by == nullptr && admission.revoked_by != nullptr)
    return refuse(*shim, fmt::format("an entry of dbx in the variable store, {}, revokes the certificate of db that "
                                     "vouches for",
                                     describe(*admission.revoked_by)));
  if (admission.by == nullptr) return refuse(*shim, "no entry of db in the variable store vouches for");
  Bytes event(admission.by->owner.bytes.begin(), admission.by->owner.bytes.end());
  event.insert(event.end(), admission.by->data.begin(), admission.by->data.end());
  return event;
}

}  // namespace slipway::image
