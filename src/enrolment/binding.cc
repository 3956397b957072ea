#include "enrolment/binding.h"

#include "base/byte_reader.h"
#include "crypto/digest.h"

namespace slipway::enrolment {
namespace {

constexpr std::string_view kRenewalPrefix = "slipway-renew-v1";

std::string_view prefix_of(Purpose purpose) {
  return purpose == Purpose::kEnrol ? "slipway-enrol-v1" : "slipway-attest-v1";
}

Bytes statement(std::string_view prefix, ByteView nonce, std::string_view instance, const crypto::PublicKey& client_key,
                const crypto::PublicKey& serving_key) {
  Bytes bytes = to_bytes(prefix);
  put_bytes(bytes, nonce);
  put_bytes(bytes, as_bytes(instance));
  put_bytes(bytes, client_key.fingerprint());
  put_bytes(bytes, serving_key.fingerprint());
  return bytes;
}

}  // namespace

Bytes qualifying_data(Purpose purpose, ByteView nonce, std::string_view instance, const crypto::PublicKey& client_key,
                      const crypto::PublicKey& serving_key) {
  return crypto::sha256(statement(prefix_of(purpose), nonce, instance, client_key, serving_key));
}

Bytes renewal_statement(ByteView nonce, std::string_view instance, const crypto::PublicKey& client_key,
                        const crypto::PublicKey& serving_key) {
  return statement(kRenewalPrefix, nonce, instance, client_key, serving_key);
}

bool is_instance_id(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char character = text[at];
    const bool dash_here = at == 8 || at == 13 || at == 18 || at == 23;
    const bool is_hex = (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f');
    if (dash_here ? character != '-' : !is_hex) return false;
  }
  return true;
}

}  // namespace slipway::enrolment
