#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "attestation/appraiser.h"
#include "attestation/evidence_bundle.h"
#include "base/random.h"
#include "base/time.h"
#include "enrolment/challenge.h"
#include "enrolment/messages.h"

namespace slipway::enrolment {

// What the store knows of an instance: chosen by the pool's setting, never by what the agent says.
struct InstanceFacts {
  std::string instance, node_name;
  bool vtpm = false, secure_boot = false;
  Bytes endorsement_key;  // TPMT_PUBLIC recorded when the vTPM was made
  // Of that key, for the bundle; none where the host recorded none.
  std::optional<attestation::EndorsementCertificates> endorsement;
  Bytes attestation_key_name;  // of the AK enrolled; empty before
  std::string secret_hash;     // empty: no one-time secret
  bool secret_used = false;
  Bytes secret_holder;  // SubjectPublicKeyInfo DER of the client key that used the secret; empty before
  Time created{};
  Bytes certified_client_key;  // SubjectPublicKeyInfo DER certified last; empty before
  std::optional<Time> certificate_expires;
  // What evidence is appraised with; never null where the pool has vTPMs.
  std::shared_ptr<const attestation::Appraiser> appraiser;
  std::optional<attestation::TpmSighting> last_sighting;  // of this instance's TPM; none before its first evidence
  bool host_restarted = false;                            // since then
  int next_evidence_seconds = 300;                        // when the node is to attest again
};

// What an instance is to the address that names it.
enum class Standing {
  kUnknown,  // there is no such instance, or it is on its way out
  kForeign,  // there is, and the host gave its VM another address
  kOwn,      // its VM's address; or any, where the host gives VMs none
};

// Everything that enrolment changes or asks of the rest of the house. control/registry.h implements it on the store and
// Kubernetes; tests use one in memory. Thread-safe.
class Registry {
 public:
  virtual ~Registry() = default;
  virtual Result<InstanceFacts> find(const std::string& instance) = 0;  // kNotFound
  // Cheap: asked of every request before anything else. An outage is kOwn: what comes next will tell.
  virtual Standing standing(const std::string& instance, const std::string& peer) = 0;
  // Records the AK for the instance if it has none, atomically; kConflict if it has another.
  virtual Status enrol_attestation_key(const std::string& instance, const Bytes& name) = 0;
  // Marks the one-time secret used by whoever holds this client key (SubjectPublicKeyInfo DER), atomically; kConflict
  // if it was used before.
  virtual Status consume_secret(const std::string& instance, const Bytes& client_key) = 0;
  // Keeps the verdict, the sighting of the TPM where there is one, and the evidence as docs/threat-model.md says.
  virtual Status record_verdict(const std::string& instance, const attestation::Appraisal& appraisal,
                                const attestation::EvidenceBundle& bundle) = 0;
  // A refusal that says something about the node, since the caller proved to be it: shown to operators.
  virtual void record_refusal(const std::string& instance, const Error& error) = 0;
  // One that anybody can cause who knows the instance's id, and every pod of the cluster may. It must not hide what
  // record_refusal said, nor say anything of a node that is well.
  virtual void note_unproven_refusal(const std::string& instance, const Error& error, const std::string& peer) = 0;
  // For a pool without a vTPM: what the host sees must fit (variable store, firmware). An error refuses.
  virtual Status confirm_host_observation(const std::string& instance) = 0;
  // Issues both certificates for these keys (SubjectPublicKeyInfo DER), and fills in the rest of the admission. `peer`
  // is the node's address; ForeignAddress if it is not the one that the host gave to the VM. Called only after a good
  // verdict at most two minutes old, or a consumed secret, or a good renewal.
  virtual Result<Admission> admit(const std::string& instance, const Bytes& client_key, const Bytes& serving_key,
                                  const std::string& peer) = 0;
};

inline constexpr seconds kNonceLifetime{120};
inline constexpr seconds kSecretLifetime{15 * 60};

// The two enrolment methods of docs/formats/enrolment.md, server side. Challenges are stateless: HMAC-SHA-256 under a
// key of this process, so a restart voids those under way. What is kept is one number for each instance: the newest
// challenge that it used. That challenge and every older one are void. Thread-safe.
//
// Every refusal has Error::reason set to one of enrolment/refusal.h's names; those that say something about the node
// are also told to Registry::record_refusal, or, before the caller proved anything, to note_unproven_refusal.
class Service {
 public:
  Service(Registry& registry, const Clock& clock, Random& random);

  Standing standing(const std::string& instance, const std::string& peer) { return registry_.standing(instance, peer); }
  Result<ChallengeReply> challenge(const std::string& instance, const UnverifiedChallengeRequest& request,
                                   const std::string& peer);
  Result<Admission> evidence(const std::string& instance, const UnverifiedEvidenceRequest& request,
                             const std::string& peer);
  Result<Admission> secret(const std::string& instance, const UnverifiedSecretRequest& request,
                           const std::string& peer);
  Result<RenewalChallengeReply> renewal_challenge(const std::string& instance, const std::string& peer);
  Result<Admission> renewal(const std::string& instance, const UnverifiedRenewalRequest& request,
                            const std::string& peer);

 private:
  struct Used {
    std::uint64_t sequence = 0;
    Time forget{};
  };

  Challenge issue(ChallengeKind kind, const std::string& instance);
  // UnknownNonce, ForeignNonce or ExpiredNonce unless the challenge is one of ours, for just this and still good.
  Result<Challenge> open(std::string_view sealed, ChallengeKind kind, const std::string& instance) const;
  // UsedNonce unless this is the first use.
  Status use(const Challenge& issued);
  Result<InstanceFacts> find(const std::string& instance);
  // Tell the registry, and give the error back.
  tl::unexpected<Error> refuse(const std::string& instance, Error error);
  tl::unexpected<Error> refuse_unproven(const std::string& instance, Error error, const std::string& peer);
  Result<Admission> appraise(const InstanceFacts& facts, const Challenge& issued,
                             const UnverifiedEvidenceRequest& request, const std::string& peer);

  Registry& registry_;
  const Clock& clock_;
  Random& random_;
  Bytes challenge_key_;
  mutable std::mutex mutex_;  // guards what follows, and random_
  std::uint64_t last_sequence_ = 0;
  std::unordered_map<std::string, Used> used_;  // instance -> newest challenge used
  Time next_sweep_{};
};

}  // namespace slipway::enrolment
