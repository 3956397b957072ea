#pragma once

#include <gtest/gtest.h>
#include <openssl/cms.h>
#include <openssl/conf.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>

#include <string>
#include <utility>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/openssl.h"

// Certificates and signatures of any shape, good and bad ones: what tests hold against the checks.
namespace slipway::crypto::testing {

struct CertificateShape {
  std::string common_name;
  // As in openssl.cnf: {"basicConstraints", "critical,CA:TRUE"}.
  std::vector<std::pair<std::string, std::string>> extensions;
  // Sections that extensions refer to with "@".
  std::string sections;
  Time not_before = Time(std::chrono::sys_days(std::chrono::year(2020) / 1 / 1));
  Time not_after = Time(std::chrono::sys_days(std::chrono::year(2040) / 1 / 1));
  long serial = 1;
};

inline CertificateShape authority_shape(std::string common_name) {
  return {std::move(common_name), {{"basicConstraints", "critical,CA:TRUE"}}, {}};
}

// Names for the attributes that TPM makers put into certificates (TCG EK Credential Profile): openssl.cnf cannot spell
// dotted ones in a directory name.
inline void name_tpm_attributes() {
  static const bool named = [] {
    OBJ_create("2.23.133.2.1", "tpmManufacturer", "TPM manufacturer");
    OBJ_create("2.23.133.2.2", "tpmModel", "TPM model");
    OBJ_create("2.23.133.2.3", "tpmVersion", "TPM version");
    return true;
  }();
  static_cast<void>(named);
}

using OwnedConfiguration = Owned<CONF, NCONF_free>;
using OwnedExtension = Owned<X509_EXTENSION, X509_EXTENSION_free>;

// Signed by the issuer, or by itself if there is none.
inline Identity make_identity(const CertificateShape& shape, const Identity* issuer = nullptr,
                              PrivateKey key = PrivateKey::generate_p256()) {
  name_tpm_attributes();
  OwnedCertificate certificate(X509_new());
  X509* x509 = certificate.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), shape.serial);
  const auto date = [](Time time) { return std::chrono::floor<seconds>(time).time_since_epoch().count(); };
  X509_set1_notBefore(x509, OwnedTime(ASN1_TIME_set(nullptr, date(shape.not_before))).get());
  X509_set1_notAfter(x509, OwnedTime(ASN1_TIME_set(nullptr, date(shape.not_after))).get());
  X509_NAME* name = X509_get_subject_name(x509);
  if (!shape.common_name.empty())
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, as_bytes(shape.common_name).data(), -1, -1, 0);
  X509_set_issuer_name(x509, issuer == nullptr ? name : X509_get_subject_name(issuer->certificate.get()));
  X509_set_pubkey(x509, key.public_key().get());

  const OwnedConfiguration configuration(NCONF_new(nullptr));
  long line = 0;
  EXPECT_EQ(NCONF_load_bio(configuration.get(), bio_over(shape.sections).get(), &line), 1) << line;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer == nullptr ? x509 : issuer->certificate.get(), x509, nullptr, nullptr, 0);
  X509V3_set_nconf(&context, configuration.get());
  for (const auto& [extension, value] : shape.extensions) {
    const OwnedExtension made(X509V3_EXT_nconf(configuration.get(), &context, extension.c_str(), value.c_str()));
    EXPECT_NE(made, nullptr) << extension << " " << value;
    X509_add_ext(x509, made.get(), -1);
  }
  EXPECT_GT(X509_sign(x509, issuer == nullptr ? key.get() : issuer->key.get(), EVP_sha256()), 0);
  return {Certificate(std::shared_ptr<X509>(certificate.release(), X509_free)), std::move(key)};
}

struct SignatureShape {
  std::string content_type = "1.3.6.1.4.1.311.2.1.4";
  Bytes content;              // the value, without tag and length
  bool octet_string = false;  // else a SEQUENCE
  HashAlgorithm algorithm = HashAlgorithm::kSha256;
  std::vector<Certificate> more_certificates;
  bool with_certificate = true;
};

using OwnedObject = Owned<ASN1_OBJECT, ASN1_OBJECT_free>;
using OwnedPkcs7 = Owned<PKCS7, PKCS7_free>;

inline ASN1_TYPE* any(int type, ByteView value) {
  ASN1_STRING* string = ASN1_STRING_type_new(type);
  ASN1_STRING_set(string, value.data(), static_cast<int>(value.size()));
  ASN1_TYPE* result = ASN1_TYPE_new();
  ASN1_TYPE_set(result, type, string);
  return result;
}

inline Bytes der_element(std::uint8_t tag, ByteView value) {
  Bytes out{tag};
  if (value.size() >= 0x80) {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(value.size() >> 8));
  }
  out.push_back(static_cast<std::uint8_t>(value.size()));
  // Byte by byte: g++ 12 warns of an insert here, without a reason.
  for (const std::uint8_t byte : value) out.push_back(byte);
  return out;
}

inline OwnedPkcs7 make_pkcs7(const SignatureShape& shape, const std::vector<Identity>& signers) {
  OwnedPkcs7 pkcs7(PKCS7_new());
  PKCS7_set_type(pkcs7.get(), NID_pkcs7_signed);
  for (const Identity& signer : signers) {
    const int flags = PKCS7_BINARY | PKCS7_NOSMIMECAP | (shape.with_certificate ? 0 : PKCS7_NOCERTS);
    PKCS7_SIGNER_INFO* info = PKCS7_sign_add_signer(pkcs7.get(), signer.certificate.get(), signer.key.get(),
                                                    message_digest(shape.algorithm), flags);
    EXPECT_NE(info, nullptr);
    PKCS7_add_signed_attribute(info, NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_txt2obj(shape.content_type.c_str(), 1));
  }
  for (const Certificate& certificate : shape.more_certificates) PKCS7_add_certificate(pkcs7.get(), certificate.get());
  PKCS7_content_new(pkcs7.get(), NID_pkcs7_data);
  const OwnedBio data(PKCS7_dataInit(pkcs7.get(), nullptr));
  BIO_write(data.get(), shape.content.data(), static_cast<int>(shape.content.size()));
  EXPECT_EQ(PKCS7_dataFinal(pkcs7.get(), data.get()), 1) << last_openssl_error();

  PKCS7* contents = PKCS7_new();
  contents->type = OBJ_txt2obj(shape.content_type.c_str(), 1);
  if (shape.content_type != "1.2.840.113549.1.7.1")
    contents->d.other = shape.octet_string ? any(V_ASN1_OCTET_STRING, shape.content)
                                           : any(V_ASN1_SEQUENCE, der_element(0x30, shape.content));
  PKCS7_free(pkcs7->d.sign->contents);
  pkcs7->d.sign->contents = contents;
  return pkcs7;
}

// Adds an RFC 3161 token to the first signer's unsigned attributes.
inline void add_time_stamp(PKCS7* pkcs7, ByteView token) {
  PKCS7_SIGNER_INFO* info = sk_PKCS7_SIGNER_INFO_value(pkcs7->d.sign->signer_info, 0);
  Bytes attribute = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x03, 0x03, 0x01};
  const Bytes values = der_element(0x31, token);
  attribute.insert(attribute.end(), values.begin(), values.end());
  attribute = der_element(0x30, attribute);
  const std::uint8_t* at = attribute.data();
  const Owned<X509_ATTRIBUTE, X509_ATTRIBUTE_free> parsed(
      d2i_X509_ATTRIBUTE(nullptr, &at, static_cast<long>(attribute.size())));
  EXPECT_NE(parsed, nullptr);
  EXPECT_NE(X509at_add1_attr(&info->unauth_attr, parsed.get()), nullptr);
}

inline Bytes make_signed_data(const SignatureShape& shape, const std::vector<Identity>& signers) {
  return der_of(make_pkcs7(shape, signers).get(), i2d_PKCS7);
}

// The same naming its digest algorithm that many times more.
inline Bytes with_more_digest_algorithms(const OwnedPkcs7& pkcs7, int more) {
  for (int i = 0; i < more; ++i)
    sk_X509_ALGOR_push(pkcs7->d.sign->md_algs, X509_ALGOR_dup(sk_X509_ALGOR_value(pkcs7->d.sign->md_algs, 0)));
  return der_of(pkcs7.get(), i2d_PKCS7);
}

// Without a ContentInfo around it.
inline Bytes make_bare_signed_data(const SignatureShape& shape, const std::vector<Identity>& signers) {
  return der_of(make_pkcs7(shape, signers)->d.sign, i2d_PKCS7_SIGNED);
}

// SpcIndirectDataContent without its own tag and length.
inline Bytes indirect_data(HashAlgorithm algorithm, ByteView digest) {
  Bytes content = {0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0f};
  const Owned<X509_SIG, X509_SIG_free> info(X509_SIG_new());
  X509_ALGOR* identifier = nullptr;
  ASN1_OCTET_STRING* value = nullptr;
  X509_SIG_getm(info.get(), &identifier, &value);
  X509_ALGOR_set_md(identifier, message_digest(algorithm));
  ASN1_OCTET_STRING_set(value, digest.data(), static_cast<int>(digest.size()));
  const Bytes der = der_of(info.get(), i2d_X509_SIG);
  content.insert(content.end(), der.begin(), der.end());
  return content;
}

// An Authenticode signature of an image with this digest.
inline Bytes sign_image_digest(ByteView digest, const Identity& signer,
                               HashAlgorithm algorithm = HashAlgorithm::kSha256, std::vector<Certificate> more = {}) {
  SignatureShape shape;
  shape.content = indirect_data(algorithm, digest);
  shape.algorithm = algorithm;
  shape.more_certificates = std::move(more);
  return make_signed_data(shape, {signer});
}

// The first signer's signature value: what a time stamp covers.
inline Bytes signature_value(ByteView signed_data) {
  const std::uint8_t* at = signed_data.data();
  const OwnedPkcs7 pkcs7(d2i_PKCS7(nullptr, &at, static_cast<long>(signed_data.size())));
  const ASN1_OCTET_STRING* value = sk_PKCS7_SIGNER_INFO_value(pkcs7->d.sign->signer_info, 0)->enc_digest;
  return {ASN1_STRING_get0_data(value), ASN1_STRING_get0_data(value) + ASN1_STRING_length(value)};
}

// An RFC 3161 token over these bytes.
inline Bytes make_time_stamp(ByteView stamped, Time time, const Identity& authority) {
  const Owned<TS_TST_INFO, TS_TST_INFO_free> info(TS_TST_INFO_new());
  TS_TST_INFO_set_version(info.get(), 1);
  TS_TST_INFO_set_policy_id(info.get(), OwnedObject(OBJ_txt2obj("1.2.3", 1)).get());
  const Owned<TS_MSG_IMPRINT, TS_MSG_IMPRINT_free> imprint(TS_MSG_IMPRINT_new());
  const Owned<X509_ALGOR, X509_ALGOR_free> identifier(X509_ALGOR_new());
  X509_ALGOR_set_md(identifier.get(), message_digest(HashAlgorithm::kSha256));
  TS_MSG_IMPRINT_set_algo(imprint.get(), identifier.get());
  Bytes digest = sha256(stamped);
  TS_MSG_IMPRINT_set_msg(imprint.get(), digest.data(), static_cast<int>(digest.size()));
  TS_TST_INFO_set_msg_imprint(info.get(), imprint.get());
  TS_TST_INFO_set_serial(info.get(), OwnedInteger(ASN1_INTEGER_new()).get());
  const auto date = std::chrono::floor<seconds>(time).time_since_epoch().count();
  const Owned<ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free> when(ASN1_GENERALIZEDTIME_set(nullptr, date));
  TS_TST_INFO_set_time(info.get(), when.get());
  SignatureShape shape;
  shape.content_type = "1.2.840.113549.1.9.16.1.4";
  shape.content = der_of(info.get(), i2d_TS_TST_INFO);
  shape.octet_string = true;
  return make_signed_data(shape, {authority});
}

// A detached CMS signature, as the kernel's sign-file makes it.
inline Bytes make_detached_signature(ByteView content, const Identity& signer, unsigned flags = 0,
                                     HashAlgorithm algorithm = HashAlgorithm::kSha256) {
  flags |= CMS_BINARY | CMS_DETACHED | CMS_NOCERTS | CMS_NOSMIMECAP | CMS_NOATTR;
  const OwnedBio data(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  const Owned<CMS_ContentInfo, CMS_ContentInfo_free> cms(
      CMS_sign(nullptr, nullptr, nullptr, data.get(), flags | CMS_PARTIAL));
  EXPECT_NE(CMS_add1_signer(cms.get(), signer.certificate.get(), signer.key.get(), message_digest(algorithm), flags),
            nullptr);
  EXPECT_EQ(CMS_final(cms.get(), data.get(), nullptr, flags), 1) << last_openssl_error();
  return der_of(cms.get(), i2d_CMS_ContentInfo);
}

}  // namespace slipway::crypto::testing
