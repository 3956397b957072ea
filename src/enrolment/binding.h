#pragma once

#include <string_view>

#include "attestation/evidence_bundle.h"
#include "base/bytes.h"
#include "crypto/key.h"
#include "enrolment/messages.h"

// What binds evidence to one nonce, one instance and one pair of keys: computed by the node before it quotes, and by
// the server from what it knows. docs/formats/enrolment.md, "Binding".
namespace slipway::enrolment {

// SHA-256(prefix || nonce || instance || SHA-256(SPKI client) || SHA-256(SPKI serving)): 32 bytes. The prefix is
// "slipway-enrol-v1" or "slipway-attest-v1"; the nonce has 32 bytes and the instance id 36, so that no two inputs
// meet in one string.
Bytes qualifying_data(Purpose purpose, ByteView nonce, std::string_view instance, const crypto::PublicKey& client_key,
                      const crypto::PublicKey& serving_key);

// The keys of a node's two certificate requests.
struct RequestedKeys {
  crypto::PublicKey client, serving;
};
// Both requests (PKCS#10, DER) are signed by their own keys, and those are two: one key for both uses would let either
// stand in for the other. kMalformed with the reason BadCertificateRequest.
Result<RequestedKeys> verify_requests(ByteView client_request, ByteView serving_request);

// The qualifying data that a bundle's evidence is held against is that of its purpose, nonce, instance and requests:
// else they are somebody else's. kPermissionDenied with the reason BindingDiffers. Nothing binds the node's name.
Status check_binding(const attestation::EvidenceBundle& bundle);

// The bytes that a node without a vTPM signs with the client key certified last:
// "slipway-renew-v1" || nonce || instance || SHA-256(SPKI new client) || SHA-256(SPKI new serving).
Bytes renewal_statement(ByteView nonce, std::string_view instance, const crypto::PublicKey& client_key,
                        const crypto::PublicKey& serving_key);

// True for the one form of an instance id: a UUID in lower case, 36 characters.
bool is_instance_id(std::string_view text);

}  // namespace slipway::enrolment
