#pragma once

#include <memory>

#include "crypto/key.h"

// Mirrors OpenSSL's own declaration, so that its headers stay inside this room.
struct evp_pkey_ctx_st;

namespace slipway::crypto {

// PublicKey::verify for a key that checks many signatures of one scheme: what OpenSSL looks up for it is looked up
// once. Cheap to copy (shared), immutable, safe to use from several threads.
class SignatureCheck {
 public:
  SignatureCheck(const PublicKey& key, SignatureScheme scheme);

  // As PublicKey::verify.
  bool holds(ByteView data, ByteView signature) const;

 private:
  SignatureScheme scheme_;
  std::shared_ptr<const evp_pkey_ctx_st> prepared_;  // null: the scheme is not of the key's family
};

}  // namespace slipway::crypto
