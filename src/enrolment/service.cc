#include "enrolment/service.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "crypto/digest.h"
#include "crypto/secret_hash.h"
#include "enrolment/binding.h"
#include "enrolment/refusal.h"
#include "tpm/credential.h"
#include "tpm/public_area.h"

namespace slipway::enrolment {

namespace {

constexpr std::size_t kDigestSize = 32;
constexpr std::string_view kBinding = "quote.nonce";

Error refusal_error(ErrorCode code, std::string_view reason, std::string message) {
  return Error{code, std::move(message), std::string(reason), {}};
}
Error denied(std::string_view reason, std::string message) {
  return refusal_error(ErrorCode::kPermissionDenied, reason, std::move(message));
}

std::string first_findings(const attestation::Verdict& verdict) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t at = 0; at < std::min(kShown, verdict.findings.size()); ++at) {
    const attestation::Finding& finding = verdict.findings[at];
    text += fmt::format(" {}: {}", finding.rule, finding.message);
  }
  if (verdict.findings.size() > kShown) text += fmt::format(" And {} more.", verdict.findings.size() - kShown);
  return text;
}

bool has_finding(const attestation::Verdict& verdict, std::string_view rule) {
  return std::any_of(verdict.findings.begin(), verdict.findings.end(),
                     [&](const attestation::Finding& finding) { return finding.rule == rule; });
}

bool is_secret_form(std::string_view secret) { return secret.size() == 64 && from_hex(secret).has_value(); }

}  // namespace

Service::Service(Registry& registry, const Clock& clock, Random& random)
    : registry_(registry), clock_(clock), random_(random), challenge_key_(random.bytes(kDigestSize)) {}

Challenge Service::issue(ChallengeKind kind, const std::string& instance) {
  const std::lock_guard lock(mutex_);
  Challenge issued;
  issued.kind = kind;
  issued.sequence = ++last_sequence_;
  issued.expires = clock_.now() + kNonceLifetime;
  issued.instance = instance;
  issued.nonce = random_.bytes(kDigestSize);
  issued.secret_sha256.assign(kDigestSize, 0);
  return issued;
}

Result<Challenge> Service::open(std::string_view sealed, ChallengeKind kind, const std::string& instance) const {
  SLIPWAY_ASSIGN(Challenge issued, open_challenge(sealed, challenge_key_));
  if (issued.instance != instance || issued.kind != kind) {
    return fail(denied(refusal::kForeignNonce, "The challenge was given to another instance or for another purpose."));
  }
  if (clock_.now() >= issued.expires) {
    return fail(denied(refusal::kExpiredNonce, fmt::format("The challenge is older than {} seconds. Ask for a new one.",
                                                           kNonceLifetime.count())));
  }
  return issued;
}

Status Service::use(const Challenge& issued) {
  const std::lock_guard lock(mutex_);
  const Time now = clock_.now();
  if (now >= next_sweep_) {
    std::erase_if(used_, [now](const auto& entry) { return entry.second.forget <= now; });
    next_sweep_ = now + kNonceLifetime;
  }
  Used& newest = used_[issued.instance];
  if (newest.sequence >= issued.sequence) {
    return fail(denied(refusal::kUsedNonce, "The challenge, or a newer one, was used already. Ask for a new one."));
  }
  newest = Used{issued.sequence, now + kNonceLifetime};
  return {};
}

Result<InstanceFacts> Service::find(const std::string& instance) {
  const auto unknown = [] {
    return fail(
        refusal_error(ErrorCode::kNotFound, refusal::kUnknownInstance,
                      "No node instance of that id exists. A node that was deleted or re-imaged has a new one."));
  };
  if (!is_instance_id(instance)) return unknown();
  auto facts = registry_.find(instance);
  if (!facts && facts.error().code == ErrorCode::kNotFound) return unknown();
  return facts;
}

tl::unexpected<Error> Service::refuse(const std::string& instance, Error error) {
  registry_.record_refusal(instance, error);
  return fail(std::move(error));
}

tl::unexpected<Error> Service::refuse_unproven(const std::string& instance, Error error, const std::string& peer) {
  registry_.note_unproven_refusal(instance, error, peer);
  return fail(std::move(error));
}

Result<ChallengeReply> Service::challenge(const std::string& instance, const UnverifiedChallengeRequest& request,
                                          const std::string& peer) {
  SLIPWAY_ASSIGN(const InstanceFacts facts, find(instance));
  if (!facts.vtpm || facts.endorsement_key.empty()) {
    return refuse_unproven(
        instance,
        refusal_error(ErrorCode::kPreconditionFailed, refusal::kNoVtpmRecorded,
                      "No vTPM is recorded for this instance: its pool does not enrol by attestation."),
        peer);
  }
  auto endorsement_key = tpm::check_endorsement_key(facts.endorsement_key);
  if (!endorsement_key) {
    return fail(ErrorCode::kInternal, fmt::format("The endorsement key recorded for {} is not usable: {}",
                                                  facts.node_name, endorsement_key.error().message));
  }
  const auto claimed = tpm::check_endorsement_key(request.endorsement_key);
  if (!claimed || claimed->fingerprint() != endorsement_key->fingerprint()) {
    return refuse_unproven(instance,
                           denied(refusal::kForeignEndorsementKey,
                                  fmt::format("The endorsement key is not the one recorded for {} when its vTPM was "
                                              "made: this is another TPM.",
                                              facts.node_name)),
                           peer);
  }
  const auto attestation_key = tpm::check_attestation_key(request.attestation_key);
  if (!attestation_key) {
    return refuse_unproven(instance,
                           denied(refusal::kUnfitAttestationKey,
                                  fmt::format("The attestation key is refused: {}", attestation_key.error().message)),
                           peer);
  }
  if (facts.attestation_key_name.empty() && request.purpose == Purpose::kAttest) {
    return fail(denied(refusal::kNotEnrolled, "The instance has not enrolled yet. Enrol first."));
  }
  if (!facts.attestation_key_name.empty() && facts.attestation_key_name != attestation_key->name) {
    return refuse_unproven(instance,
                           denied(refusal::kSecondAttestationKey,
                                  fmt::format("{} enrolled another attestation key. An instance has one: re-image the "
                                              "node to start afresh.",
                                              facts.node_name)),
                           peer);
  }

  Challenge issued =
      issue(request.purpose == Purpose::kEnrol ? ChallengeKind::kEnrol : ChallengeKind::kAttest, instance);
  issued.attestation_key = request.attestation_key;
  Result<tpm::Credential> credential = fail(ErrorCode::kInternal, "");
  {
    const std::lock_guard lock(mutex_);
    const Bytes secret = random_.bytes(kDigestSize);
    issued.secret_sha256 = crypto::sha256(secret);
    credential = tpm::make_credential(*endorsement_key, attestation_key->name, secret, random_);
  }
  if (!credential) return fail(std::move(credential).error());
  ChallengeReply reply;
  reply.nonce = issued.nonce;
  reply.challenge = seal_challenge(issued, challenge_key_);
  reply.id_object = std::move(credential->id_object);
  reply.encrypted_secret = std::move(credential->encrypted_secret);
  reply.pcrs = attestation::expected_pcrs();
  return reply;
}

Result<Admission> Service::evidence(const std::string& instance, const UnverifiedEvidenceRequest& request,
                                    const std::string& peer) {
  SLIPWAY_ASSIGN(const InstanceFacts facts, find(instance));
  if (!facts.vtpm) {
    return refuse_unproven(
        instance,
        refusal_error(ErrorCode::kPreconditionFailed, refusal::kNoVtpmRecorded,
                      "No vTPM is recorded for this instance: its pool does not enrol by attestation."),
        peer);
  }
  auto issued = open(request.challenge,
                     request.purpose == Purpose::kEnrol ? ChallengeKind::kEnrol : ChallengeKind::kAttest, instance);
  if (!issued) {
    if (issued.error().reason == refusal::kForeignNonce)
      return refuse_unproven(instance, std::move(issued).error(), peer);
    return fail(std::move(issued).error());
  }
  if (!equal_in_constant_time(crypto::sha256(request.activated_secret), issued->secret_sha256)) {
    return refuse_unproven(instance,
                           denied(refusal::kCredentialNotActivated,
                                  fmt::format("The credential's secret is wrong: the attestation key does not live in "
                                              "the TPM of {}.",
                                              facts.node_name)),
                           peer);
  }
  // Only now: whoever cannot activate the credential must not be able to void a node's challenge either.
  if (auto fresh = use(*issued); !fresh) return refuse(instance, std::move(fresh).error());
  return appraise(facts, *issued, request, peer);
}

Result<Admission> Service::appraise(const InstanceFacts& facts, const Challenge& issued,
                                    const UnverifiedEvidenceRequest& request, const std::string& peer) {
  const std::string& instance = facts.instance;
  const auto keys = verify_requests(request.client_request, request.serving_request);
  if (!keys) return refuse(instance, keys.error());
  SLIPWAY_ASSIGN(const Bytes key_name, tpm::compute_name(issued.attestation_key));
  const auto second_key = [&] {
    return refuse(instance, denied(refusal::kSecondAttestationKey,
                                   fmt::format("{} enrolled another attestation key. An instance has one: re-image the "
                                               "node to start afresh.",
                                               facts.node_name)));
  };
  if (!facts.attestation_key_name.empty() && facts.attestation_key_name != key_name) return second_key();

  const Time now = clock_.now();
  attestation::EvidenceBundle bundle;
  bundle.node = facts.node_name;
  bundle.instance = instance;
  bundle.evidence = {request.quote.attest, request.quote.signature, request.firmware_event_log, request.ima_log};
  bundle.expectation = {qualifying_data(request.purpose, issued.nonce, instance, keys->client, keys->serving),
                        issued.attestation_key, attestation::expected_pcrs()};
  bundle.purpose = to_string(request.purpose);
  bundle.nonce = issued.nonce;
  bundle.client_request = request.client_request;
  bundle.serving_request = request.serving_request;
  bundle.circumstances = {now, issued.expires - kNonceLifetime, crypto::sha256(facts.endorsement_key),
                          facts.last_sighting, facts.host_restarted};
  bundle.endorsement = facts.endorsement;
  bundle.references = facts.appraiser->reference();
  attestation::Appraisal appraisal =
      facts.appraiser->appraise(bundle.evidence, bundle.expectation, bundle.circumstances);
  const attestation::Verdict& verdict = appraisal.verdict;
  bundle.verdict = attestation::to_json(verdict);
  // Of a key that is not this instance's own yet nothing is remembered.
  if (facts.attestation_key_name.empty() && verdict.verdict_class != attestation::VerdictClass::kTrusted)
    appraisal.sighting.reset();
  SLIPWAY_TRY(registry_.record_verdict(instance, appraisal, bundle));
  if (verdict.verdict_class != attestation::VerdictClass::kTrusted) {
    const bool binding = has_finding(verdict, kBinding);
    return refuse(instance,
                  denied(binding ? refusal::kWrongKeyBinding : refusal::kVerdictNotTrusted,
                         fmt::format("The verdict on {} is {}.{}", facts.node_name,
                                     attestation::to_string(verdict.verdict_class), first_findings(verdict))));
  }
  if (auto enrolled = registry_.enrol_attestation_key(instance, key_name); !enrolled) {
    if (enrolled.error().code == ErrorCode::kConflict) return second_key();
    return fail(std::move(enrolled).error());
  }

  const Bytes client_key = keys->client.spki_der();
  const bool holds_certificate = request.purpose == Purpose::kAttest && client_key == facts.certified_client_key &&
                                 facts.certificate_expires && now < *facts.certificate_expires;
  if (holds_certificate) {
    Admission unchanged;
    unchanged.verdict = attestation::to_string(verdict.verdict_class);
    unchanged.node_name = facts.node_name;
    unchanged.next_evidence_seconds = facts.next_evidence_seconds;
    return unchanged;
  }
  SLIPWAY_ASSIGN(Admission admission, registry_.admit(instance, client_key, keys->serving.spki_der(), peer));
  admission.verdict = attestation::to_string(verdict.verdict_class);
  return admission;
}

Result<Admission> Service::secret(const std::string& instance, const UnverifiedSecretRequest& request,
                                  const std::string& peer) {
  SLIPWAY_ASSIGN(const InstanceFacts facts, find(instance));
  if (facts.vtpm) {
    return refuse_unproven(
        instance,
        denied(refusal::kSecretRefusedForVtpmPool,
               fmt::format("{} has a vTPM: it enrols by attestation and by nothing else.", facts.node_name)),
        peer);
  }
  // Whoever holds the secret proved who he is, even where it is of no use any more.
  const bool holds_secret = !facts.vtpm && !facts.secret_hash.empty() && is_secret_form(request.secret) &&
                            crypto::matches_secret_hash(facts.secret_hash, request.secret);
  const auto refuse_holder = [&](Error error) {
    return holds_secret ? refuse(instance, std::move(error)) : refuse_unproven(instance, std::move(error), peer);
  };
  const auto used_before = [&] {
    return refuse_holder(
        denied(refusal::kSecretUsed,
               fmt::format("The one-time secret of {} was used already. Re-image the node.", facts.node_name)));
  };
  // Used, but no certificate came of it: whoever holds the key of that use may ask again.
  const bool unfinished = facts.secret_used && !facts.secret_holder.empty() && !facts.certificate_expires;
  if (facts.secret_used && !unfinished) return used_before();
  if (clock_.now() >= facts.created + kSecretLifetime) {
    return refuse_holder(denied(refusal::kSecretExpired,
                                fmt::format("The one-time secret of {} is older than {} minutes. Re-image the node.",
                                            facts.node_name, kSecretLifetime.count() / 60)));
  }
  if (!holds_secret) {
    return refuse_holder(
        denied(refusal::kWrongSecret, fmt::format("That is not the one-time secret of {}.", facts.node_name)));
  }
  const auto keys = verify_requests(request.client_request, request.serving_request);
  if (!keys) return refuse(instance, keys.error());
  if (auto observed = registry_.confirm_host_observation(instance); !observed) {
    if (observed.error().code == ErrorCode::kUnavailable) return fail(std::move(observed).error());
    return refuse(instance, denied(refusal::kHostObservationUnfit, observed.error().message));
  }
  const Bytes client_key = keys->client.spki_der();
  if (unfinished) {
    if (client_key != facts.secret_holder) return used_before();
  } else if (auto consumed = registry_.consume_secret(instance, client_key); !consumed) {
    if (consumed.error().code != ErrorCode::kConflict) return fail(std::move(consumed).error());
    return used_before();
  }
  SLIPWAY_ASSIGN(Admission admission, registry_.admit(instance, client_key, keys->serving.spki_der(), peer));
  admission.verdict = "hostObserved";
  return admission;
}

Result<RenewalChallengeReply> Service::renewal_challenge(const std::string& instance, const std::string& peer) {
  SLIPWAY_ASSIGN(const InstanceFacts facts, find(instance));
  if (facts.vtpm) {
    return refuse_unproven(
        instance,
        denied(refusal::kRenewalRefusedForVtpmPool,
               fmt::format("{} has a vTPM: it renews with evidence and with nothing else.", facts.node_name)),
        peer);
  }
  const Challenge issued = issue(ChallengeKind::kRenewal, instance);
  return RenewalChallengeReply{issued.nonce, seal_challenge(issued, challenge_key_)};
}

Result<Admission> Service::renewal(const std::string& instance, const UnverifiedRenewalRequest& request,
                                   const std::string& peer) {
  SLIPWAY_ASSIGN(const InstanceFacts facts, find(instance));
  if (facts.vtpm) {
    return refuse_unproven(
        instance,
        denied(refusal::kRenewalRefusedForVtpmPool,
               fmt::format("{} has a vTPM: it renews with evidence and with nothing else.", facts.node_name)),
        peer);
  }
  if (facts.certified_client_key.empty() || !facts.certificate_expires || clock_.now() >= *facts.certificate_expires) {
    return refuse_unproven(
        instance,
        denied(refusal::kNothingToRenew,
               fmt::format("{} holds no certificate, or it has expired. Re-image the node.", facts.node_name)),
        peer);
  }
  auto issued = open(request.challenge, ChallengeKind::kRenewal, instance);
  if (!issued) {
    if (issued.error().reason == refusal::kForeignNonce)
      return refuse_unproven(instance, std::move(issued).error(), peer);
    return fail(std::move(issued).error());
  }
  const auto keys = verify_requests(request.client_request, request.serving_request);
  if (!keys) return refuse_unproven(instance, keys.error(), peer);
  SLIPWAY_ASSIGN(const auto certified, crypto::PublicKey::from_spki_der(facts.certified_client_key));
  if (!certified.verify(crypto::SignatureScheme::kEcdsaP256Sha256,
                        renewal_statement(issued->nonce, instance, keys->client, keys->serving), request.signature)) {
    return refuse_unproven(
        instance,
        denied(refusal::kWrongRenewalSignature,
               fmt::format("The renewal is not signed by the key certified last for {}.", facts.node_name)),
        peer);
  }
  if (auto fresh = use(*issued); !fresh) return refuse(instance, std::move(fresh).error());
  if (auto observed = registry_.confirm_host_observation(instance); !observed) {
    if (observed.error().code == ErrorCode::kUnavailable) return fail(std::move(observed).error());
    return refuse(instance, denied(refusal::kHostObservationUnfit, observed.error().message));
  }
  SLIPWAY_ASSIGN(Admission admission,
                 registry_.admit(instance, keys->client.spki_der(), keys->serving.spki_der(), peer));
  admission.verdict = "hostObserved";
  return admission;
}

}  // namespace slipway::enrolment
