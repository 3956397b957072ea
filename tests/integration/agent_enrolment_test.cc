#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>

#include "agent/esys_attester.h"
#include "api/node_listener.h"
#include "base/source_folder_for_tests.h"
#include "bootchain/event_log.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/secret_hash.h"
#include "enrolment/service.h"
#include "host/memory/simulated_boot.h"
#include "http/server.h"
#include "tpm_simulator.h"

// The real agent program with a real TPM 2.0, over HTTPS to the real node listener: all of enrolment but the VM.
namespace slipway {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kInstance = "11111111-1111-4111-8111-111111111111";

template <typename Condition>
bool within(seconds limit, const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return true;
}

std::string content_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

image::Manifest some_manifest() {
  using Role = image::BootFileRole;
  image::Manifest manifest;
  manifest.version = "SlipwaySimulated-12-gen2TLcontainerd-202611.23.0";
  const auto add = [&manifest](Role role, const std::string& path, bool is_image) {
    image::BootFile file;
    file.role = role;
    file.path = path;
    file.sha256 = crypto::sha256(as_bytes("file " + path));
    if (is_image) file.authenticode_sha256 = crypto::sha256(as_bytes("image " + path));
    manifest.boot_files.push_back(std::move(file));
  };
  add(Role::kShim, "/EFI/BOOT/BOOTX64.EFI", true);
  add(Role::kGrub, "/EFI/BOOT/grubx64.efi", true);
  add(Role::kGrubConfig, "/EFI/debian/grub.cfg", false);
  add(Role::kKernel, "/EFI/debian/vmlinuz", true);
  add(Role::kInitrd, "/EFI/debian/initrd", false);
  manifest.root_hash = crypto::sha256(as_bytes("root"));
  manifest.grub_commands = {"linux (hd0,gpt1)/EFI/debian/vmlinuz ro", "initrd (hd0,gpt1)/EFI/debian/initrd", "boot"};
  manifest.kernel_command_line = "(hd0,gpt1)/EFI/debian/vmlinuz ro slipway.roothash=" + to_hex(manifest.root_hash);
  return host::with_simulated_digests(std::move(manifest));
}

// One instance, and the authority of its cluster.
class OneInstance final : public enrolment::Registry {
 public:
  explicit OneInstance(Random& random) : random_(random) {
    const Time now = SystemClock().now();
    authority = crypto::make_authority("cluster", now - seconds(60), now + seconds(86400), random).value();
  }
  Result<enrolment::InstanceFacts> find(const std::string& instance) override {
    const std::lock_guard lock(mutex);
    if (instance != facts.instance) return fail(ErrorCode::kNotFound, "no such instance");
    return facts;
  }
  enrolment::Standing standing(const std::string& instance, const std::string&) override {
    const std::lock_guard lock(mutex);
    return instance == facts.instance ? enrolment::Standing::kOwn : enrolment::Standing::kUnknown;
  }
  Status enrol_attestation_key(const std::string&, const Bytes& name) override {
    const std::lock_guard lock(mutex);
    if (!facts.attestation_key_name.empty() && facts.attestation_key_name != name) {
      return fail(ErrorCode::kConflict, "another key");
    }
    facts.attestation_key_name = name;
    return {};
  }
  Status consume_secret(const std::string&, const Bytes& client_key) override {
    const std::lock_guard lock(mutex);
    if (facts.secret_used) return fail(ErrorCode::kConflict, "used");
    facts.secret_used = true;
    facts.secret_holder = client_key;
    return {};
  }
  Status record_verdict(const std::string&, const attestation::Appraisal& appraisal,
                        const attestation::EvidenceBundle&) override {
    const std::lock_guard lock(mutex);
    verdicts.push_back(appraisal.verdict);
    if (appraisal.sighting) facts.last_sighting = appraisal.sighting;
    return {};
  }
  void record_refusal(const std::string&, const Error& error) override {
    const std::lock_guard lock(mutex);
    refusals.push_back(error.reason);
  }
  void note_unproven_refusal(const std::string&, const Error& error, const std::string&) override {
    const std::lock_guard lock(mutex);
    refusals.push_back(error.reason);
  }
  Status confirm_host_observation(const std::string&) override { return {}; }
  Result<enrolment::Admission> admit(const std::string&, const Bytes& client_key, const Bytes& serving_key,
                                     const std::string&) override {
    const std::lock_guard lock(mutex);
    const Time now = SystemClock().now();
    crypto::CertificateTemplate content;
    content.common_name = "system:node:" + facts.node_name;
    content.organizations = {"system:nodes"};
    content.not_before = now - seconds(60);
    content.not_after = now + lifetime;
    enrolment::Admission admission;
    SLIPWAY_ASSIGN(const auto client, crypto::PublicKey::from_spki_der(client_key));
    SLIPWAY_ASSIGN(const auto serving, crypto::PublicKey::from_spki_der(serving_key));
    SLIPWAY_ASSIGN(const auto client_certificate, crypto::issue_certificate(*authority, content, client, random_));
    SLIPWAY_ASSIGN(const auto serving_certificate, crypto::issue_certificate(*authority, content, serving, random_));
    facts.certified_client_key = client_key;
    facts.certificate_expires = content.not_after;
    ++admissions;
    admission.node_name = facts.node_name;
    admission.client_certificate = client_certificate.pem();
    admission.serving_certificate = serving_certificate.pem();
    admission.cluster_ca = authority->certificate.pem();
    admission.api_server = "https://127.0.0.1:16443";
    admission.cluster_dns = "10.0.0.10";
    admission.pod_cidr = "10.244.1.0/24";
    admission.cluster_cidr = "10.244.0.0/16";
    admission.next_evidence_seconds = facts.next_evidence_seconds;
    return admission;
  }
  int admitted() {
    const std::lock_guard lock(mutex);
    return admissions;
  }
  std::size_t judged() {
    const std::lock_guard lock(mutex);
    return verdicts.size();
  }

  std::mutex mutex;
  enrolment::InstanceFacts facts;
  std::vector<attestation::Verdict> verdicts;
  std::vector<std::string> refusals;
  int admissions = 0;
  seconds lifetime{3600};
  std::optional<crypto::Identity> authority;

 private:
  Random& random_;
};

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() {
    const Time now = clock_.now();
    const auto authority =
        crypto::make_authority("node endpoint", now - seconds(60), now + seconds(86400), random_).value();
    crypto::CertificateTemplate content;
    content.common_name = "node endpoint";
    content.ip_addresses = {"127.0.0.1"};
    content.use = crypto::CertificateUse::kServer;
    content.not_before = now - seconds(60);
    content.not_after = now + seconds(86400);
    const auto identity = crypto::issue_identity(authority, content, random_).value();
    http::ServerOptions options;
    options.certificate_chain = identity.certificate.pem() + authority.certificate.pem();
    options.private_key = identity.key.pem();
    const auto listener = api::make_node_listener(service_, clock_);
    server_ = http::Server::start(options, [this, listener](const http::Request& request) {
                ++requests_;
                return listener(request);
              }).value();
    bootstrap_.instance = kInstance;
    bootstrap_.endpoint = "https://127.0.0.1:" + std::to_string(server_->port());
    bootstrap_.ca_key_sha256 = authority.key.public_key().fingerprint();
    registry_.facts.instance = kInstance;
    registry_.facts.node_name = "aks-pool-1";
    registry_.facts.created = now;
  }
  ~AgentTest() override {
    stop();
    if (::testing::Test::HasFailure()) std::cerr << log();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  // Boots the TPM as the image would have, with one PCR extended once more if `changed` is not negative.
  void boot_with_vtpm(int changed = -1) {
    simulator_ = std::make_unique<testing::Simulator>(true);
    const Bytes log = host::simulate_boot(manifest_, true);
    std::ofstream(folder_ / "log.bin") << as_text(log);
    std::vector<std::string> command{"tpm2_pcrextend", "--tcti", simulator_->tcti()};
    const auto events = bootchain::parse_event_log(log).value().events;
    for (const auto& event : events) {
      command.push_back(std::to_string(event.pcr) + ":sha256=" + to_hex(event.digests.front().digest));
    }
    if (changed >= 0) command.push_back(std::to_string(changed) + ":sha256=" + std::string(64, 'a'));
    ASSERT_EQ(testing::run(command), 0);
    const auto attester = agent::EsysAttester::open({simulator_->tcti(), "", ""}).value();
    registry_.facts.vtpm = true;
    registry_.facts.endorsement_key = attester->endorsement_key_public().value();
    attestation::References references;
    references.predictions = {{host::predict_simulated(manifest_, true).value(), std::nullopt}};
    references.secure_boot_required = true;
    registry_.facts.appraiser =
        std::make_shared<attestation::Appraiser>(attestation::Appraiser::make(std::move(references)).value());
  }

  void start() {
    std::ofstream(folder_ / "bootstrap.json") << to_json(bootstrap_);
    const std::string tcti = simulator_ ? simulator_->tcti() : "device:/nonexistent";
    ASSERT_EQ(testing::run({programs_folder() + "/slipway-agent", "--bootstrap", (folder_ / "bootstrap.json").string(),
                            "--state", state().string(), "--cni", (folder_ / "cni").string(), "--tcti", tcti,
                            "--event-log", (folder_ / "log.bin").string(), "--ima-log", (folder_ / "absent").string()},
                           &agent_, (folder_ / "agent.log").string()),
              0);
  }
  // SIGTERM; gives the exit status.
  int stop() {
    if (agent_ == 0) return -1;
    ::kill(agent_, SIGTERM);
    int status = 0;
    ::waitpid(agent_, &status, 0);
    agent_ = 0;
    return status;
  }
  bool is_admitted() const { return fs::exists(state() / "admitted"); }
  fs::path state() const { return folder_ / "state"; }
  std::string log() const { return content_of(folder_ / "agent.log"); }

  SystemClock clock_;
  SystemRandom random_;
  fs::path folder_ = testing::make_folder();
  image::Manifest manifest_ = some_manifest();
  OneInstance registry_{random_};
  enrolment::Service service_{registry_, clock_, random_};
  std::atomic<int> requests_ = 0;
  std::unique_ptr<http::Server> server_;
  enrolment::Bootstrap bootstrap_;
  std::unique_ptr<testing::Simulator> simulator_;
  pid_t agent_ = 0;
};

TEST_F(AgentTest, EnrolsWithARealTpmAndWritesTheKubeletsFiles) {
  boot_with_vtpm();
  start();
  ASSERT_TRUE(within(seconds(60), [&] { return is_admitted(); }));
  EXPECT_EQ(stop(), 0) << "SIGTERM is an orderly end";
  EXPECT_THAT(log(), HasSubstr("slipway-agent: enrolled as aks-pool-1 (trusted)"));

  const std::string pem = content_of(state() / "pki/client.pem");
  const auto certificate = crypto::Certificate::from_pem(pem.substr(0, pem.find("-----BEGIN PRIVATE"))).value();
  const auto key = crypto::PrivateKey::from_pem(pem.substr(pem.find("-----BEGIN PRIVATE"))).value();
  EXPECT_EQ(certificate.common_name(), "system:node:aks-pool-1");
  EXPECT_EQ(certificate.public_key().value().spki_der(), key.public_key().spki_der());
  EXPECT_TRUE(certificate.signed_by(registry_.authority->key.public_key()));
  struct stat status {};
  ASSERT_EQ(::stat((state() / "pki/client.pem").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_THAT(content_of(state() / "kubelet.env"), HasSubstr("--hostname-override=aks-pool-1"));
  EXPECT_TRUE(fs::exists(folder_ / "cni/10-slipway.conflist"));
  EXPECT_THAT(log(), Not(HasSubstr("PRIVATE"))) << "no secret in the log";
}

TEST_F(AgentTest, AttestsAgainAndRenewsWithoutBeingAsked) {
  boot_with_vtpm();
  registry_.facts.next_evidence_seconds = 1;
  registry_.lifetime = seconds(8);
  start();
  ASSERT_TRUE(within(seconds(60), [&] { return is_admitted(); }));
  const std::string first = content_of(state() / "pki/client.pem");
  EXPECT_TRUE(within(seconds(60), [&] { return registry_.admitted() >= 2 && registry_.judged() >= 4; }));
  EXPECT_TRUE(within(seconds(10), [&] { return content_of(state() / "pki/client.pem") != first; }));
  EXPECT_GT(registry_.judged(), static_cast<std::size_t>(registry_.admitted())) << "evidence between renewals";
}

TEST_F(AgentTest, ComesBackAfterARestartWithTheSameAttestationKey) {
  boot_with_vtpm();
  start();
  ASSERT_TRUE(within(seconds(60), [&] { return is_admitted(); }));
  stop();
  const Bytes name = registry_.facts.attestation_key_name;
  fs::remove_all(state());
  start();
  ASSERT_TRUE(within(seconds(60), [&] { return is_admitted(); }));
  EXPECT_EQ(registry_.facts.attestation_key_name, name);
  EXPECT_EQ(registry_.admitted(), 2);
}

TEST_F(AgentTest, ANodeWhosePcrsDoNotFitItsLogGetsNothing) {
  boot_with_vtpm(9);
  start();
  ASSERT_TRUE(within(seconds(60), [&] { return registry_.judged() >= 1; }));
  ASSERT_TRUE(within(seconds(10), [&] { return log().find("VerdictNotTrusted") != std::string::npos; }));
  EXPECT_FALSE(is_admitted());
  EXPECT_FALSE(fs::exists(state() / "pki"));
  EXPECT_EQ(registry_.admitted(), 0);
}

TEST_F(AgentTest, AnotherTpmUnderTheSameInstanceGetsNothing) {
  boot_with_vtpm();
  const testing::Simulator other(true);
  const auto attester = agent::EsysAttester::open({other.tcti(), "", ""}).value();
  registry_.facts.endorsement_key = attester->endorsement_key_public().value();
  start();
  ASSERT_TRUE(within(seconds(60), [&] { return log().find("ForeignEndorsementKey") != std::string::npos; }));
  EXPECT_EQ(registry_.admitted(), 0);
}

TEST_F(AgentTest, AServerWithAnotherAuthorityHearsNothing) {
  boot_with_vtpm();
  bootstrap_.ca_key_sha256 = Bytes(32, 7);
  start();
  ASSERT_TRUE(
      within(seconds(60), [&] { return log().find("is not the server that is trusted") != std::string::npos; }));
  EXPECT_EQ(requests_, 0);
  EXPECT_FALSE(is_admitted());
}

TEST_F(AgentTest, WithoutAVtpmTheSecretEnrolsAndTheKeyRenews) {
  bootstrap_.secret = to_hex(random_.bytes(32));
  registry_.facts.secret_hash = crypto::hash_secret(bootstrap_.secret, random_);
  registry_.lifetime = seconds(20);
  start();
  ASSERT_TRUE(within(seconds(60), [&] { return is_admitted(); }));
  EXPECT_TRUE(within(seconds(60), [&] { return registry_.admitted() >= 2; })) << "renewed by the key certified last";
  EXPECT_FALSE(fs::exists(state() / "pki/pending-client.key"));
  EXPECT_THAT(log(), Not(HasSubstr(bootstrap_.secret)));
  stop();
  // After a restart it goes on with the key that it holds; the secret is spent.
  fs::remove(state() / "admitted");
  start();
  EXPECT_TRUE(within(seconds(30), [&] { return is_admitted(); }));
  EXPECT_TRUE(registry_.refusals.empty());
}

TEST_F(AgentTest, TheSecretIsNoWayIntoAVtpmPool) {
  bootstrap_.secret = to_hex(random_.bytes(32));
  registry_.facts.secret_hash = crypto::hash_secret(bootstrap_.secret, random_);
  registry_.facts.vtpm = true;
  start();
  ASSERT_TRUE(within(seconds(60), [&] { return log().find("SecretRefusedForVtpmPool") != std::string::npos; }));
  EXPECT_EQ(registry_.admitted(), 0);
  EXPECT_FALSE(registry_.facts.secret_used);
}

}  // namespace
}  // namespace slipway
