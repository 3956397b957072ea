#include "crypto/certificate_details.h"

#include <algorithm>

#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

constexpr std::size_t kMaximumPem = 1 << 20;
constexpr std::size_t kMaximumCertificates = 64;
constexpr int kNoExtension = -1;

using OwnedBasicConstraints = Owned<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;
using OwnedKeyUses = Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
using OwnedGeneralNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;

// The extension, decoded; null where the certificate has none.
template <typename Owner>
Result<Owner> extension(const Certificate& certificate, int nid) {
  int critical = 0;
  Owner value(static_cast<typename Owner::pointer>(X509_get_ext_d2i(certificate.get(), nid, &critical, nullptr)));
  if (!value && critical != kNoExtension)
    return fail(ErrorCode::kMalformed, std::string("the certificate's extension ") + OBJ_nid2sn(nid) +
                                           " cannot be read or stands there twice");
  return value;
}

Status read_key_usage(const Certificate& certificate, CertificateDetails& details) {
  SLIPWAY_ASSIGN(const auto bits, extension<OwnedBitString>(certificate, NID_key_usage));
  if (!bits) return {};
  const auto has = [&](int bit) { return ASN1_BIT_STRING_get_bit(bits.get(), bit) == 1; };
  details.has_key_usage = true;
  details.digital_signature = has(0);
  details.key_encipherment = has(2);
  details.key_agreement = has(4);
  details.key_cert_sign = has(5);
  return {};
}

Status read_extended_key_uses(const Certificate& certificate, CertificateDetails& details) {
  SLIPWAY_ASSIGN(const auto uses, extension<OwnedKeyUses>(certificate, NID_ext_key_usage));
  for (int i = 0; uses && i < sk_ASN1_OBJECT_num(uses.get()); ++i)
    details.extended_key_uses.push_back(dotted(sk_ASN1_OBJECT_value(uses.get(), i)));
  return {};
}

Status read_alternative_names(const Certificate& certificate, CertificateDetails& details) {
  SLIPWAY_ASSIGN(const auto names, extension<OwnedGeneralNames>(certificate, NID_subject_alt_name));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DIRNAME) continue;
    for (int j = 0; j < X509_NAME_entry_count(name->d.directoryName); ++j) {
      const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name->d.directoryName, j);
      std::uint8_t* text = nullptr;
      const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
      const OwnedMemory memory(text);
      if (size >= 0)
        details.alternative_names.emplace_back(dotted(X509_NAME_ENTRY_get_object(entry)),
                                               std::string(text, text + size));
    }
  }
  return {};
}

}  // namespace

Result<CertificateDetails> details_of(const Certificate& certificate) {
  const ErrorScope errors;
  CertificateDetails details;
  details.version = static_cast<int>(X509_get_version(certificate.get())) + 1;
  details.serial = hexadecimal(X509_get0_serialNumber(certificate.get()));
  SLIPWAY_ASSIGN(const auto constraints, extension<OwnedBasicConstraints>(certificate, NID_basic_constraints));
  details.authority = constraints && constraints->ca != 0;
  SLIPWAY_TRY(read_key_usage(certificate, details));
  SLIPWAY_TRY(read_extended_key_uses(certificate, details));
  SLIPWAY_TRY(read_alternative_names(certificate, details));
  SLIPWAY_ASSIGN(const auto id, extension<OwnedOctetString>(certificate, NID_subject_key_identifier));
  if (id) {
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(id.get()));
    details.subject_key_id = to_bytes(ByteView(ASN1_STRING_get0_data(id.get()), size));
  }
  return details;
}

Bytes tbs_digest(const Certificate& certificate, HashAlgorithm algorithm) {
  // Certificate ::= SEQUENCE { tbsCertificate, ... }: the first element inside the outer one.
  const Bytes der = certificate.der();
  const std::uint8_t* at = der.data();
  long size = 0;
  int tag = 0, tag_class = 0;
  require((ASN1_get_object(&at, &size, &tag, &tag_class, static_cast<long>(der.size())) & 0x80) == 0,
          "reading a certificate");
  const std::uint8_t* const begin = at;
  require((ASN1_get_object(&at, &size, &tag, &tag_class, size) & 0x80) == 0, "reading a certificate");
  return digest(algorithm, {begin, static_cast<std::size_t>(at - begin + size)});
}

Bytes subject_public_key_info(const Certificate& certificate) {
  return der_of(X509_get_X509_PUBKEY(certificate.get()), i2d_X509_PUBKEY);
}

Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem) {
  if (pem.size() > kMaximumPem) return fail(ErrorCode::kMalformed, "at offset 1048576: a PEM text is over 1 MiB");
  constexpr std::string_view kBegin = "-----BEGIN ";
  std::vector<Certificate> certificates;
  for (std::size_t at = pem.find(kBegin); at != std::string_view::npos;) {
    const std::size_t next = pem.find(kBegin, at + kBegin.size());
    auto certificate = Certificate::from_pem(pem.substr(at, next - at));
    if (!certificate)
      return fail(ErrorCode::kMalformed,
                  "at offset " + std::to_string(at) + ": expected a certificate: " + certificate.error().message);
    if (certificates.size() == kMaximumCertificates)
      return fail(ErrorCode::kMalformed,
                  "at offset " + std::to_string(at) + ": expected the end, for 64 certificates are the most");
    certificates.push_back(*std::move(certificate));
    at = next;
  }
  if (certificates.empty()) return fail(ErrorCode::kMalformed, "at offset 0: expected a PEM certificate");
  return certificates;
}

}  // namespace slipway::crypto
