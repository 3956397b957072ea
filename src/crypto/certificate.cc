#include "crypto/certificate.h"

#include <ctime>

#include "crypto/der_elements.h"
#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

constexpr std::size_t kMaxCertificate = 64 * 1024;
constexpr std::size_t kMaxCertificatePem = 128 * 1024;

Result<Time> to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return fail(ErrorCode::kMalformed, "the certificate has a date that is none");
  const std::chrono::year_month_day day{std::chrono::year(parts.tm_year + 1900),
                                        std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                        std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return Time(std::chrono::sys_days(day)) + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         seconds(parts.tm_sec);
}

std::vector<std::string> entries(const X509_NAME* name, int nid) {
  std::vector<std::string> found;
  for (int at = X509_NAME_get_index_by_NID(name, nid, -1); at >= 0; at = X509_NAME_get_index_by_NID(name, nid, at)) {
    std::uint8_t* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    const OwnedMemory memory(text);
    if (size >= 0) found.emplace_back(text, text + size);
  }
  return found;
}

Result<Certificate> admit(OwnedCertificate certificate) {
  SLIPWAY_TRY(to_time(X509_get0_notBefore(certificate.get())));
  SLIPWAY_TRY(to_time(X509_get0_notAfter(certificate.get())));
  return Certificate(std::shared_ptr<X509>(certificate.release(), X509_free));
}

}  // namespace

Result<Certificate> Certificate::from_der(ByteView der) {
  const ErrorScope errors;
  if (der.size() > kMaxCertificate)
    return fail(ErrorCode::kMalformed, "the certificate is " + std::to_string(der.size()) + " bytes long, over 64 KiB");
  if (!has_few_elements(der)) return fail(ErrorCode::kMalformed, "the certificate has more than 4096 elements of DER");
  const std::uint8_t* at = der.data();
  OwnedCertificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate) return fail(ErrorCode::kMalformed, "not an X.509 certificate: " + last_openssl_error());
  if (at != der.data() + der.size()) return fail(ErrorCode::kMalformed, "bytes follow the certificate");
  return admit(std::move(certificate));
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  const ErrorScope errors;
  if (pem.size() > kMaxCertificatePem) return fail(ErrorCode::kMalformed, "the certificate's PEM is over 128 KiB");
  constexpr std::string_view kBegin = "-----BEGIN ";
  const std::size_t first = pem.find(kBegin);
  if (first != std::string_view::npos && pem.find(kBegin, first + kBegin.size()) != std::string_view::npos)
    return fail(ErrorCode::kMalformed, "the PEM text holds more than one thing; give one certificate");
  OwnedCertificate certificate(PEM_read_bio_X509(bio_over(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) return fail(ErrorCode::kMalformed, "not a PEM certificate: " + last_openssl_error());
  return admit(std::move(certificate));
}

Bytes Certificate::der() const { return der_of(certificate_.get(), i2d_X509); }

std::string Certificate::pem() const {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  require(out && PEM_write_bio_X509(out.get(), certificate_.get()) == 1, "writing a certificate");
  return text_of(out.get());
}

Result<PublicKey> Certificate::public_key() const {
  const ErrorScope errors;
  OwnedKey key(X509_get_pubkey(certificate_.get()));
  if (!key) return fail(ErrorCode::kMalformed, "the certificate's public key cannot be read: " + last_openssl_error());
  return admit_public_key(std::move(key));
}

std::string Certificate::common_name() const {
  const auto names = entries(X509_get_subject_name(certificate_.get()), NID_commonName);
  return names.empty() ? std::string() : names.back();
}

std::vector<std::string> Certificate::organizations() const {
  return entries(X509_get_subject_name(certificate_.get()), NID_organizationName);
}

std::string Certificate::subject() const { return one_line(X509_get_subject_name(certificate_.get())); }
std::string Certificate::issuer() const { return one_line(X509_get_issuer_name(certificate_.get())); }
Time Certificate::not_before() const { return to_time(X509_get0_notBefore(certificate_.get())).value_or(Time{}); }
Time Certificate::not_after() const { return to_time(X509_get0_notAfter(certificate_.get())).value_or(Time{}); }

bool Certificate::signed_by(const PublicKey& issuer_key) const {
  const ErrorScope errors;
  return X509_verify(certificate_.get(), issuer_key.get()) == 1;
}

bool Certificate::self_signed() const {
  const ErrorScope errors;
  const X509* certificate = certificate_.get();
  if (X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) != 0) return false;
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  return key != nullptr && X509_verify(certificate_.get(), key) == 1;
}

}  // namespace slipway::crypto
