#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/manual_clock_for_tests.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/secret_hash.h"
#include "enrolment/client.h"
#include "enrolment/service.h"
#include "host/memory/simulated_boot.h"
#include "host/memory/software_attester.h"

// What the enrolment tests share: a registry in memory, a clock moved by hand, an image, and nodes with software TPMs
// that speak to the service through its JSON messages.
namespace slipway::host::testing {

inline const std::string kNodeA = "11111111-1111-4111-8111-111111111111";
inline const std::string kNodeB = "22222222-2222-4222-8222-222222222222";

image::Manifest test_manifest();

class MemoryRegistry final : public enrolment::Registry {
 public:
  MemoryRegistry(const Clock& clock, Random& random);

  Result<enrolment::InstanceFacts> find(const std::string& instance) override;
  enrolment::Standing standing(const std::string& instance, const std::string& peer) override;
  Status enrol_attestation_key(const std::string& instance, const Bytes& name) override;
  Status consume_secret(const std::string& instance, const Bytes& client_key) override;
  Status record_verdict(const std::string& instance, const attestation::Appraisal& appraisal,
                        const attestation::EvidenceBundle& bundle) override;
  void record_refusal(const std::string& instance, const Error& error) override;
  void note_unproven_refusal(const std::string& instance, const Error& error, const std::string& peer) override;
  Status confirm_host_observation(const std::string& instance) override;
  Result<enrolment::Admission> admit(const std::string& instance, const Bytes& client_key, const Bytes& serving_key,
                                     const std::string& peer) override;

  std::map<std::string, enrolment::InstanceFacts> facts;
  std::vector<attestation::Verdict> verdicts;
  std::vector<attestation::EvidenceBundle> bundles;
  std::vector<Error> refusals;  // both kinds
  int unproven_refusals = 0;
  int admissions = 0;
  Status host_observation;  // what confirm_host_observation answers
  Error admit_failure;      // answered by admit if it has a message

 private:
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  crypto::Identity authority_;
};

// What a node that boots the manifest's image with Secure Boot is appraised with.
std::shared_ptr<const attestation::Appraiser> test_appraiser(const image::Manifest& manifest,
                                                             bool secure_boot_required = true);

// The node listener's work without its sockets: JSON in, JSON or a refusal out.
enrolment::Reply serve(enrolment::Service& service, const std::string& path, const std::string& body);

class EnrolmentTest : public ::testing::Test {
 protected:
  EnrolmentTest();

  // A node of a pool with a vTPM, known to the registry and booted from the image.
  std::unique_ptr<SoftwareAttester> make_node(const std::string& instance);
  // A node of a pool without a vTPM, and its bootstrap with the secret.
  enrolment::Bootstrap make_secret_node(const std::string& instance);
  enrolment::Transport transport();
  // One exchange with fresh keys.
  Result<enrolment::Admission> attest(tpm::Attester& attester, const std::string& instance,
                                      enrolment::Purpose purpose = enrolment::Purpose::kEnrol);
  // The parts of an exchange, for tests that change one.
  Result<enrolment::ChallengeReply> ask(tpm::Attester& attester, const std::string& instance,
                                        enrolment::Purpose purpose = enrolment::Purpose::kEnrol);
  enrolment::UnverifiedEvidenceRequest answer(tpm::Attester& attester, const std::string& instance,
                                              const enrolment::ChallengeReply& challenge,
                                              const enrolment::NodeKeys& keys,
                                              enrolment::Purpose purpose = enrolment::Purpose::kEnrol);
  // Refused for just this reason, and no certificate came of it.
  template <typename T>
  void expect_refused(const Result<T>& result, std::string_view reason) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().reason, reason) << result.error().message;
    EXPECT_EQ(registry.admissions, admissions_before_) << "a certificate was issued";
  }
  // What is admitted up to here is meant; expect_refused counts from here on.
  void admissions_are_fine() { admissions_before_ = registry.admissions; }

  // Whole seconds, as certificates have them.
  ManualClock clock{std::chrono::time_point_cast<seconds>(SystemClock().now())};
  SystemRandom random;
  image::Manifest manifest = test_manifest();
  Bytes boot = simulate_boot(manifest, true);  // the firmware's event log
  MemoryRegistry registry{clock, random};
  enrolment::Service service{registry, clock, random};
  int lost_answers = 0;  // so many of the next answers do not reach the node

 private:
  int admissions_before_ = 0;
};

}  // namespace slipway::host::testing
