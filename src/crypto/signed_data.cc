#include "crypto/signed_data.h"

#include <openssl/pkcs7.h>
#include <openssl/ts.h>

#include <climits>

#include "crypto/certificate_path.h"
#include "crypto/openssl.h"
#include "crypto/pkcs7_limits.h"

namespace slipway::crypto {
namespace {

constexpr std::size_t kMaximumSize = 256U << 10;
// SPC_RFC3161_OBJID: a time stamp token among the unsigned attributes.
constexpr const char* kTimeStampAttribute = "1.3.6.1.4.1.311.3.3.1";
constexpr int kConstructed = 0x20;

using OwnedPkcs7 = Owned<PKCS7, PKCS7_free>;
using OwnedObject = Owned<ASN1_OBJECT, ASN1_OBJECT_free>;
using OwnedStampInfo = Owned<TS_TST_INFO, TS_TST_INFO_free>;
using OwnedIndirectDigest = Owned<X509_SIG, X509_SIG_free>;

void put_der_header(Bytes& out, std::uint8_t tag, std::size_t size) {
  out.push_back(tag);
  if (size >= 0x80) {
    const int count = size > 0xffff ? 3 : size > 0xff ? 2 : 1;
    out.push_back(static_cast<std::uint8_t>(0x80 | count));
    for (int i = count - 1; i > 0; --i) out.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
  }
  out.push_back(static_cast<std::uint8_t>(size));
}

// A ContentInfo around a bare SignedData.
Bytes wrapped(ByteView signed_data) {
  constexpr std::uint8_t kSignedDataType[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
  Bytes inside(std::begin(kSignedDataType), std::end(kSignedDataType));
  put_der_header(inside, 0xa0, signed_data.size());
  inside.insert(inside.end(), signed_data.begin(), signed_data.end());
  Bytes out;
  put_der_header(out, 0x30, inside.size());
  out.insert(out.end(), inside.begin(), inside.end());
  return out;
}

struct Parsed {
  OwnedPkcs7 pkcs7;
  std::size_t size = 0;
};

Parsed parse(ByteView der) {
  const std::uint8_t* at = der.data();
  OwnedPkcs7 whole(d2i_PKCS7(nullptr, &at, static_cast<long>(der.size())));
  if (whole) return {std::move(whole), static_cast<std::size_t>(at - der.data())};
  // The length of the bare SignedData must be known before something is put around it.
  const std::uint8_t* inside = der.data();
  long size = 0;
  int tag = 0, tag_class = 0;
  const int form = ASN1_get_object(&inside, &size, &tag, &tag_class, static_cast<long>(der.size()));
  if (form != kConstructed || tag != V_ASN1_SEQUENCE) return {};
  const auto bare = static_cast<std::size_t>(inside - der.data() + size);
  const Bytes around = wrapped(der.first(bare));
  at = around.data();
  return {OwnedPkcs7(d2i_PKCS7(nullptr, &at, static_cast<long>(around.size()))), bare};
}

// The value inside the content's own tag and length.
Result<Bytes> content_of(const PKCS7* contents) {
  const ASN1_STRING* string = nullptr;
  if (OBJ_obj2nid(contents->type) == NID_pkcs7_data) {
    string = contents->d.data;
    if (string == nullptr) return Bytes{};
    return to_bytes(ByteView(ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))));
  }
  const ASN1_TYPE* other = contents->d.other;
  if (other == nullptr) return Bytes{};
  if (other->type != V_ASN1_SEQUENCE && other->type != V_ASN1_OCTET_STRING)
    return fail(ErrorCode::kMalformed, "the content of a signature is neither a SEQUENCE nor an OCTET STRING");
  string = other->value.asn1_string;
  const ByteView encoded(ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string)));
  if (other->type == V_ASN1_OCTET_STRING) return to_bytes(encoded);
  const std::uint8_t* at = encoded.data();
  long size = 0;
  int tag = 0, tag_class = 0;
  if (ASN1_get_object(&at, &size, &tag, &tag_class, static_cast<long>(encoded.size())) != kConstructed)
    return fail(ErrorCode::kMalformed, "the content of a signature is not encoded in DER");
  return to_bytes(ByteView(at, static_cast<std::size_t>(size)));
}

Certificate shared(X509* certificate) {
  require(X509_up_ref(certificate) == 1, "keeping a certificate");
  return Certificate(std::shared_ptr<X509>(certificate, X509_free));
}

SignedData::Signer signer_of(PKCS7* pkcs7, PKCS7_SIGNER_INFO* info) {
  SignedData::Signer signer;
  signer.issuer = one_line(info->issuer_and_serial->issuer);
  signer.serial = hexadecimal(info->issuer_and_serial->serial);
  signer.digest_algorithm = hash_algorithm_of(info->digest_alg);
  if (X509* certificate = PKCS7_cert_from_signer_info(pkcs7, info)) signer.certificate = shared(certificate);
  return signer;
}

bool holds(PKCS7* pkcs7, ByteView content) {
  // PKCS7_verify of OpenSSL 3.0 loses its BIO where PKCS7_dataInit does not know an algorithm.
  const STACK_OF(X509_ALGOR)* digests = pkcs7->d.sign->md_algs;
  for (int i = 0; i < sk_X509_ALGOR_num(digests); ++i)
    if (!hash_algorithm_of(sk_X509_ALGOR_value(digests, i))) return false;
  const STACK_OF(PKCS7_SIGNER_INFO)* infos = pkcs7->d.sign->signer_info;
  for (int i = 0; i < sk_PKCS7_SIGNER_INFO_num(infos); ++i) {
    const X509* signer = PKCS7_cert_from_signer_info(pkcs7, sk_PKCS7_SIGNER_INFO_value(infos, i));
    if (signer == nullptr || !is_quickly_checked(X509_get0_pubkey(signer))) return false;
  }
  // OpenSSL takes no null pointer, not even for nothing.
  const OwnedBio data(BIO_new_mem_buf(content.empty() ? "" : static_cast<const void*>(content.data()),
                                      static_cast<int>(content.size())));
  require(data != nullptr, "making a BIO");
  return PKCS7_verify(pkcs7, nullptr, nullptr, data.get(), nullptr, PKCS7_BINARY | PKCS7_NOVERIFY) == 1;
}

// True if the stamp is one of these bytes.
bool covers(TS_TST_INFO* info, ByteView signature) {
  TS_MSG_IMPRINT* imprint = TS_TST_INFO_get_msg_imprint(info);
  const auto algorithm = hash_algorithm_of(TS_MSG_IMPRINT_get_algo(imprint));
  if (!algorithm) return false;
  const ASN1_OCTET_STRING* stamped = TS_MSG_IMPRINT_get_msg(imprint);
  const ByteView value(ASN1_STRING_get0_data(stamped), static_cast<std::size_t>(ASN1_STRING_length(stamped)));
  return equal_in_constant_time(value, digest(*algorithm, signature));
}

std::optional<Time> time_of(const TS_TST_INFO* info) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &parts) != 1) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(parts.tm_year + 1900),
                                        std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                        std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return Time(std::chrono::sys_days(day)) + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         seconds(parts.tm_sec);
}

}  // namespace

Result<SignedData> SignedData::from_der(ByteView der) {
  const ErrorScope errors;
  if (der.size() > kMaximumSize)
    return fail(ErrorCode::kMalformed, "a signature is " + std::to_string(der.size()) + " bytes long, over 256 KiB");
  SLIPWAY_TRY(check_signed_data(der));
  Parsed parsed = parse(der);
  PKCS7* pkcs7 = parsed.pkcs7.get();
  if (pkcs7 == nullptr || PKCS7_type_is_signed(pkcs7) == 0 || pkcs7->d.sign == nullptr ||
      pkcs7->d.sign->contents == nullptr)
    return fail(ErrorCode::kMalformed, "a signature is not PKCS#7 SignedData in DER");
  PKCS7_SIGNED* state = pkcs7->d.sign;
  SLIPWAY_TRY(check_names(state->cert));

  SignedData result;
  result.size_ = parsed.size;
  result.content_type_ = dotted(state->contents->type);
  SLIPWAY_ASSIGN(result.content_, content_of(state->contents));
  if (sk_X509_ALGOR_num(state->md_algs) > 0)
    result.digest_algorithm_ = hash_algorithm_of(sk_X509_ALGOR_value(state->md_algs, 0));
  for (int i = 0; i < sk_X509_num(state->cert); ++i)
    result.certificates_.push_back(shared(sk_X509_value(state->cert, i)));
  for (int i = 0; i < sk_PKCS7_SIGNER_INFO_num(state->signer_info); ++i)
    result.signers_.push_back(signer_of(pkcs7, sk_PKCS7_SIGNER_INFO_value(state->signer_info, i)));
  result.state_ = std::shared_ptr<PKCS7>(parsed.pkcs7.release(), PKCS7_free);
  return result;
}

bool SignedData::signatures_hold(ByteView content) const {
  const ErrorScope errors;
  if (content.size() > INT_MAX || signers_.empty()) return false;
  return holds(state_.get(), content);
}

std::vector<Certificate> SignedData::path_to(const Certificate& anchor) const {
  std::vector<Certificate> first;
  for (const Signer& signer : signers_) {
    if (!signer.certificate) return {};
    auto path = find_path(*signer.certificate, certificates_, {anchor}, std::nullopt);
    if (!path) return {};
    if (first.empty()) first = *std::move(path);
  }
  return first;
}

std::optional<Time> SignedData::time_stamp(const std::vector<Certificate>& authorities) const {
  const ErrorScope errors;
  PKCS7_SIGNER_INFO* info = sk_PKCS7_SIGNER_INFO_value(state_->d.sign->signer_info, 0);
  if (info == nullptr) return std::nullopt;
  const OwnedObject type(OBJ_txt2obj(kTimeStampAttribute, 1));
  require(type != nullptr, "naming an attribute");
  const int at = X509at_get_attr_by_OBJ(info->unauth_attr, type.get(), -1);
  X509_ATTRIBUTE* attribute = at < 0 ? nullptr : X509at_get_attr(info->unauth_attr, at);
  const ASN1_TYPE* value = attribute == nullptr ? nullptr : X509_ATTRIBUTE_get0_type(attribute, 0);
  if (value == nullptr || value->type != V_ASN1_SEQUENCE) return std::nullopt;
  const ASN1_STRING* encoded = value->value.sequence;
  const auto token =
      SignedData::from_der({ASN1_STRING_get0_data(encoded), static_cast<std::size_t>(ASN1_STRING_length(encoded))});
  if (!token || !token->signatures_hold(token->content())) return std::nullopt;
  const OwnedStampInfo stamp(PKCS7_to_TS_TST_INFO(token->state_.get()));
  const ASN1_OCTET_STRING* signature = info->enc_digest;
  if (!stamp ||
      !covers(stamp.get(), {ASN1_STRING_get0_data(signature), static_cast<std::size_t>(ASN1_STRING_length(signature))}))
    return std::nullopt;
  for (const Certificate& authority : authorities)
    if (!token->path_to(authority).empty()) return time_of(stamp.get());
  return std::nullopt;
}

Result<ImageDigest> read_indirect_data(ByteView content) {
  const ErrorScope errors;
  const auto malformed = [] {
    return fail(ErrorCode::kMalformed, "the content of an Authenticode signature is not SpcIndirectDataContent");
  };
  const std::uint8_t* at = content.data();
  long size = 0;
  int tag = 0, tag_class = 0;
  // data SpcAttributeTypeAndOptionalValue: what kind of file it is; firmware does not read it either.
  if (content.size() > INT_MAX ||
      ASN1_get_object(&at, &size, &tag, &tag_class, static_cast<long>(content.size())) != kConstructed ||
      tag != V_ASN1_SEQUENCE)
    return malformed();
  at += size;
  const OwnedIndirectDigest info(d2i_X509_SIG(nullptr, &at, static_cast<long>(content.data() + content.size() - at)));
  if (!info || at != content.data() + content.size()) return malformed();
  const X509_ALGOR* algorithm = nullptr;
  const ASN1_OCTET_STRING* value = nullptr;
  X509_SIG_get0(info.get(), &algorithm, &value);
  return ImageDigest{
      hash_algorithm_of(algorithm),
      to_bytes(ByteView(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))))};
}

}  // namespace slipway::crypto
