#pragma once

#include <functional>
#include <string>

#include "base/time.h"
#include "control/evidence_archive.h"
#include "control/image_store.h"
#include "control/prediction_keeper.h"
#include "control/result_keys.h"
#include "enrolment/service.h"
#include "fleet/types.h"
#include "host/host.h"
#include "kube/kubernetes.h"
#include "store/store.h"

namespace slipway::control {

struct RegistrySettings {
  seconds certificate_lifetime{3600};
  seconds evidence_interval{300};
  attestation::Policy policy;
  std::string issuer;  // of attestation results
};

// enrolment::Registry on the store, the host and Kubernetes. It writes facts into Node documents (keys, verdicts,
// certificates); what they mean for the node's phase and labels is the reconciler's to say. Thread-safe. Holds
// references: what it is given must outlive it.
class Registry final : public enrolment::Registry {
 public:
  // `changed` is called with the cluster's id whenever a fact of one of its nodes changed.
  Registry(store::Store& store, host::Host& host, kube::Kubernetes& kubernetes, ImageStore& images,
           EvidenceArchive& archive, ResultKeys& result_keys, const Clock& clock, RegistrySettings settings,
           std::function<void(const std::string& cluster)> changed);

  Result<enrolment::InstanceFacts> find(const std::string& instance) override;
  enrolment::Standing standing(const std::string& instance, const std::string& peer) override;
  Status enrol_attestation_key(const std::string& instance, const Bytes& name) override;
  Status consume_secret(const std::string& instance, const Bytes& client_key) override;
  Status record_verdict(const std::string& instance, const attestation::Appraisal& appraisal,
                        const attestation::EvidenceBundle& bundle) override;
  void record_refusal(const std::string& instance, const Error& error) override;
  // Stays in the log. It is also shown, as what it is, for a node that holds no certificate and of which nothing better
  // is known: else nobody would see why a node with another TPM never comes.
  void note_unproven_refusal(const std::string& instance, const Error& error, const std::string& peer) override;
  Status confirm_host_observation(const std::string& instance) override;
  // Refuses on its own, whatever the caller believes: a node of a vTPM pool without a good verdict of the last two
  // minutes, one that is being deleted, a peer that is not the node's VM, and a cluster whose control plane is not
  // known yet.
  Result<enrolment::Admission> admit(const std::string& instance, const Bytes& client_key, const Bytes& serving_key,
                                     const std::string& peer) override;

 private:
  // What a node of this kind must measure, now and while an older image or firmware is still good.
  attestation::References references_of(const fleet::Node& node);
  Result<std::string> issue_result(const fleet::Node& node, const attestation::Verdict& verdict, const Bytes& nonce);

  store::Store& store_;
  host::Host& host_;
  kube::Kubernetes& kubernetes_;
  ImageStore& images_;
  EvidenceArchive& archive_;
  ResultKeys& result_keys_;
  const Clock& clock_;
  RegistrySettings settings_;
  PredictionKeeper predictions_;
  std::function<void(const std::string&)> changed_;
};

}  // namespace slipway::control
