#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "crypto/key.h"

struct x509_st;

namespace slipway::crypto {

// An X.509 v3 certificate (RFC 5280). Immutable, cheap to copy.
class Certificate {
 public:
  // Exactly one certificate, at most 64 KiB; trailing bytes are kMalformed.
  static Result<Certificate> from_der(ByteView der);
  static Result<Certificate> from_pem(std::string_view pem);

  Bytes der() const;
  std::string pem() const;
  Result<PublicKey> public_key() const;
  // The subject's common name and organisations; empty where it has none.
  std::string common_name() const;
  std::vector<std::string> organizations() const;
  // One line, RFC 2253 style, for people: "CN=Debian Secure Boot Signer 2022 - shim".
  std::string subject() const;
  std::string issuer() const;
  Time not_before() const;
  Time not_after() const;
  // True if `issuer_key` signed it. Says nothing of dates, names or uses.
  bool signed_by(const PublicKey& issuer_key) const;
  // True if it names itself as its issuer and its own key signed it, of whatever kind that is: makers' roots have keys
  // that PublicKey does not take.
  bool self_signed() const;

  x509_st* get() const { return certificate_.get(); }
  explicit Certificate(std::shared_ptr<x509_st> certificate) : certificate_(std::move(certificate)) {}

 private:
  std::shared_ptr<x509_st> certificate_;
};

enum class CertificateUse { kAuthority, kClient, kServer, kClientAndServer };

// What a certificate is to say. The issuer writes all of it; nothing is taken from a request.
struct CertificateTemplate {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  CertificateUse use = CertificateUse::kClient;
  Time not_before;
  Time not_after;
};

// A certificate with its private key: an authority or an end entity.
struct Identity {
  Certificate certificate;
  PrivateKey key;
};

// A self-signed authority (P-256, path length 0), its serial number from `random`.
Result<Identity> make_authority(std::string_view common_name, Time not_before, Time not_after, Random& random);
// Signs `subject_key` into a certificate as the template says; 16 random bytes of serial number.
Result<Certificate> issue_certificate(const Identity& authority, const CertificateTemplate& content,
                                      const PublicKey& subject_key, Random& random);
// The same with a fresh P-256 key.
Result<Identity> issue_identity(const Identity& authority, const CertificateTemplate& content, Random& random);

// A PKCS#10 request (RFC 2986) for the key, with a subject that only people read.
Result<Bytes> make_certificate_request(const PrivateKey& key, std::string_view common_name);
// Parses a DER request of at most 16 KiB, checks its self-signature, and gives its key: RSA of 2048 bits or more, or
// P-256. The subject, names and attributes of the request are ignored by design (docs/formats/enrolment.md).
Result<PublicKey> verify_certificate_request(ByteView der);

}  // namespace slipway::crypto
