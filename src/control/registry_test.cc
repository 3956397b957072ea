#include "control/registry.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/manual_clock_for_tests.h"
#include "base/random.h"
#include "base/temporary_folder_for_tests.h"
#include "control/documents.h"
#include "crypto/jws.h"
#include "enrolment/refusal.h"
#include "host/memory/memory_host.h"
#include "kube/memory/memory_kubernetes.h"
#include "store/memory.h"

namespace slipway::control {
namespace {

namespace fs = std::filesystem;
using attestation::VerdictClass;

// A registry over one node whose VM nobody runs: evidence is what each test says.
class RegistryTest : public testing::Test {
 protected:
  static constexpr const char* kInstance = "0e9d6a2c-8f8b-4f3a-9c55-2f8f6f6b1a11";

  RegistryTest() {
    archive_ = std::make_unique<EvidenceArchive>(folder_ / "evidence", "this boot");
    keys_ = ResultKeys::open(folder_ / "result-keys.json", {}, clock_.now()).value();
    kubernetes_ = kube::make_memory_kubernetes(clock_, random_);
    host_ = host::make_memory_host({.state_folder = folder_ / "host",
                                    .manifest = [](const fs::path&) -> Result<image::Manifest> {
                                      return fail(ErrorCode::kNotFound, "no VM runs in this test");
                                    },
                                    .on_admitted = {},
                                    .random = random_,
                                    .clock = clock_});
    registry_ = std::make_unique<Registry>(*store_, *host_, *kubernetes_, *images_, *archive_, *keys_, clock_,
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

  void put(const std::string& key, const std::string& value) { ASSERT_TRUE(store_->commit({{}, {{key, value}}, {}})); }
  void keep() { put(fleet::node_key(kInstance), fleet::to_json(node_)); }
  fleet::Node node() { return get_node(*store_, kInstance).value(); }
  Status verdict(VerdictClass verdict_class) {
    attestation::Appraisal appraisal;
    appraisal.verdict.verdict_class = verdict_class;
    appraisal.verdict.appraised = clock_.now();
    appraisal.sighting = sighting_;
    clock_.advance(milliseconds(1));
    attestation::EvidenceBundle bundle;
    bundle.purpose = "attest";
    bundle.nonce = Bytes(32, 1);
    bundle.verdict = attestation::to_json(appraisal.verdict);
    return registry_->record_verdict(kInstance, appraisal, bundle);
  }
  Result<enrolment::Admission> admit() {
    return registry_->admit(kInstance, client_.public_key().spki_der(), serving_.public_key().spki_der(), "10.77.0.9");
  }
  std::size_t kept_files() {
    const fs::path folder = folder_ / "evidence" / kInstance;
    if (!fs::exists(folder)) return 0;
    return static_cast<std::size_t>(
        std::count_if(fs::directory_iterator(folder), fs::directory_iterator(), [](const auto& entry) {
          return entry.path().extension() == ".json" && entry.path().filename() != "tpm.json";
        }));
  }

  TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
  ManualClock clock_{SystemClock().now()};
  SystemRandom random_;
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  std::unique_ptr<ImageStore> images_ = make_simulated_image_store();
  std::unique_ptr<kube::MemoryKubernetes> kubernetes_;
  std::unique_ptr<host::Host> host_;
  std::unique_ptr<EvidenceArchive> archive_;
  std::unique_ptr<ResultKeys> keys_;
  std::optional<attestation::TpmSighting> sighting_;  // of the verdicts to come
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
  EXPECT_LE(certificate.not_after() - clock_.now(), std::chrono::hours(1));
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
  clock_.advance(seconds(121));
  EXPECT_EQ(admit().error().reason, enrolment::refusal::kVerdictNotTrusted);
  EXPECT_TRUE(node().client_key.empty());
}

TEST_F(RegistryTest, ANodeGetsCertificatesForItsOwnAddressAlone) {
  node_.address = "10.77.0.8";
  keep();
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  const auto refused = admit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, enrolment::refusal::kForeignAddress);
  EXPECT_TRUE(node().ip.empty());
  EXPECT_EQ(registry_->standing(kInstance, "10.77.0.9"), enrolment::Standing::kForeign);
  EXPECT_EQ(registry_->standing(kInstance, "10.77.0.8"), enrolment::Standing::kOwn);
  EXPECT_EQ(registry_->standing("0e9d6a2c-8f8b-4f3a-9c55-000000000000", "10.77.0.8"), enrolment::Standing::kUnknown);
  node_ = node();
  node_.address = "10.77.0.9";
  keep();
  EXPECT_TRUE(admit());
}

TEST_F(RegistryTest, WhatAnybodyCanCauseHidesNothing) {
  const Error foreign{ErrorCode::kPermissionDenied, "another TPM", "ForeignEndorsementKey", {}};
  registry_->note_unproven_refusal(kInstance, foreign, "10.77.0.66");
  EXPECT_EQ(node().refusal, "Unauthenticated, from 10.77.0.66: ForeignEndorsementKey: another TPM");
  registry_->record_refusal(kInstance, {ErrorCode::kPermissionDenied, "wrong PCRs", "VerdictNotTrusted", {}});
  registry_->note_unproven_refusal(kInstance, foreign, "10.77.0.66");
  EXPECT_EQ(node().refusal, "VerdictNotTrusted: wrong PCRs");
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  ASSERT_TRUE(admit());
  registry_->note_unproven_refusal(kInstance, foreign, "10.77.0.66");
  EXPECT_TRUE(node().refusal.empty()) << "the node is well";
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
  const attestation::References& references = facts->appraiser->reference();
  ASSERT_EQ(references.predictions.size(), 1U);
  EXPECT_EQ(references.predictions[0].prediction.image_version, node_.image_version);
  EXPECT_TRUE(references.secure_boot_required);
  // An image that is gone is an outage, and no lie of the node's: the verdict will say that references are missing.
  node_.image_version = "SlipwayDebian-gone";
  keep();
  EXPECT_TRUE(registry_->find(kInstance)->appraiser->reference().predictions.empty());
}

TEST_F(RegistryTest, RemembersTheTpmAsItWasSeenLast) {
  EXPECT_FALSE(registry_->find(kInstance)->last_sighting);
  sighting_ = attestation::TpmSighting{Bytes(32, 1), Bytes(34, 2), {7, 8, 9, true}, 10, 11, clock_.now(), clock_.now()};
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  sighting_.reset();
  ASSERT_TRUE(verdict(VerdictClass::kEvidenceBroken));
  const auto facts = registry_->find(kInstance);
  ASSERT_TRUE(facts->last_sighting);
  EXPECT_EQ(facts->last_sighting->clock.reset_count, 8U);
  EXPECT_FALSE(facts->host_restarted);
  EvidenceArchive after_a_restart(folder_ / "evidence", "another boot");
  EXPECT_TRUE(after_a_restart.last_sighting(kInstance)->host_restarted);
  // Half a file must not make a TPM that went back look like a new one.
  fs::resize_file(folder_ / "evidence" / kInstance / "tpm.json", 20);
  EXPECT_FALSE(registry_->find(kInstance));
}

TEST_F(RegistryTest, IssuesAResultWithEachVerdict) {
  EXPECT_EQ(archive_->last_result(kInstance).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  const std::string first = archive_->last_result(kInstance).value();
  ASSERT_TRUE(verdict(VerdictClass::kUntrusted));
  const std::string second = archive_->last_result(kInstance).value();
  EXPECT_NE(first, second);
  const std::string set = keys_->key_set(clock_.now()).value();
  EXPECT_NE(set.find(crypto::unverified_jws_key_id(second).value()), std::string::npos);
  // The same keys after a restart, and nobody else may read them.
  EXPECT_EQ(ResultKeys::open(folder_ / "result-keys.json", {}, clock_.now()).value()->key_set(clock_.now()).value(),
            set);
  fs::permissions(folder_ / "result-keys.json", fs::perms::owner_read | fs::perms::group_read);
  EXPECT_EQ(ResultKeys::open(folder_ / "result-keys.json", {}, clock_.now()).error().code,
            ErrorCode::kPermissionDenied);
}

TEST_F(RegistryTest, TheLastBundleIsThatOfTheLastVerdictThatSaysSomething) {
  EXPECT_EQ(archive_->last_bundle(kInstance).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  EXPECT_NE(archive_->last_bundle(kInstance)->find(R"("verdict":"trusted")"), std::string::npos);
  ASSERT_TRUE(verdict(VerdictClass::kUntrusted));
  EXPECT_NE(archive_->last_bundle(kInstance)->find(R"("verdict":"untrusted")"), std::string::npos);
  EXPECT_TRUE(attestation::bundle_from_json(*archive_->last_bundle(kInstance)));
}

TEST_F(RegistryTest, LogsEachVerdictInABoundedFile) {
  for (int at = 0; at < 1100; ++at) ASSERT_TRUE(verdict(VerdictClass::kTrusted));
  std::ifstream log(folder_ / "evidence" / kInstance / "verdicts.log");
  std::string line, last;
  std::size_t lines = 0;
  while (std::getline(log, line)) ++lines, last = line;
  EXPECT_LE(lines, EvidenceArchive::kLoggedVerdicts + 1);
  EXPECT_GE(lines, EvidenceArchive::kLoggedVerdicts / 2);
  EXPECT_NE(last.find("evidenceSha256"), std::string::npos);
}

}  // namespace
}  // namespace slipway::control
