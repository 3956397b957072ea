#include "attestation/revocation_rules.h"

#include <fmt/format.h>

#include <algorithm>

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

void judge_revocations(const EventsByPcr& events, const Revocations& revocations, std::vector<Component>& components,
                       std::vector<Finding>& findings) {
  if (!revocations.image_sha256.empty()) judge_images(events, revocations, components, findings);
  if (!revocations.certificates.empty() || !revocations.certificate_sha256.empty())
    judge_authorities(events, revocations, findings);
}

}  // namespace slipway::attestation
