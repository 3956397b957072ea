#include "attestation/revocation_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "attestation/log_event.h"
#include "base/byte_reader.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"
#include "bootchain/signature_list.h"
#include "crypto/certificate.h"
#include "crypto/certificate_details.h"
#include "crypto/digest.h"

namespace slipway::attestation {
namespace {

using bootchain::UnverifiedEvent;

constexpr std::size_t kMaximumDbx = 1U << 20;
constexpr std::size_t kOwnerSize = 16;
constexpr std::size_t kSha256Size = 32;
// An SHA-256 digest and the EFI_TIME from which on signatures are refused.
constexpr std::size_t kDigestAndTimeSize = 48;
constexpr std::string_view kX509Sha256Signature = "3bd2a492-96c0-4079-b420-fcf98ef103ed";
// EFI_TIME and WIN_CERTIFICATE in front of an authenticated variable's value.
constexpr std::size_t kTimeSize = 16;
constexpr std::size_t kCertificateHeaderSize = 8;
constexpr std::uint16_t kCertificateRevision = 0x0200, kGuidCertificate = 0x0ef1;

// The value behind EFI_VARIABLE_AUTHENTICATION_2, where there is one.
ByteView without_authentication(ByteView file) {
  if (file.size() < kTimeSize + kCertificateHeaderSize) return file;
  ByteReader reader(file.subspan(kTimeSize));
  const auto length = reader.u32_le("length");
  const auto revision = reader.u16_le("revision");
  const auto type = reader.u16_le("type");
  if (!length || !revision || !type || *revision != kCertificateRevision || *type != kGuidCertificate) return file;
  if (*length < kCertificateHeaderSize || *length > file.size() - kTimeSize) return file;
  return file.subspan(kTimeSize + *length);
}

std::string_view component_of(const std::vector<Component>& components, std::string_view measurement) {
  for (const Component& component : components)
    if (component.measurement == measurement) return component.path.empty() ? component.name : component.path;
  return {};
}

Finding revoked(std::string rule, const UnverifiedEvent& event, std::string component, std::string found,
                std::string message) {
  Finding finding;
  finding.rule = std::move(rule);
  finding.pcr = static_cast<int>(event.pcr);
  finding.event = event.index;
  finding.component = std::move(component);
  finding.expected = "nothing that is revoked";
  finding.found = std::move(found);
  finding.message = std::move(message);
  finding.remedy = "Build an image with a newer version of this component, and upgrade the pool to it.";
  return finding;
}

void judge_images(const EventsByPcr& events, const Revocations& revocations, std::vector<Component>& components,
                  std::vector<Finding>& findings) {
  std::vector<Bytes> named;
  for (const UnverifiedEvent* event : events[4]) {
    const Bytes digest = sha256_of(*event);
    if (!std::binary_search(revocations.image_sha256.begin(), revocations.image_sha256.end(), digest)) continue;
    if (std::find(named.begin(), named.end(), digest) != named.end()) continue;
    named.push_back(digest);
    const std::string hex = to_hex(digest);
    const std::string_view known = component_of(components, hex);
    Finding finding =
        revoked("revoked.image", *event, known.empty() ? describe_event(*event) : std::string(known), hex, "");
    for (Component& component : components) {
      if (component.measurement != hex) continue;
      component.matches = false;
      finding.package = component.package;
      finding.signer = component.signer;
    }
    finding.message = fmt::format("{} ran, and its digest stands in the revocations", finding.component);
    findings.push_back(std::move(finding));
  }
}

// The certificate that an authority event carries: behind its owner in an EFI_SIGNATURE_DATA, or by itself (shim's).
std::optional<crypto::Certificate> certificate_in(const bootchain::EfiVariable& authority) {
  const ByteView value(authority.value);
  if (value.size() > kOwnerSize)
    if (auto certificate = crypto::Certificate::from_der(value.subspan(kOwnerSize))) return *std::move(certificate);
  if (auto certificate = crypto::Certificate::from_der(value)) return *std::move(certificate);
  return std::nullopt;
}

bool is_revoked(const crypto::Certificate& certificate, const Revocations& revocations) {
  const Bytes der = certificate.der();
  const auto holds = [](const std::vector<Bytes>& list, const Bytes& entry) {
    return std::find(list.begin(), list.end(), entry) != list.end();
  };
  return holds(revocations.certificates, der) ||
         (!revocations.certificate_sha256.empty() &&
          holds(revocations.certificate_sha256, tbs_digest(certificate, crypto::HashAlgorithm::kSha256)));
}

void judge_authorities(const EventsByPcr& events, const Revocations& revocations, std::vector<Finding>& findings) {
  for (const UnverifiedEvent* event : events[7]) {
    if (event->type != bootchain::kEvEfiVariableAuthority) continue;
    const auto variable = bootchain::decode_variable_data(event->data);
    const auto certificate = variable ? certificate_in(*variable) : std::nullopt;
    if (!certificate || !is_revoked(*certificate, revocations)) continue;
    // db's certificate let firmware run shim; MokListRT is shim's word for what it ran.
    const std::string vouched = variable->name == "db" ? "shim" : "what shim started";
    findings.push_back(revoked("revoked.certificate", *event, certificate->subject(), certificate->subject(),
                               fmt::format("{} vouched for {} (variable {}), and it is revoked", certificate->subject(),
                                           vouched, variable->name)));
    findings.back().signer = certificate->subject();
  }
}

// The revoked certificates by name, for what they issued. Signatures are checked so often at most: of hostile lists, in
// which thousands bear one name, all others count by their name.
class RevokedIssuers {
 public:
  explicit RevokedIssuers(const Revocations& revocations) {
    for (const Bytes& der : revocations.certificates)
      if (const auto certificate = crypto::Certificate::from_der(der))
        by_subject_.emplace(certificate->subject(), *certificate);
  }
  bool has(const std::string& subject) const { return !subject.empty() && by_subject_.count(subject) != 0; }
  bool issued(const crypto::Certificate& certificate) {
    const auto [begin, end] = by_subject_.equal_range(certificate.issuer());
    return std::any_of(begin, end, [&](const auto& named) {
      const auto key = named.second.public_key();
      // A kind of key that is not known here cannot be told from the right one.
      return !key || checks_left_-- <= 0 || certificate.signed_by(*key);
    });
  }

 private:
  std::multimap<std::string, crypto::Certificate> by_subject_;
  int checks_left_ = 64;
};

// The subject of the certificate that is revoked, or whose issuer is; empty where the chain has none.
std::string revoked_in(const std::vector<Bytes>& chain, const Revocations& revocations, RevokedIssuers& issuers) {
  for (const Bytes& der : chain) {
    const auto certificate = crypto::Certificate::from_der(der);
    if (!certificate) continue;
    if (is_revoked(*certificate, revocations)) return certificate->subject();
    if (issuers.issued(*certificate)) return certificate->issuer();
  }
  return {};
}

// Firmware and shim refuse an image if any of its signatures leads to a revoked certificate.
std::string revoked_signer_of(const image::PredictedEvent& predicted, const image::Prediction& prediction,
                              const Revocations& revocations, RevokedIssuers& issuers) {
  const auto file =
      std::find_if(prediction.signed_files.begin(), prediction.signed_files.end(),
                   [&](const image::SignedFile& signed_file) { return signed_file.component == predicted.component; });
  if (file == prediction.signed_files.end()) return issuers.has(predicted.signer) ? predicted.signer : std::string();
  for (const std::vector<Bytes>& chain : file->certificate_chains)
    if (std::string subject = revoked_in(chain, revocations, issuers); !subject.empty()) return subject;
  return {};
}

void judge_signers(const EventsByPcr& events, const PreparedPrediction& prediction, const Revocations& revocations,
                   std::vector<Component>& components, std::vector<Finding>& findings) {
  RevokedIssuers issuers(revocations);
  std::vector<std::string_view> judged;  // the kernel stands twice in PCR 4
  for (const image::PredictedEvent* predicted : prediction.by_pcr[4]) {
    if (predicted->type != bootchain::kEvEfiBootServicesApplication) continue;
    if (std::find(judged.begin(), judged.end(), predicted->component) != judged.end()) continue;
    const auto ran = std::find_if(events[4].begin(), events[4].end(), [&](const UnverifiedEvent* event) {
      return event->type == predicted->type && sha256_of(*event) == predicted->sha256;
    });
    if (ran == events[4].end()) continue;
    judged.push_back(predicted->component);
    const std::string subject = revoked_signer_of(*predicted, *prediction.prediction, revocations, issuers);
    if (subject.empty()) continue;
    Finding finding =
        revoked("revoked.certificate", **ran, predicted->component, subject,
                fmt::format("{} ran, its signature leads to {}, and that is revoked", predicted->component, subject));
    finding.package = predicted->package;
    finding.signer = predicted->signer;
    for (Component& component : components)
      if (component.path == predicted->component) component.matches = false;
    findings.push_back(std::move(finding));
  }
}

}  // namespace

Result<Revocations> revocations_from_dbx(ByteView dbx) {
  if (dbx.size() > kMaximumDbx) return fail(ErrorCode::kMalformed, "a list of revocations has at most 1 MiB");
  const ByteView lists = without_authentication(dbx);
  const std::size_t start = dbx.size() - lists.size();
  // Nothing is revoked by a download that failed.
  if (lists.empty())
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected an EFI signature list, but there is none", start));
  SLIPWAY_ASSIGN(const auto signatures, bootchain::read_signature_lists(lists, start));
  Revocations revocations;
  for (const bootchain::EfiSignature& signature : signatures) {
    const std::string type = to_string(signature.type);
    if (type == bootchain::kSha256Signature && signature.data.size() == kSha256Size) {
      revocations.image_sha256.push_back(signature.data);
    } else if (type == bootchain::kX509Signature) {
      revocations.certificates.push_back(signature.data);
    } else if (type == kX509Sha256Signature && signature.data.size() == kDigestAndTimeSize) {
      revocations.certificate_sha256.emplace_back(signature.data.begin(), signature.data.begin() + kSha256Size);
    } else {
      return fail(ErrorCode::kMalformed,
                  fmt::format("at byte {} and after: a revocation of the type {} with {} bytes; SHA-256 digests, "
                              "certificates and their SHA-256 digests are known",
                              start, type, signature.data.size()));
    }
  }
  std::sort(revocations.image_sha256.begin(), revocations.image_sha256.end());
  return revocations;
}

void judge_revocations(const EventsByPcr& events, const PreparedPrediction& prediction, const Revocations& revocations,
                       std::vector<Component>& components, std::vector<Finding>& findings) {
  if (!revocations.image_sha256.empty()) judge_images(events, revocations, components, findings);
  if (revocations.certificates.empty() && revocations.certificate_sha256.empty()) return;
  judge_authorities(events, revocations, findings);
  judge_signers(events, prediction, revocations, components, findings);
}

}  // namespace slipway::attestation
