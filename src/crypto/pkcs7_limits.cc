#include "crypto/pkcs7_limits.h"

#include <algorithm>
#include <array>

#include "crypto/der_elements.h"
#include "crypto/openssl.h"
#include "crypto/signed_data.h"

namespace slipway::crypto {
namespace {

constexpr std::size_t kMaximumSigners = 16;
constexpr std::size_t kMaximumName = 4096;
constexpr std::size_t kMaximumDigestAlgorithms = 4;
constexpr std::uint8_t kObjectIdentifier = 0x06, kCertificates = 0xa0, kRevocations = 0xa1;
constexpr int kMaximumRsaBits = 4096;
constexpr int kMaximumExponentBits = 32;
constexpr std::array<std::string_view, 3> kCurves{"prime256v1", "secp384r1", "secp521r1"};

std::size_t count_of(ByteView elements) {
  std::size_t count = 0;
  while (take_element(elements)) ++count;
  return count;
}

struct Counts {
  std::size_t algorithms = 0, certificates = 0, signers = 0;
};

// Of what SignedData holds, with or without a ContentInfo around it; none where it is something else.
std::optional<Counts> parts_of(ByteView fields) {
  if (!fields.empty() && fields[0] == kObjectIdentifier) {
    take_element(fields);  // contentType
    auto tagged = take_element(fields);
    const auto inner = tagged ? take_element(*tagged) : std::nullopt;
    if (!inner) return std::nullopt;
    fields = *inner;
  }
  take_element(fields);  // version
  const auto algorithms = take_element(fields);
  const auto content = take_element(fields);
  if (!algorithms || !content) return std::nullopt;
  Counts counts;
  counts.algorithms = count_of(*algorithms);
  while (!fields.empty() && (fields[0] == kCertificates || fields[0] == kRevocations)) {
    const bool counted = fields[0] == kCertificates;
    const auto set = take_element(fields);
    if (!set) return std::nullopt;
    if (counted) counts.certificates += count_of(*set);
  }
  const auto signers = take_element(fields);
  if (!signers) return std::nullopt;
  counts.signers = count_of(*signers);
  return counts;
}

}  // namespace

Status check_signed_data(ByteView der) {
  const auto whole = take_element(der);
  const auto parts = whole ? parts_of(*whole) : std::nullopt;
  if (!parts) return fail(ErrorCode::kMalformed, "a signature is not SignedData in DER");
  if (!has_few_elements(*whole)) return fail(ErrorCode::kMalformed, "a signature has more than 4096 elements of DER");
  if (parts->signers <= kMaximumSigners && parts->certificates <= kMaximumSignatureCertificates &&
      parts->algorithms <= kMaximumDigestAlgorithms)
    return {};
  return fail(ErrorCode::kMalformed, "a signature has more than 16 signers, 32 certificates or 4 digest algorithms");
}

Status check_names(const STACK_OF(X509) * certificates) {
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    const std::uint8_t* der = nullptr;
    std::size_t size = 0;
    if (X509_NAME_get0_der(X509_get_subject_name(sk_X509_value(certificates, i)), &der, &size) != 1 ||
        size > kMaximumName)
      return fail(ErrorCode::kMalformed, "the subject of a signature's certificate is longer than 4 KiB");
  }
  return {};
}

std::size_t certificates_in(ByteView signed_data) {
  const auto whole = take_element(signed_data);
  const auto parts = whole ? parts_of(*whole) : std::nullopt;
  return parts ? parts->certificates : 0;
}

bool is_quickly_checked(const EVP_PKEY* key) {
  if (key == nullptr) return false;
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    if (EVP_PKEY_get_bits(key) > kMaximumRsaBits) return false;
    BIGNUM* exponent = nullptr;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1) return false;
    const OwnedBignum owned(exponent);
    return BN_num_bits(exponent) <= kMaximumExponentBits;
  }
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_is_a(key, "EC") != 1 || EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return false;
  return std::find(kCurves.begin(), kCurves.end(), std::string_view(name.data(), size)) != kCurves.end();
}

}  // namespace slipway::crypto
