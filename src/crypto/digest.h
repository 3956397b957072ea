#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace slipway::crypto {

enum class HashAlgorithm { kSha1, kSha256, kSha384, kSha512 };

// 20, 32, 48 or 64.
std::size_t digest_size(HashAlgorithm algorithm);
// "sha1", "sha256", "sha384", "sha512".
std::string_view to_string(HashAlgorithm algorithm);

// The digest of one run of bytes.
Bytes digest(HashAlgorithm algorithm, ByteView data);
// The digest of pieces laid end to end, into `out`, which has room for exactly digest_size(algorithm) bytes and may be
// one of the pieces. Allocates nothing, once the calling thread has done it before: for what runs a hundred times in
// one appraisal.
void digest_into(HashAlgorithm algorithm, std::initializer_list<ByteView> pieces, std::span<std::uint8_t> out);
inline Bytes sha256(ByteView data) { return digest(HashAlgorithm::kSha256, data); }

// HMAC-SHA-256 (RFC 2104): 32 bytes.
Bytes hmac_sha256(ByteView key, ByteView data);

// A digest over bytes that come in pieces. Not thread-safe.
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(ByteView data);
  // The digest of all pieces; the hasher starts afresh.
  Bytes finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace slipway::crypto
