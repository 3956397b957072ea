#include "enrolment/binding.h"

#include <fmt/format.h>

#include "base/byte_reader.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "enrolment/refusal.h"

namespace slipway::enrolment {
namespace {

constexpr std::string_view kRenewalPrefix = "slipway-renew-v1";
constexpr std::size_t kNonceSize = 32;

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

Result<RequestedKeys> verify_requests(ByteView client_request, ByteView serving_request) {
  const auto bad = [](std::string_view which, const std::string& why) {
    return fail(ErrorCode::kMalformed, fmt::format("The certificate request for the {} key is refused: {}", which, why),
                std::string(refusal::kBadCertificateRequest));
  };
  auto client = crypto::verify_certificate_request(client_request);
  if (!client) return bad("client", client.error().message);
  auto serving = crypto::verify_certificate_request(serving_request);
  if (!serving) return bad("serving", serving.error().message);
  if (client->fingerprint() == serving->fingerprint()) return bad("serving", "It is the client key again.");
  return RequestedKeys{std::move(*client), std::move(*serving)};
}

Status check_binding(const attestation::EvidenceBundle& bundle) {
  const auto differs = [](const std::string& why) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the evidence is not bound to the instance, nonce and keys that the bundle names: {}", why),
                "BindingDiffers");
  };
  // Of other sizes two different inputs could meet in one string.
  if (bundle.nonce.size() != kNonceSize)
    return differs(fmt::format("the nonce has {} bytes, not {}", bundle.nonce.size(), kNonceSize));
  if (!is_instance_id(bundle.instance)) return differs("the instance id is no UUID");
  const auto keys = verify_requests(bundle.client_request, bundle.serving_request);
  if (!keys) return differs(keys.error().message);
  const Purpose purpose = bundle.purpose == to_string(Purpose::kEnrol) ? Purpose::kEnrol : Purpose::kAttest;
  if (qualifying_data(purpose, bundle.nonce, bundle.instance, keys->client, keys->serving) !=
      bundle.expectation.qualifying_data)
    return differs("they give other qualifying data than the quote was asked for");
  return {};
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
