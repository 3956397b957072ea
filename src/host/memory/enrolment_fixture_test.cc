#include "host/memory/enrolment_fixture.h"

#include <boost/json/serialize.hpp>

#include "base/bytes.h"
#include "enrolment/refusal.h"

namespace slipway::host::testing {
namespace {

constexpr seconds kCertificateLifetime{3600};

image::BootFile boot_file(image::BootFileRole role, const std::string& path, bool is_image) {
  image::BootFile file;
  file.role = role;
  file.path = path;
  file.package = "package of " + path;
  file.size = 1;
  file.sha256 = crypto::sha256(as_bytes("file " + path));
  if (is_image) file.authenticode_sha256 = crypto::sha256(as_bytes("image " + path));
  if (is_image) file.signers = {"CN=Signer of " + path};
  return file;
}

// RSA keys are slow to make: each instance's TPM is made once for all tests.
const std::string& tpm_state(const std::string& instance) {
  static std::map<std::string, std::string> states;
  std::string& state = states[instance];
  if (state.empty()) state = SoftwareAttester::manufacture().value()->state();
  return state;
}

int status_of(ErrorCode code) {
  if (code == ErrorCode::kNotFound) return 404;
  return code == ErrorCode::kUnavailable ? 503 : 403;
}

template <typename T>
enrolment::Reply reply_of(const Result<T>& result) {
  if (result) return {200, to_json(*result)};
  return {status_of(result.error().code),
          boost::json::serialize(boost::json::object{
              {"error", boost::json::object{{"code", result.error().reason}, {"message", result.error().message}}}})};
}

}  // namespace

image::Manifest test_manifest() {
  using Role = image::BootFileRole;
  image::Manifest manifest;
  manifest.version = "SlipwaySimulated-12-gen2TLcontainerd-202611.23.0";
  manifest.trusted_launch = true;
  manifest.boot_files = {
      boot_file(Role::kShim, "/EFI/BOOT/BOOTX64.EFI", true), boot_file(Role::kGrub, "/EFI/BOOT/grubx64.efi", true),
      boot_file(Role::kGrubConfig, "/EFI/debian/grub.cfg", false),
      boot_file(Role::kKernel, "/EFI/debian/vmlinuz", true), boot_file(Role::kInitrd, "/EFI/debian/initrd", false)};
  manifest.root_hash = crypto::sha256(as_bytes("root"));
  manifest.grub_commands = {"linux (hd0,gpt1)/EFI/debian/vmlinuz ro", "initrd (hd0,gpt1)/EFI/debian/initrd", "boot"};
  manifest.kernel_command_line = "(hd0,gpt1)/EFI/debian/vmlinuz ro slipway.roothash=" + to_hex(manifest.root_hash);
  return with_simulated_digests(std::move(manifest));
}

std::shared_ptr<const attestation::Appraiser> test_appraiser(const image::Manifest& manifest,
                                                             bool secure_boot_required) {
  attestation::References references;
  references.predictions = {{predict_simulated(manifest, true).value(), std::nullopt}};
  if (!secure_boot_required)
    references.predictions.push_back({predict_simulated(manifest, false).value(), std::nullopt});
  references.secure_boot_required = secure_boot_required;
  return std::make_shared<attestation::Appraiser>(attestation::Appraiser::make(std::move(references)).value());
}

MemoryRegistry::MemoryRegistry(const Clock& clock, Random& random)
    : clock_(clock),
      random_(random),
      authority_(
          crypto::make_authority("test cluster", clock.now() - seconds(60), clock.now() + seconds(360000), random)
              .value()) {}

Result<enrolment::InstanceFacts> MemoryRegistry::find(const std::string& instance) {
  const std::lock_guard lock(mutex_);
  const auto found = facts.find(instance);
  if (found == facts.end()) return fail(ErrorCode::kNotFound, "no such instance");
  return found->second;
}

Status MemoryRegistry::enrol_attestation_key(const std::string& instance, const Bytes& name) {
  const std::lock_guard lock(mutex_);
  Bytes& enrolled = facts.at(instance).attestation_key_name;
  if (!enrolled.empty() && enrolled != name) return fail(ErrorCode::kConflict, "another key");
  enrolled = name;
  return {};
}

Status MemoryRegistry::consume_secret(const std::string& instance, const Bytes& client_key) {
  const std::lock_guard lock(mutex_);
  bool& used = facts.at(instance).secret_used;
  if (used) return fail(ErrorCode::kConflict, "used");
  used = true;
  facts.at(instance).secret_holder = client_key;
  return {};
}

Status MemoryRegistry::record_verdict(const std::string& instance, const attestation::Appraisal& appraisal,
                                      const attestation::EvidenceBundle& bundle) {
  const std::lock_guard lock(mutex_);
  verdicts.push_back(appraisal.verdict);
  bundles.push_back(bundle);
  if (appraisal.sighting) facts.at(instance).last_sighting = appraisal.sighting;
  return {};
}

enrolment::Standing MemoryRegistry::standing(const std::string& instance, const std::string&) {
  return find(instance) ? enrolment::Standing::kOwn : enrolment::Standing::kUnknown;
}

void MemoryRegistry::note_unproven_refusal(const std::string& instance, const Error& error, const std::string&) {
  record_refusal(instance, error);
  const std::lock_guard lock(mutex_);
  ++unproven_refusals;
}

void MemoryRegistry::record_refusal(const std::string&, const Error& error) {
  const std::lock_guard lock(mutex_);
  refusals.push_back(error);
}

Status MemoryRegistry::confirm_host_observation(const std::string&) { return host_observation; }

Result<enrolment::Admission> MemoryRegistry::admit(const std::string& instance, const Bytes& client_key,
                                                   const Bytes& serving_key, const std::string&) {
  const std::lock_guard lock(mutex_);
  if (!admit_failure.message.empty()) return fail(admit_failure);
  enrolment::InstanceFacts& node = facts.at(instance);
  crypto::CertificateTemplate content;
  content.common_name = "system:node:" + node.node_name;
  content.not_before = clock_.now() - seconds(60);
  content.not_after = clock_.now() + kCertificateLifetime;
  SLIPWAY_ASSIGN(const auto client, crypto::PublicKey::from_spki_der(client_key));
  SLIPWAY_ASSIGN(const auto serving, crypto::PublicKey::from_spki_der(serving_key));
  SLIPWAY_ASSIGN(const auto client_certificate, crypto::issue_certificate(authority_, content, client, random_));
  SLIPWAY_ASSIGN(const auto serving_certificate, crypto::issue_certificate(authority_, content, serving, random_));
  node.certified_client_key = client_key;
  node.certificate_expires = content.not_after;
  ++admissions;
  enrolment::Admission admission;
  admission.node_name = node.node_name;
  admission.client_certificate = client_certificate.pem();
  admission.serving_certificate = serving_certificate.pem();
  admission.cluster_ca = authority_.certificate.pem();
  admission.api_server = "https://127.0.0.1:16443";
  admission.cluster_dns = "10.0.0.10";
  admission.pod_cidr = "10.244.1.0/24";
  admission.cluster_cidr = "10.244.0.0/16";
  return admission;
}

enrolment::Reply serve(enrolment::Service& service, const std::string& path, const std::string& body) {
  const std::string prefix = "/node/v1/";
  const std::string instance = path.substr(prefix.size(), 36);
  const std::string action = path.substr(prefix.size() + 37);
  constexpr const char* kPeer = "127.0.0.1";
  if (action == "challenge") {
    return reply_of(service.challenge(instance, enrolment::challenge_request_from_json(body).value(), ""));
  }
  if (action == "evidence") {
    return reply_of(service.evidence(instance, enrolment::evidence_request_from_json(body).value(), kPeer));
  }
  if (action == "secret") {
    return reply_of(service.secret(instance, enrolment::secret_request_from_json(body).value(), kPeer));
  }
  if (action == "renewal-challenge") return reply_of(service.renewal_challenge(instance, ""));
  return reply_of(service.renewal(instance, enrolment::renewal_request_from_json(body).value(), kPeer));
}

EnrolmentTest::EnrolmentTest() = default;

std::unique_ptr<SoftwareAttester> EnrolmentTest::make_node(const std::string& instance) {
  auto attester = SoftwareAttester::from_state(tpm_state(instance)).value();
  EXPECT_TRUE(attester->boot(boot).has_value());
  enrolment::InstanceFacts node;
  node.instance = instance;
  node.node_name = "aks-pool-" + instance.substr(0, 8);
  node.vtpm = true;
  node.secure_boot = true;
  node.endorsement_key = attester->endorsement_key_public().value();
  node.created = clock.now();
  node.appraiser = test_appraiser(manifest);
  registry.facts[instance] = std::move(node);
  return attester;
}

enrolment::Bootstrap EnrolmentTest::make_secret_node(const std::string& instance) {
  const std::string secret = to_hex(random.bytes(32));
  enrolment::InstanceFacts node;
  node.instance = instance;
  node.node_name = "aks-plain-" + instance.substr(0, 8);
  node.secret_hash = crypto::hash_secret(secret, random);
  node.created = clock.now();
  registry.facts[instance] = std::move(node);
  return {instance, "https://127.0.0.1:15443", random.bytes(32), secret};
}

enrolment::Transport EnrolmentTest::transport() {
  return [this](const std::string& path, const std::string& body) -> Result<enrolment::Reply> {
    enrolment::Reply reply = serve(service, path, body);
    if (lost_answers > 0) {
      --lost_answers;
      return fail(ErrorCode::kUnavailable, "the answer was lost");
    }
    return reply;
  };
}

Result<enrolment::Admission> EnrolmentTest::attest(tpm::Attester& attester, const std::string& instance,
                                                   enrolment::Purpose purpose) {
  return enrolment::attest_once(transport(), attester, instance, purpose, enrolment::generate_node_keys());
}

Result<enrolment::ChallengeReply> EnrolmentTest::ask(tpm::Attester& attester, const std::string& instance,
                                                     enrolment::Purpose purpose) {
  return service.challenge(
      instance, {purpose, attester.endorsement_key_public().value(), attester.attestation_key_public().value()}, "");
}

enrolment::UnverifiedEvidenceRequest EnrolmentTest::answer(tpm::Attester& attester, const std::string& instance,
                                                           const enrolment::ChallengeReply& challenge,
                                                           const enrolment::NodeKeys& keys,
                                                           enrolment::Purpose purpose) {
  enrolment::UnverifiedEvidenceRequest evidence;
  // A transport that answers the challenge step with the given one and keeps the evidence instead of sending it.
  const enrolment::Transport capture = [&](const std::string& path,
                                           const std::string& body) -> Result<enrolment::Reply> {
    if (path.ends_with("/challenge")) return enrolment::Reply{200, to_json(challenge)};
    evidence = enrolment::evidence_request_from_json(body).value();
    return fail(ErrorCode::kUnavailable, "captured");
  };
  const auto captured = enrolment::attest_once(capture, attester, instance, purpose, keys);
  EXPECT_EQ(captured.error().message, "captured");
  return evidence;
}

}  // namespace slipway::host::testing
