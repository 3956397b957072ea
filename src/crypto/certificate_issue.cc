#include <algorithm>

#include "crypto/certificate.h"
#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

using OwnedBasicConstraints = Owned<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;
using OwnedAuthorityKeyId = Owned<AUTHORITY_KEYID, AUTHORITY_KEYID_free>;
using OwnedGeneralNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using OwnedGeneralName = Owned<GENERAL_NAME, GENERAL_NAME_free>;
using OwnedKeyUses = Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
using OwnedName = Owned<X509_NAME, X509_NAME_free>;

constexpr int kDigitalSignature = 0;
constexpr int kKeyEncipherment = 2;
constexpr int kKeyCertSign = 5;
constexpr int kCrlSign = 6;
constexpr std::size_t kSerialSize = 16;
constexpr int kKeyIdSize = 20;
constexpr long kVersion3 = 2;

Status add_entry(X509_NAME* name, int nid, std::string_view text) {
  if (text.empty() || text.size() > 256 || text.find('\0') != std::string_view::npos ||
      X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, as_bytes(text).data(), static_cast<int>(text.size()), -1,
                                 0) != 1)
    return fail(ErrorCode::kInvalidArgument, "a certificate cannot carry the name \"" + std::string(text) +
                                                 "\"; names have 1 to 64 characters of valid UTF-8");
  return {};
}

Result<OwnedName> make_name(std::string_view common_name, const std::vector<std::string>& organizations) {
  OwnedName name(X509_NAME_new());
  require(name != nullptr, "making a name");
  for (const std::string& organization : organizations)
    SLIPWAY_TRY(add_entry(name.get(), NID_organizationName, organization));
  SLIPWAY_TRY(add_entry(name.get(), NID_commonName, common_name));
  return name;
}

void set_serial(X509* certificate, Random& random) {
  Bytes serial = random.bytes(kSerialSize);
  // RFC 5280 section 4.1.2.2: positive. The second bit keeps every number at 16 bytes.
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);
  const OwnedBignum number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  const OwnedInteger integer(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
  require(integer && X509_set_serialNumber(certificate, integer.get()) == 1, "setting a serial number");
}

OwnedTime make_time(Time time) {
  OwnedTime result(ASN1_TIME_set(nullptr, std::chrono::floor<seconds>(time).time_since_epoch().count()));
  require(result != nullptr, "setting a date");
  return result;
}

void add_extension(X509* certificate, int nid, void* value, bool critical) {
  require(X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1, "adding an extension");
}

void add_constraints(X509* certificate, bool authority) {
  const OwnedBasicConstraints constraints(BASIC_CONSTRAINTS_new());
  require(constraints != nullptr, "making basicConstraints");
  // The byte is written as it stands, and DER knows one way to say true; Go refuses any other.
  constraints->ca = authority ? 0xff : 0;
  if (authority) {
    constraints->pathlen = ASN1_INTEGER_new();
    require(constraints->pathlen && ASN1_INTEGER_set(constraints->pathlen, 0) == 1, "setting the path length");
  }
  add_extension(certificate, NID_basic_constraints, constraints.get(), true);
}

void add_uses(X509* certificate, CertificateUse use, bool rsa) {
  const OwnedBitString bits(ASN1_BIT_STRING_new());
  require(bits != nullptr, "making keyUsage");
  const auto set = [&](int bit) { require(ASN1_BIT_STRING_set_bit(bits.get(), bit, 1) == 1, "setting keyUsage"); };
  if (use == CertificateUse::kAuthority) {
    set(kKeyCertSign);
    set(kCrlSign);
  } else {
    set(kDigitalSignature);
    if (rsa) set(kKeyEncipherment);
  }
  add_extension(certificate, NID_key_usage, bits.get(), true);
  if (use == CertificateUse::kAuthority) return;

  const OwnedKeyUses uses(EXTENDED_KEY_USAGE_new());
  require(uses != nullptr, "making extendedKeyUsage");
  const auto push = [&](int nid) { require(sk_ASN1_OBJECT_push(uses.get(), OBJ_nid2obj(nid)) > 0, "adding a use"); };
  if (use != CertificateUse::kClient) push(NID_server_auth);
  if (use != CertificateUse::kServer) push(NID_client_auth);
  add_extension(certificate, NID_ext_key_usage, uses.get(), false);
}

// RFC 7093 method 1: the leftmost 160 bits of SHA-256 over the key's bits.
void add_subject_key_id(X509* certificate) {
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(certificate);
  const Bytes hash = sha256({ASN1_STRING_get0_data(bits), static_cast<std::size_t>(ASN1_STRING_length(bits))});
  const OwnedOctetString id(ASN1_OCTET_STRING_new());
  require(id && ASN1_OCTET_STRING_set(id.get(), hash.data(), kKeyIdSize) == 1, "making subjectKeyIdentifier");
  add_extension(certificate, NID_subject_key_identifier, id.get(), false);
}

void add_authority_key_id(X509* certificate, X509* issuer) {
  const ASN1_OCTET_STRING* issuer_id = X509_get0_subject_key_id(issuer);
  if (issuer_id == nullptr) return;
  const OwnedAuthorityKeyId id(AUTHORITY_KEYID_new());
  require(id != nullptr, "making authorityKeyIdentifier");
  id->keyid = ASN1_OCTET_STRING_dup(issuer_id);
  require(id->keyid != nullptr, "making authorityKeyIdentifier");
  add_extension(certificate, NID_authority_key_identifier, id.get(), false);
}

bool is_dns_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '*' || c == '_';
  };
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), allowed);
}

void push_name(GENERAL_NAMES* names, int type, OwnedOctetString value) {
  OwnedGeneralName name(GENERAL_NAME_new());
  require(name != nullptr, "making a subject alternative name");
  GENERAL_NAME_set0_value(name.get(), type, value.release());
  require(sk_GENERAL_NAME_push(names, name.get()) > 0, "adding a subject alternative name");
  static_cast<void>(name.release());
}

Status add_alternative_names(X509* certificate, const CertificateTemplate& content) {
  if (content.dns_names.empty() && content.ip_addresses.empty()) return {};
  const OwnedGeneralNames names(GENERAL_NAMES_new());
  require(names != nullptr, "making subjectAltName");
  for (const std::string& dns : content.dns_names) {
    if (!is_dns_name(dns))
      return fail(ErrorCode::kInvalidArgument, "\"" + dns + "\" is no DNS name that a certificate can carry");
    OwnedOctetString text(ASN1_IA5STRING_new());
    require(text && ASN1_STRING_set(text.get(), dns.data(), static_cast<int>(dns.size())) == 1, "making a DNS name");
    push_name(names.get(), GEN_DNS, std::move(text));
  }
  for (const std::string& address : content.ip_addresses) {
    OwnedOctetString octets(a2i_IPADDRESS(address.c_str()));
    if (!octets) return fail(ErrorCode::kInvalidArgument, "\"" + address + "\" is no IPv4 or IPv6 address");
    push_name(names.get(), GEN_IPADD, std::move(octets));
  }
  add_extension(certificate, NID_subject_alt_name, names.get(), false);
  return {};
}

// `issuer` is null for a certificate that signs itself.
Result<Certificate> make_certificate(const CertificateTemplate& content, const PublicKey& subject_key, X509* issuer,
                                     const PrivateKey& issuer_key, Random& random) {
  const ErrorScope errors;
  if (content.not_after <= content.not_before)
    return fail(ErrorCode::kInvalidArgument, "the certificate for " + content.common_name + " would end on " +
                                                 to_rfc3339(content.not_after) + ", before it starts");
  OwnedCertificate certificate(X509_new());
  require(certificate && X509_set_version(certificate.get(), kVersion3) == 1, "making a certificate");
  set_serial(certificate.get(), random);
  SLIPWAY_ASSIGN(const auto name, make_name(content.common_name, content.organizations));
  require(X509_set_subject_name(certificate.get(), name.get()) == 1 &&
              X509_set_issuer_name(certificate.get(), issuer ? X509_get_subject_name(issuer) : name.get()) == 1 &&
              X509_set1_notBefore(certificate.get(), make_time(content.not_before).get()) == 1 &&
              X509_set1_notAfter(certificate.get(), make_time(content.not_after).get()) == 1 &&
              X509_set_pubkey(certificate.get(), subject_key.get()) == 1,
          "filling a certificate");
  add_constraints(certificate.get(), content.use == CertificateUse::kAuthority);
  add_uses(certificate.get(), content.use, subject_key.is_rsa());
  add_subject_key_id(certificate.get());
  add_authority_key_id(certificate.get(), issuer ? issuer : certificate.get());
  SLIPWAY_TRY(add_alternative_names(certificate.get(), content));
  require(X509_sign(certificate.get(), issuer_key.get(), message_digest(HashAlgorithm::kSha256)) > 0,
          "signing a certificate");
  // OpenSSL caches what it read of a certificate while this one was still growing: start from its bytes.
  return Certificate::from_der(der_of(certificate.get(), i2d_X509));
}

}  // namespace

Result<Identity> make_authority(std::string_view common_name, Time not_before, Time not_after, Random& random) {
  PrivateKey key = PrivateKey::generate_p256();
  CertificateTemplate content;
  content.common_name = common_name;
  content.use = CertificateUse::kAuthority;
  content.not_before = not_before;
  content.not_after = not_after;
  SLIPWAY_ASSIGN(auto certificate, make_certificate(content, key.public_key(), nullptr, key, random));
  return Identity{std::move(certificate), std::move(key)};
}

Result<Certificate> issue_certificate(const Identity& authority, const CertificateTemplate& content,
                                      const PublicKey& subject_key, Random& random) {
  if (content.use == CertificateUse::kAuthority)
    return fail(ErrorCode::kInvalidArgument, "an authority here has path length 0 and issues no other one; make " +
                                                 content.common_name + " with make_authority");
  return make_certificate(content, subject_key, authority.certificate.get(), authority.key, random);
}

Result<Identity> issue_identity(const Identity& authority, const CertificateTemplate& content, Random& random) {
  PrivateKey key = PrivateKey::generate_p256();
  SLIPWAY_ASSIGN(auto certificate, issue_certificate(authority, content, key.public_key(), random));
  return Identity{std::move(certificate), std::move(key)};
}

Result<Bytes> make_certificate_request(const PrivateKey& key, std::string_view common_name) {
  const ErrorScope errors;
  const OwnedRequest request(X509_REQ_new());
  SLIPWAY_ASSIGN(const auto name, make_name(common_name, {}));
  require(request && X509_REQ_set_version(request.get(), 0) == 1 &&
              X509_REQ_set_subject_name(request.get(), name.get()) == 1 &&
              X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
              X509_REQ_sign(request.get(), key.get(), message_digest(HashAlgorithm::kSha256)) > 0,
          "making a certificate request");
  return der_of(request.get(), i2d_X509_REQ);
}

Result<PublicKey> verify_certificate_request(ByteView der) {
  constexpr std::size_t kMaxRequest = 16 * 1024;
  const ErrorScope errors;
  if (der.size() > kMaxRequest)
    return fail(ErrorCode::kMalformed, "the certificate request is over 16 KiB: " + std::to_string(der.size()));
  const std::uint8_t* at = der.data();
  const OwnedRequest request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  if (!request) return fail(ErrorCode::kMalformed, "not a PKCS#10 request: " + last_openssl_error());
  if (at != der.data() + der.size()) return fail(ErrorCode::kMalformed, "bytes follow the certificate request");
  OwnedKey key(X509_REQ_get_pubkey(request.get()));
  if (!key) return fail(ErrorCode::kMalformed, "the request's public key cannot be read: " + last_openssl_error());
  SLIPWAY_ASSIGN(auto admitted, admit_public_key(std::move(key)));
  if (X509_REQ_verify(request.get(), admitted.get()) != 1)
    return fail(ErrorCode::kUnauthenticated,
                "the certificate request is not signed by the key that it names; make it anew with that key");
  return admitted;
}

}  // namespace slipway::crypto
