#include "control/registry.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/random.h"
#include "control/documents.h"
#include "enrolment/refusal.h"
#include "host/memory/memory_host.h"
#include "kube/memory/memory_kubernetes.h"
#include "store/memory.h"

namespace slipway::control {
namespace {

namespace fs = std::filesystem;
using attestation::VerdictClass;

class MovedClock final : public Clock {
 public:
  Time now() const override { return at; }
  Time at = SystemClock().now();
};

// A registry over one node whose VM nobody runs: evidence is what each test says.
class RegistryTest : public testing::Test {
 protected:
  static constexpr const char* kInstance = "0e9d6a2c-8f8b-4f3a-9c55-2f8f6f6b1a11";

  RegistryTest() {
    std::string pattern = (fs::temp_directory_path() / "slipway-registry-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    archive_ = std::make_unique<EvidenceArchive>(folder_ / "evidence");
    kubernetes_ = kube::make_memory_kubernetes(clock_, random_);
    host_ = host::make_memory_host({.state_folder = folder_ / "host",
                                    .manifest = [](const fs::path&) -> Result<image::Manifest> {
                                      return fail(ErrorCode::kNotFound, "no VM runs in this test");
                                    },
                                    .on_admitted = {},
                                    .random = random_,
                                    .clock = clock_});
    registry_ = std::make_unique<Registry>(*store_, *host_, *kubernetes_, *images_, *archive_, clock_,
                                           RegistrySettings{}, [this](const std::string&) { ++changes_; });
    kube::ClusterSpec spec;
    spec.id = "c3f9a2b1";
    spec.advertise_address = "127.0.0.1";
    const kube::Endpoints endpoints = kubernetes_->ensure_cluster(spec).value();
    fleet::Cluster cluster;
    cluster.id = spec.id;
    cluster.api_server = endpoints.node_api_server;
    cluster.certificate_authority = endpoints.ca;
    put(fleet::cluster_key(cluster.id), fleet::to_json(cluster));
    node_.instance = kInstance;
    node_.cluster = cluster.id;
    node_.pool = "nodepool1";
    node_.name = "aks-nodepool1-3f9a2b1-vmss000000";
    node_.vtpm = node_.secure_boot = true;
    node_.image_version = images_->list().front().manifest.version;
    node_.pod_subnet = 7;
    keep();
  }
  ~RegistryTest() override { fs::remove_all(folder_); }

  void put(const std::string& key, const std::string& value) { ASSERT_TRUE(store_->commit({{}, {{key, value}}, {}})); }
  void keep() { put(fleet::node_key(kInstance), fleet::to_json(node_)); }
  fleet::Node node() { return get_node(*store_, kInstance).value(); }
  Status verdict(VerdictClass verdict_class) {
    attestation::Verdict verdict;
    verdict.verdict_class = verdict_class;
    verdict.appraised = clock_.at;
    clock_.at += milliseconds(1);
    return registry_->record_verdict(kInstance, verdict, enrolment::UnverifiedEvidenceRequest{});
  }
  Result<enrolment::Admission> admit() {
    return registry_->admit(kInstance, client_.public_key().spki_der(), serving_.public_key().spki_der(), "10.77.0.9");
  }
  std::size_t kept_files() {
    const fs::path folder = folder_ / "evidence" / kInstance;
    if (!fs::exists(folder)) return 0;
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }

  fs::path folder_;
  MovedClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  std::unique_ptr<ImageStore> images_ = make_simulated_image_store();
  std::unique_ptr<kube::MemoryKubernetes> kubernetes_;
  std::unique_ptr<host::Host> host_;
  std::unique_ptr<EvidenceArchive> archive_;
  std::unique_ptr<Registry> registry_;
  crypto::PrivateKey client_ = crypto::PrivateKey::generate_p256(), serving_ = crypto::PrivateKey::generate_p256();
  fleet::Node node_;
  int changes_ = 0;
};

TEST_F(RegistryTest, IssuesCertificatesInSlipwaysOwnWordsAfterAGoodVerdict) {
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  const auto admission = admit();
  ASSERT_TRUE(admission) << admission.error().message;
  const auto certificate = crypto::Certificate::from_pem(admission->client_certificate).value();
  EXPECT_EQ(certificate.common_name(), "system:node:" + node_.name);
  EXPECT_EQ(certificate.organizations(), std::vector<std::string>{"system:nodes"});
  EXPECT_LE(certificate.not_after() - clock_.at, std::chrono::hours(1));
  EXPECT_EQ(admission->pod_cidr, "10.244.7.0/24");
  EXPECT_EQ(admission->verdict, "trusted");
  for (const auto& [name, value] : admission->node_labels)
    EXPECT_EQ(name.find("kubernetes.azure.com"), std::string::npos);
  EXPECT_EQ(node().client_key, client_.public_key().spki_der());
  EXPECT_EQ(node().certificate_expires, certificate.not_after());
  EXPECT_EQ(node().ip, "10.77.0.9");
}

TEST_F(RegistryTest, IssuesNothingWithoutAFreshGoodVerdict) {
  EXPECT_EQ(admit().error().reason, enrolment::refusal::kVerdictNotTrusted);
  for (const VerdictClass bad :
       {VerdictClass::kUntrusted, VerdictClass::kEvidenceBroken, VerdictClass::kReferenceValuesMissing}) {
    ASSERT_TRUE(verdict(VerdictClass::kTrusted));
    ASSERT_TRUE(verdict(bad));
    EXPECT_EQ(admit().error().reason, enrolment::refusal::kVerdictNotTrusted);
  }
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  clock_.at += seconds(121);
  EXPECT_EQ(admit().error().reason, enrolment::refusal::kVerdictNotTrusted);
  EXPECT_TRUE(node().client_key.empty());
}

TEST_F(RegistryTest, KnowsNoNodeThatIsBeingDeleted) {
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  node_ = node();
  node_.phase = fleet::NodePhase::kDeleting;
  keep();
  EXPECT_FALSE(registry_->find(kInstance));
  EXPECT_FALSE(admit());
  EXPECT_FALSE(registry_->enrol_attestation_key(kInstance, Bytes{1}));
}

TEST_F(RegistryTest, EnrolsOneAttestationKey) {
  EXPECT_TRUE(registry_->enrol_attestation_key(kInstance, Bytes{1}));
  EXPECT_TRUE(registry_->enrol_attestation_key(kInstance, Bytes{1}));
  EXPECT_EQ(registry_->enrol_attestation_key(kInstance, Bytes{2}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(node().attestation_key_name, Bytes{1});
}

TEST_F(RegistryTest, ConsumesASecretOnce) {
  EXPECT_EQ(registry_->consume_secret(kInstance, Bytes(3, 1)).error().code, ErrorCode::kConflict);
  node_.secret_hash = "scrypt$...";
  keep();
  EXPECT_TRUE(registry_->consume_secret(kInstance, Bytes(3, 1)));
  EXPECT_EQ(registry_->consume_secret(kInstance, Bytes(3, 1)).error().code, ErrorCode::kConflict);
}

TEST_F(RegistryTest, KeepsTheLastGoodAndEveryBadEvidenceForRootAlone) {
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  EXPECT_EQ(kept_files(), 2U);  // the last good, and the change to it
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  EXPECT_EQ(kept_files(), 2U);
  ASSERT_TRUE(verdict(VerdictClass::kUntrusted));
  ASSERT_TRUE(verdict(VerdictClass::kUntrusted));
  EXPECT_EQ(kept_files(), 4U);
  for (const auto& entry : fs::directory_iterator(folder_ / "evidence" / kInstance)) {
    struct stat status {};
    ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U) << entry.path();
  }
  // A guest that lies for ever fills no disk.
  for (int lie = 0; lie < 100; ++lie) ASSERT_TRUE(verdict(VerdictClass::kEvidenceBroken));
  EXPECT_EQ(kept_files(), EvidenceArchive::kKeptPerInstance + 1);
  EXPECT_EQ(changes_, 104);
}

TEST_F(RegistryTest, HandsOutTheReferenceValuesOfTheNodesOwnImage) {
  const auto facts = registry_->find(kInstance);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->reference.manifest.version, node_.image_version);
  EXPECT_FALSE(facts->reference.firmware_pcr0_events.empty());
  EXPECT_TRUE(facts->reference.secure_boot_required);
  // An image that is gone is an outage, and no lie of the node's: the verdict will say that references are missing.
  node_.image_version = "SlipwayDebian-gone";
  keep();
  EXPECT_TRUE(registry_->find(kInstance)->reference.manifest.boot_files.empty());
}

}  // namespace
}  // namespace slipway::control
