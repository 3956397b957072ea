#include "control/registry.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/documents.h"
#include "control/endorsement.h"
#include "control/log_text.h"
#include "enrolment/refusal.h"

namespace slipway::control {
namespace {

constexpr seconds kFreshVerdict{120};
constexpr std::string_view kUnproven = "Unauthenticated, from ";

Status still_wanted(const fleet::Node& node) {
  if (node.phase != fleet::NodePhase::kDeleting) return {};
  return fail(ErrorCode::kPermissionDenied, fmt::format("Node {} is being deleted.", node.name),
              std::string(enrolment::refusal::kUnknownInstance));
}

}  // namespace

Registry::Registry(store::Store& store, host::Host& host, kube::Kubernetes& kubernetes, ImageStore& images,
                   EvidenceArchive& archive, ResultKeys& result_keys, const Clock& clock, RegistrySettings settings,
                   std::function<void(const std::string&)> changed)
    : store_(store),
      host_(host),
      kubernetes_(kubernetes),
      images_(images),
      archive_(archive),
      result_keys_(result_keys),
      clock_(clock),
      settings_(std::move(settings)),
      predictions_(store),
      changed_(std::move(changed)) {}

Result<enrolment::InstanceFacts> Registry::find(const std::string& instance) {
  SLIPWAY_ASSIGN(const fleet::Node node, get_node(store_, instance));
  SLIPWAY_TRY(still_wanted(node));
  enrolment::InstanceFacts facts;
  facts.instance = node.instance;
  facts.node_name = node.name;
  facts.vtpm = node.vtpm;
  facts.secure_boot = node.secure_boot;
  facts.endorsement_key = node.endorsement_key;
  facts.attestation_key_name = node.attestation_key_name;
  facts.secret_hash = node.secret_hash;
  facts.secret_used = node.secret_used;
  facts.secret_holder = node.secret_holder;
  // A one-time secret is made with the VM that it is handed to, not with the document.
  facts.created = node.booted.value_or(clock_.now());
  facts.certified_client_key = node.client_key;
  facts.certificate_expires = node.certificate_expires;
  facts.next_evidence_seconds = static_cast<int>(settings_.evidence_interval.count());
  if (!node.vtpm) return facts;

  if (const auto recorded = host_.vtpm(instance)) facts.endorsement = endorsement_of(*recorded, node.endorsement_key);
  SLIPWAY_ASSIGN(EvidenceArchive::LastSighting last, archive_.last_sighting(instance));
  facts.last_sighting = std::move(last.sighting);
  facts.host_restarted = last.host_restarted;
  SLIPWAY_ASSIGN(attestation::Appraiser appraiser, attestation::Appraiser::make(references_of(node)));
  facts.appraiser = std::make_shared<const attestation::Appraiser>(std::move(appraiser));
  return facts;
}

enrolment::Standing Registry::standing(const std::string& instance, const std::string& peer) {
  using enrolment::Standing;
  const auto node = get_node(store_, instance);
  if (!node) return node.error().code == ErrorCode::kNotFound ? Standing::kUnknown : Standing::kOwn;
  if (!still_wanted(*node)) return Standing::kUnknown;
  return node->address.empty() || node->address == peer ? Standing::kOwn : Standing::kForeign;
}

// Where an image or its prediction is not there the references stay empty, and the verdict says that they are missing:
// that is an outage of ours, and no lie of the node's.
attestation::References Registry::references_of(const fleet::Node& node) {
  attestation::References references;
  references.secure_boot_required = node.secure_boot;
  references.policy = settings_.policy;
  const auto missing = [&](const Error& error) {
    spdlog::error("no reference values node={} why={}", node.name, log_quoted(error.message));
    return references;
  };
  const auto image = images_.find(node.image_version);
  if (!image) return missing(image.error());
  const host::Shape shape{node.vcpus, node.memory_mib};
  auto prediction = host_.predict(image->manifest, shape, node.secure_boot);
  if (!prediction) return missing(prediction.error());
  auto valid = predictions_.valid({node.image_version, shape, node.secure_boot}, *std::move(prediction), clock_.now());
  if (!valid) return missing(valid.error());
  references.predictions = *std::move(valid);
  return references;
}

Status Registry::enrol_attestation_key(const std::string& instance, const Bytes& name) {
  const auto node = change_node(store_, instance, [&](fleet::Node& found) -> Status {
    SLIPWAY_TRY(still_wanted(found));
    if (!found.attestation_key_name.empty() && found.attestation_key_name != name) {
      return fail(ErrorCode::kConflict,
                  fmt::format("Node {} enrolled another attestation key before. A node whose TPM or disk was exchanged "
                              "is a new instance: replace the node.",
                              found.name),
                  std::string(enrolment::refusal::kSecondAttestationKey));
    }
    found.attestation_key_name = name;
    return {};
  });
  return node ? Status{} : fail(node.error());
}

Status Registry::consume_secret(const std::string& instance, const Bytes& client_key) {
  const auto node = change_node(store_, instance, [&](fleet::Node& found) -> Status {
    SLIPWAY_TRY(still_wanted(found));
    if (found.secret_used || found.secret_hash.empty()) {
      return fail(ErrorCode::kConflict, fmt::format("The one-time secret of node {} was used before.", found.name),
                  std::string(enrolment::refusal::kSecretUsed));
    }
    found.secret_used = true;
    found.secret_holder = client_key;
    return {};
  });
  return node ? Status{} : fail(node.error());
}

Result<std::string> Registry::issue_result(const fleet::Node& node, const attestation::Verdict& verdict,
                                           const Bytes& nonce) {
  SLIPWAY_ASSIGN(const fleet::Cluster cluster, get_cluster(store_, node.cluster));
  const seconds lifetime = std::min(result_keys_.token_lifetime(), 2 * settings_.evidence_interval + seconds(60));
  const attestation::ResultSubject subject{settings_.issuer, node.instance, node.name,
                                           cluster.id,       nonce,         verdict.appraised + lifetime};
  return result_keys_.sign(attestation::result_claims(verdict, subject), verdict.appraised);
}

Status Registry::record_verdict(const std::string& instance, const attestation::Appraisal& appraisal,
                                const attestation::EvidenceBundle& bundle) {
  const attestation::Verdict& verdict = appraisal.verdict;
  SLIPWAY_ASSIGN(const fleet::Node before, get_node(store_, instance));
  bool changed = true;
  if (const auto last = attestation::verdict_from_json(before.verdict)) {
    changed = last->verdict_class != verdict.verdict_class;
  }
  SLIPWAY_ASSIGN(std::string result, issue_result(before, verdict, bundle.nonce));
  SLIPWAY_TRY(archive_.keep(instance, {bundle, verdict, appraisal.sighting, changed, std::move(result)}));

  const bool good = verdict.verdict_class == attestation::VerdictClass::kTrusted;
  const auto node = change_node(store_, instance, [&](fleet::Node& found) -> Status {
    found.verdict = attestation::to_json(verdict);
    found.last_evidence = verdict.appraised;
    if (good) found.last_good_verdict = verdict.appraised;
    return {};
  });
  if (!node) return fail(node.error());
  if (good) {
    spdlog::info("verdict node={} class=trusted", node->name);
  } else {
    spdlog::warn("verdict node={} class={} findings={} first={}", node->name,
                 attestation::to_string(verdict.verdict_class), verdict.findings.size(),
                 log_quoted(verdict.findings.empty() ? "" : verdict.findings.front().message));
  }
  changed_(node->cluster);
  return {};
}

void Registry::record_refusal(const std::string& instance, const Error& error) {
  const auto node = change_node(store_, instance, [&](fleet::Node& found) -> Status {
    found.refusal = error.reason.empty() ? error.message : fmt::format("{}: {}", error.reason, error.message);
    return {};
  });
  if (!node) return;
  spdlog::warn("enrolment refused node={} reason={} why={}", node->name, error.reason, log_quoted(error.message));
  changed_(node->cluster);
}

void Registry::note_unproven_refusal(const std::string& instance, const Error& error, const std::string& peer) {
  const auto node = get_node(store_, instance);
  if (!node) return;
  spdlog::warn("enrolment refused, unauthenticated node={} peer={} reason={} why={}", node->name, log_quoted(peer),
               error.reason, log_quoted(error.message));
  const std::string text = fmt::format("{}{}: {}: {}", kUnproven, peer, error.reason, error.message);
  const auto hides_nothing = [&](const fleet::Node& found) {
    return !(found.certificate_expires && clock_.now() < *found.certificate_expires) && found.refusal != text &&
           (found.refusal.empty() || found.refusal.starts_with(kUnproven));
  };
  if (!hides_nothing(*node)) return;
  const auto shown = change_node(store_, instance, [&](fleet::Node& found) -> Status {
    if (hides_nothing(found)) found.refusal = text;
    return {};
  });
  if (shown) changed_(shown->cluster);
}

Status Registry::confirm_host_observation(const std::string& instance) {
  SLIPWAY_ASSIGN(const fleet::Node node, get_node(store_, instance));
  SLIPWAY_TRY(still_wanted(node));
  if (!node.secure_boot) return {};
  SLIPWAY_ASSIGN(const host::FirmwareObservation seen, host_.observe_firmware(instance));
  if (seen.secure_boot_enabled) return {};
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("The pool of node {} has Secure Boot, but the host does not see it switched on in the VM's "
                          "variable store: {} Replace the node.",
                          node.name, seen.detail),
              std::string(enrolment::refusal::kHostObservationUnfit));
}

Result<enrolment::Admission> Registry::admit(const std::string& instance, const Bytes& client_key,
                                             const Bytes& serving_key, const std::string& peer) {
  SLIPWAY_ASSIGN(const fleet::Node node, get_node(store_, instance));
  SLIPWAY_TRY(still_wanted(node));
  // The serving certificate names the peer's address: a VM gets one for its own and for no other.
  if (!node.address.empty() && peer != node.address) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("Node {} has the address {}, and this came from {}.", node.name, node.address, peer),
                std::string(enrolment::refusal::kForeignAddress));
  }
  const Time now = clock_.now();
  if (node.vtpm) {
    const auto verdict = attestation::verdict_from_json(node.verdict);
    const bool fresh = node.last_good_verdict && now - *node.last_good_verdict <= kFreshVerdict;
    if (!verdict || verdict->verdict_class != attestation::VerdictClass::kTrusted || !fresh) {
      return fail(ErrorCode::kPermissionDenied,
                  fmt::format("Node {} has no good verdict of the last {} s.", node.name, kFreshVerdict.count()),
                  std::string(enrolment::refusal::kVerdictNotTrusted));
    }
  }
  SLIPWAY_ASSIGN(const fleet::Cluster cluster, get_cluster(store_, node.cluster));
  if (cluster.api_server.empty()) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("The control plane of cluster {} does not run yet; ask again.", cluster.name));
  }
  SLIPWAY_ASSIGN(const crypto::PublicKey client, crypto::PublicKey::from_spki_der(client_key));
  SLIPWAY_ASSIGN(const crypto::PublicKey serving, crypto::PublicKey::from_spki_der(serving_key));
  SLIPWAY_ASSIGN(const crypto::Certificate client_certificate,
                 kubernetes_.issue_kubelet_client(cluster.id, node.name, client, now, settings_.certificate_lifetime));
  SLIPWAY_ASSIGN(
      const crypto::Certificate serving_certificate,
      kubernetes_.issue_kubelet_serving(cluster.id, node.name, {peer}, serving, now, settings_.certificate_lifetime));
  // Recorded before they leave: a certificate that nobody knows of must not exist.
  const auto recorded = change_node(store_, instance, [&](fleet::Node& found) -> Status {
    SLIPWAY_TRY(still_wanted(found));
    found.client_key = client_key;
    found.certificate_expires = client_certificate.not_after();
    found.ip = peer;
    found.refusal.clear();
    return {};
  });
  if (!recorded) return fail(recorded.error());
  spdlog::info("admitted node={} peer={} until={}", node.name, peer, to_rfc3339(client_certificate.not_after()));
  changed_(node.cluster);

  enrolment::Admission admission;
  admission.verdict = node.vtpm ? "trusted" : "hostObserved";
  admission.node_name = node.name;
  admission.client_certificate = client_certificate.pem();
  admission.serving_certificate = serving_certificate.pem();
  admission.cluster_ca = cluster.certificate_authority;
  admission.api_server = cluster.api_server;
  const kube::ClusterSpec spec;
  admission.cluster_dns = spec.dns_service_ip;
  admission.pod_cidr = fmt::format("10.244.{}.0/24", node.pod_subnet);
  admission.cluster_cidr = spec.pod_cidr;
  admission.node_labels = {{"agentpool", node.pool}};
  admission.next_evidence_seconds = static_cast<int>(settings_.evidence_interval.count());
  return admission;
}

}  // namespace slipway::control
