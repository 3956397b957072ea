#include "crypto/certificate_subject.h"

#include "base/byte_reader.h"
#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

constexpr std::uint8_t kInteger = 0x02, kSequence = 0x30, kVersion = 0xa0;
constexpr std::size_t kMaxSubject = 4096;

struct Element {
  std::uint8_t tag = 0;
  ByteView whole, content;
};

// The next element in definite form with a length of at most four bytes (X.690, 8.1).
Result<Element> next(ByteReader& reader, ByteView bytes) {
  const std::size_t start = reader.offset();
  Element element;
  SLIPWAY_ASSIGN(element.tag, reader.u8("tag of an element"));
  SLIPWAY_ASSIGN(const std::uint8_t first, reader.u8("length of an element"));
  std::size_t size = first;
  if (first >= 0x80) {
    const int count = first - 0x80;
    if (count < 1 || count > 4) return fail(ErrorCode::kMalformed, "the certificate has a length of another form");
    size = 0;
    for (int i = 0; i < count; ++i) {
      SLIPWAY_ASSIGN(const std::uint8_t byte, reader.u8("length of an element"));
      size = size << 8 | byte;
    }
  }
  SLIPWAY_ASSIGN(element.content, reader.take(size, "content of an element"));
  element.whole = bytes.subspan(start, reader.offset() - start);
  return element;
}

Result<Element> expect(ByteReader& reader, ByteView bytes, std::uint8_t tag) {
  SLIPWAY_ASSIGN(const Element element, next(reader, bytes));
  if (element.tag != tag) return fail(ErrorCode::kMalformed, "not an X.509 certificate");
  return element;
}

}  // namespace

Result<std::string> subject_of_certificate(ByteView der) {
  ByteReader outer(der);
  SLIPWAY_ASSIGN(const Element certificate, expect(outer, der, kSequence));
  ByteReader signed_part(certificate.content);
  SLIPWAY_ASSIGN(const Element body, expect(signed_part, certificate.content, kSequence));
  ByteReader fields(body.content);
  SLIPWAY_ASSIGN(Element field, next(fields, body.content));
  if (field.tag == kVersion) {
    SLIPWAY_ASSIGN(field, next(fields, body.content));
  }
  if (field.tag != kInteger) return fail(ErrorCode::kMalformed, "the certificate has no serial number");
  SLIPWAY_TRY(expect(fields, body.content, kSequence));  // algorithm
  SLIPWAY_TRY(expect(fields, body.content, kSequence));  // issuer
  SLIPWAY_TRY(expect(fields, body.content, kSequence));  // validity
  SLIPWAY_ASSIGN(const Element subject, expect(fields, body.content, kSequence));
  if (subject.whole.size() > kMaxSubject) return fail(ErrorCode::kMalformed, "the subject is longer than 4 KiB");

  const ErrorScope errors;
  const std::uint8_t* at = subject.whole.data();
  const Owned<X509_NAME, X509_NAME_free> name(d2i_X509_NAME(nullptr, &at, static_cast<long>(subject.whole.size())));
  if (!name) return fail(ErrorCode::kMalformed, "the certificate's subject is no name: " + last_openssl_error());
  const OwnedBio out(BIO_new(BIO_s_mem()));
  require(out != nullptr, "making a BIO");
  X509_NAME_print_ex(out.get(), name.get(), 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  return text_of(out.get());
}

}  // namespace slipway::crypto
