#include "bootchain/image_signatures.h"

#include <fmt/format.h>

#include <map>

namespace slipway::bootchain {
namespace {

using Kind = SignatureMeaning::Kind;

// An image's digests, each computed once however many signatures there are.
class Digests {
 public:
  explicit Digests(const UnverifiedPeImage& image) : image_(image) {}
  const Result<Bytes>& of(crypto::HashAlgorithm algorithm) {
    const auto known = known_.find(algorithm);
    if (known != known_.end()) return known->second;
    return known_.emplace(algorithm, authenticode_digest(image_, algorithm)).first->second;
  }

 private:
  const UnverifiedPeImage& image_;
  std::map<crypto::HashAlgorithm, Result<Bytes>> known_;
};

ImageSignature check(Digests& digests, ByteView der) {
  ImageSignature result;
  const auto refuse = [&](std::string_view problem, std::string words) {
    result.problem = std::string(problem);
    result.words = std::move(words);
    return result;
  };
  auto parsed = crypto::SignedData::from_der(der);
  if (!parsed) return refuse("signature.malformed", parsed.error().message);
  result.signed_data = *std::move(parsed);
  const crypto::SignedData& signed_data = *result.signed_data;
  result.algorithm = signed_data.digest_algorithm();
  if (!result.algorithm) return refuse("signature.malformed", "its digest algorithm is none that firmware knows");
  const Result<Bytes>& digest = digests.of(*result.algorithm);
  if (!digest) return refuse("signature.malformed", digest.error().message);
  result.image_digest = *digest;
  if (signed_data.content_type() != crypto::kSpcIndirectData)
    return refuse("signature.malformed", "it signs no image: its content is of type " + signed_data.content_type());
  const auto said = crypto::read_indirect_data(signed_data.content());
  if (!said) return refuse("signature.malformed", said.error().message);
  if (said->algorithm != result.algorithm || said->digest != result.image_digest)
    return refuse("signature.digest",
                  fmt::format("it is over the digest {}, but the image has {}: it was changed after it was signed",
                              to_hex(said->digest), to_hex(result.image_digest)));
  if (!signed_data.signatures_hold(signed_data.content()))
    return refuse("signature.broken", "its signature value does not hold for its signer's key");
  return result;
}

}  // namespace

std::vector<std::string> ImageSignature::signers() const {
  std::vector<std::string> names;
  if (!signed_data) return names;
  for (const auto& signer : signed_data->signers())
    names.push_back(signer.certificate ? signer.certificate->subject()
                                       : fmt::format("issuer {}, serial number {}", signer.issuer, signer.serial));
  return names;
}

std::vector<ImageSignature> check_signatures(const UnverifiedPeImage& image) {
  std::vector<ImageSignature> checked;
  Digests digests(image);
  for (const ByteView der : image.signatures) checked.push_back(check(digests, der));
  return checked;
}

std::vector<IndexedCertificate> certificates_of(const std::vector<EfiSignature>& database) {
  std::vector<IndexedCertificate> certificates;
  for (std::size_t i = 0; i < database.size(); ++i) {
    if (meaning_of(database[i]).kind != Kind::kCertificate) continue;
    auto certificate = crypto::Certificate::from_der(database[i].data);
    if (certificate) certificates.push_back({static_cast<int>(i), *std::move(certificate)});
  }
  return certificates;
}

std::optional<Vouching> find_vouching(const ImageSignature& signature,
                                      const std::vector<IndexedCertificate>& certificates) {
  if (!signature.is_good()) return std::nullopt;
  for (const IndexedCertificate& each : certificates) {
    auto path = signature.signed_data->path_to(each.certificate);
    if (!path.empty()) return Vouching{each, std::move(path)};
  }
  return std::nullopt;
}

int find_digest(const std::vector<EfiSignature>& database, crypto::HashAlgorithm algorithm, ByteView digest) {
  for (std::size_t i = 0; i < database.size(); ++i) {
    const SignatureMeaning meaning = meaning_of(database[i]);
    if (meaning.kind == Kind::kImageDigest && meaning.algorithm == algorithm &&
        equal_in_constant_time(meaning.digest, digest))
      return static_cast<int>(i);
  }
  return -1;
}

std::vector<std::string> subjects_of(const std::vector<crypto::Certificate>& path) {
  std::vector<std::string> subjects;
  for (const crypto::Certificate& certificate : path) subjects.push_back(certificate.subject());
  return subjects;
}

}  // namespace slipway::bootchain
