#include "crypto/digest.h"

#include <openssl/hmac.h>

#include "crypto/openssl.h"
#include "crypto/sha256_pieces.h"

namespace slipway::crypto {
namespace {

// Making a context costs more than hashing a short event, so each thread keeps one for each algorithm.
EVP_MD_CTX* started_context(HashAlgorithm algorithm) {
  thread_local std::array<OwnedDigestContext, 4> contexts;
  OwnedDigestContext& context = contexts.at(static_cast<std::size_t>(algorithm));
  // A context that was used before starts again with the algorithm that it has, without looking that up.
  const EVP_MD* fresh = context == nullptr ? message_digest(algorithm) : nullptr;
  if (context == nullptr) context.reset(EVP_MD_CTX_new());
  require(context != nullptr && EVP_DigestInit_ex2(context.get(), fresh, nullptr) == 1, "starting a digest");
  return context.get();
}

}  // namespace

std::size_t digest_size(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return 20;
    case HashAlgorithm::kSha256:
      return 32;
    case HashAlgorithm::kSha384:
      return 48;
    case HashAlgorithm::kSha512:
      return 64;
  }
  std::abort();
}

std::string_view to_string(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return "sha1";
    case HashAlgorithm::kSha256:
      return "sha256";
    case HashAlgorithm::kSha384:
      return "sha384";
    case HashAlgorithm::kSha512:
      return "sha512";
  }
  std::abort();
}

void digest_into(HashAlgorithm algorithm, std::initializer_list<ByteView> pieces, std::span<std::uint8_t> out) {
  require(out.size() == digest_size(algorithm), "a digest of another size");
  if (algorithm == HashAlgorithm::kSha256) return sha256_pieces(pieces, out.first<32>());
  EVP_MD_CTX* context = started_context(algorithm);
  for (const ByteView piece : pieces) require(EVP_DigestUpdate(context, piece.data(), piece.size()) == 1, "a digest");
  require(EVP_DigestFinal_ex(context, out.data(), nullptr) == 1, "finishing a digest");
}

Bytes digest(HashAlgorithm algorithm, ByteView data) {
  Bytes result(digest_size(algorithm));
  digest_into(algorithm, {data}, result);
  return result;
}

Bytes hmac_sha256(ByteView key, ByteView data) {
  require(key.size() <= INT_MAX, "HMAC with a key of more than 2 GiB");
  // OpenSSL takes a null key for "the key of before", so an empty one needs an address.
  const std::uint8_t empty = 0;
  Bytes result(32);
  require(HMAC(message_digest(HashAlgorithm::kSha256), key.empty() ? &empty : key.data(), static_cast<int>(key.size()),
               data.data(), data.size(), result.data(), nullptr) != nullptr,
          "HMAC");
  return result;
}

struct Hasher::State {
  HashAlgorithm algorithm;
  OwnedDigestContext context;

  void start() {
    require(EVP_DigestInit_ex2(context.get(), message_digest(algorithm), nullptr) == 1, "starting a digest");
  }
};

Hasher::Hasher(HashAlgorithm algorithm)
    : state_(std::make_unique<State>(State{algorithm, OwnedDigestContext(EVP_MD_CTX_new())})) {
  require(state_->context != nullptr, "making a digest");
  state_->start();
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(ByteView data) {
  require(EVP_DigestUpdate(state_->context.get(), data.data(), data.size()) == 1, "a digest");
}

Bytes Hasher::finish() {
  Bytes result(digest_size(state_->algorithm));
  require(EVP_DigestFinal_ex(state_->context.get(), result.data(), nullptr) == 1, "finishing a digest");
  state_->start();
  return result;
}

}  // namespace slipway::crypto
