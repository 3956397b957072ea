#include "enrolment/client.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "base/http_status.h"
#include "crypto/certificate.h"
#include "enrolment/binding.h"
#include "enrolment/refusal.h"

namespace slipway::enrolment {
namespace {

// What stands in a request's subject; the server ignores it.
constexpr std::string_view kRequestName = "slipway-node";
constexpr std::size_t kMaximumErrorBody = 64U << 10;
constexpr std::size_t kMaximumErrorText = 2048;

// 400 is the node listener's word for a message that has not the protocol's form.
ErrorCode code_of_status(int status) { return status == 400 ? ErrorCode::kMalformed : error_code_of_http(status); }

std::string text_of(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains({key.data(), key.size()});
  const boost::json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), std::min(text->size(), kMaximumErrorText));
}

// {"error":{"code","message"}} as an error; a body of any other form says its status alone.
Error refusal_of(const Reply& reply) {
  Error error{code_of_status(reply.status), fmt::format("The node endpoint answered HTTP {}.", reply.status), {}, {}};
  if (reply.body.size() > kMaximumErrorBody) return error;
  boost::json::error_code ignored;
  const boost::json::value body = boost::json::parse(reply.body, ignored);
  const boost::json::object* outer = ignored ? nullptr : body.if_object();
  const boost::json::value* inner = outer == nullptr ? nullptr : outer->if_contains("error");
  if (inner == nullptr || !inner->is_object()) return error;
  error.reason = text_of(inner->get_object(), "code");
  if (std::string message = text_of(inner->get_object(), "message"); !message.empty()) {
    error.message = std::move(message);
  }
  return error;
}

Result<std::string> post(const Transport& transport, const std::string& instance, std::string_view action,
                         const std::string& body) {
  SLIPWAY_ASSIGN(Reply reply, transport(fmt::format("/node/v1/{}/{}", instance, action), body));
  if (reply.status != 200) return fail(refusal_of(reply));
  return std::move(reply.body);
}

struct Requests {
  Bytes client, serving;
};

Result<Requests> requests_for(const NodeKeys& keys) {
  Requests requests;
  SLIPWAY_ASSIGN(requests.client, crypto::make_certificate_request(keys.client, kRequestName));
  SLIPWAY_ASSIGN(requests.serving, crypto::make_certificate_request(keys.serving, kRequestName));
  return requests;
}

}  // namespace

NodeKeys generate_node_keys() {
  return NodeKeys{crypto::PrivateKey::generate_p256(), crypto::PrivateKey::generate_p256()};
}

Result<Admission> attest_once(const Transport& transport, tpm::Attester& attester, const std::string& instance,
                              Purpose purpose, const NodeKeys& keys) {
  UnverifiedChallengeRequest ask;
  ask.purpose = purpose;
  SLIPWAY_ASSIGN(ask.endorsement_key, attester.endorsement_key_public());
  SLIPWAY_ASSIGN(ask.attestation_key, attester.attestation_key_public());
  SLIPWAY_ASSIGN(const std::string challenge_body, post(transport, instance, "challenge", to_json(ask)));
  SLIPWAY_ASSIGN(const ChallengeReply challenge, challenge_reply_from_json(challenge_body));

  UnverifiedEvidenceRequest evidence;
  evidence.purpose = purpose;
  evidence.challenge = challenge.challenge;
  SLIPWAY_ASSIGN(evidence.activated_secret,
                 attester.activate_credential(challenge.id_object, challenge.encrypted_secret));
  const Bytes qualifying =
      qualifying_data(purpose, challenge.nonce, instance, keys.client.public_key(), keys.serving.public_key());
  SLIPWAY_ASSIGN(evidence.quote, attester.quote(qualifying, challenge.pcrs));
  SLIPWAY_ASSIGN(evidence.firmware_event_log, attester.firmware_event_log());
  // After the quote: the verdict uses the prefix that the quoted PCR 10 covers.
  SLIPWAY_ASSIGN(evidence.ima_log, attester.ima_log());
  SLIPWAY_ASSIGN(Requests requests, requests_for(keys));
  evidence.client_request = std::move(requests.client);
  evidence.serving_request = std::move(requests.serving);
  SLIPWAY_ASSIGN(const std::string answer, post(transport, instance, "evidence", to_json(evidence)));
  return admission_from_json(answer);
}

Result<Admission> present_secret(const Transport& transport, const Bootstrap& bootstrap, const NodeKeys& keys) {
  SLIPWAY_ASSIGN(Requests requests, requests_for(keys));
  const UnverifiedSecretRequest ask{bootstrap.secret, std::move(requests.client), std::move(requests.serving)};
  SLIPWAY_ASSIGN(const std::string answer, post(transport, bootstrap.instance, "secret", to_json(ask)));
  return admission_from_json(answer);
}

Result<Admission> renew_once(const Transport& transport, const std::string& instance,
                             const crypto::PrivateKey& certified, const NodeKeys& keys) {
  SLIPWAY_ASSIGN(const std::string challenge_body, post(transport, instance, "renewal-challenge", "{}"));
  SLIPWAY_ASSIGN(RenewalChallengeReply challenge, renewal_challenge_reply_from_json(challenge_body));
  UnverifiedRenewalRequest ask;
  ask.challenge = std::move(challenge.challenge);
  SLIPWAY_ASSIGN(ask.signature, certified.sign(crypto::SignatureScheme::kEcdsaP256Sha256,
                                               renewal_statement(challenge.nonce, instance, keys.client.public_key(),
                                                                 keys.serving.public_key())));
  SLIPWAY_ASSIGN(Requests requests, requests_for(keys));
  ask.client_request = std::move(requests.client);
  ask.serving_request = std::move(requests.serving);
  SLIPWAY_ASSIGN(const std::string answer, post(transport, instance, "renewal", to_json(ask)));
  return admission_from_json(answer);
}

NodeSession::NodeSession(Bootstrap bootstrap, Transport transport, tpm::Attester* attester,
                         std::optional<HeldCertificates> held, std::optional<NodeKeys> pending)
    : bootstrap_(std::move(bootstrap)),
      transport_(std::move(transport)),
      attester_(attester),
      held_(std::move(held)),
      pending_(std::move(pending)) {}

bool NodeSession::past_half_life(Time now) const {
  return !held_ || now >= held_->obtained + (held_->expires - held_->obtained) / 2;
}

Result<Admission> NodeSession::exchange(const NodeKeys& keys, Time now) {
  if (attester_ != nullptr) {
    return attest_once(transport_, *attester_, bootstrap_.instance, enrolled_ ? Purpose::kAttest : Purpose::kEnrol,
                       keys);
  }
  if (held_ && now < held_->expires) return renew_once(transport_, bootstrap_.instance, held_->keys.client, keys);
  if (!pending_ && keep_pending_) SLIPWAY_TRY(keep_pending_(keys));
  pending_ = keys;
  auto admission = present_secret(transport_, bootstrap_, keys);
  if (admission || admission.error().reason != refusal::kSecretUsed) return admission;
  // The secret is spent. If it was this node's own request whose answer was lost, its key is the one certified last.
  auto renewal = renew_once(transport_, bootstrap_.instance, keys.client, keys);
  return renewal ? std::move(renewal) : std::move(admission);
}

Result<StepOutcome> NodeSession::step(Time now) {
  const bool fresh_keys = past_half_life(now) || !enrolled_;
  const NodeKeys keys = !fresh_keys ? held_->keys : pending_ ? *pending_ : generate_node_keys();
  SLIPWAY_ASSIGN(Admission admission, exchange(keys, now));
  StepOutcome outcome;
  outcome.renewed = !admission.client_certificate.empty();
  if (outcome.renewed) {
    SLIPWAY_ASSIGN(const auto certificate, crypto::Certificate::from_pem(admission.client_certificate));
    held_ = HeldCertificates{keys, now, certificate.not_after()};
  }
  pending_.reset();
  enrolled_ = true;
  outcome.next = now + seconds(admission.next_evidence_seconds);
  // Without evidence to send there is nothing to do before half of the certificates' life.
  if (held_) {
    const Time half_life = held_->obtained + (held_->expires - held_->obtained) / 2;
    outcome.next = attester_ == nullptr ? half_life : std::min(outcome.next, std::max(half_life, now));
  }
  outcome.admission = std::move(admission);
  return outcome;
}

milliseconds retry_delay(int failures, Random& random) {
  constexpr milliseconds kFirst{2000};
  constexpr milliseconds kLongest{120000};
  constexpr int kDoublings = 6;
  const milliseconds whole = std::min(kLongest, kFirst * (1 << std::clamp(failures - 1, 0, kDoublings)));
  const Bytes byte = random.bytes(1);
  return whole / 2 + whole / 2 * byte[0] / 255;
}

milliseconds with_jitter(milliseconds interval, Random& random) {
  const Bytes byte = random.bytes(1);
  return interval - interval / 10 * byte[0] / 255;
}

}  // namespace slipway::enrolment
