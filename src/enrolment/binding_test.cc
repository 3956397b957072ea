#include "enrolment/binding.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "crypto/certificate.h"

namespace slipway::enrolment {
namespace {

const std::string kInstance = "11111111-1111-4111-8111-111111111111";

class Binding : public ::testing::Test {
 protected:
  Binding() {
    bundle.node = "aks-pool-1-vmss000000";
    bundle.instance = kInstance;
    bundle.purpose = "attest";
    bundle.nonce = Bytes(32, 5);
    bundle.client_request = request_of(client);
    bundle.serving_request = request_of(serving);
    bundle.expectation.qualifying_data =
        qualifying_data(Purpose::kAttest, bundle.nonce, kInstance, client.public_key(), serving.public_key());
  }

  static Bytes request_of(const crypto::PrivateKey& key) { return crypto::make_certificate_request(key, "x").value(); }

  std::string reason() const {
    const auto checked = check_binding(bundle);
    return checked ? std::string() : checked.error().reason;
  }

  const crypto::PrivateKey client = crypto::PrivateKey::generate_p256(), serving = crypto::PrivateKey::generate_p256();
  attestation::EvidenceBundle bundle;
};

TEST_F(Binding, OfABundleHolds) { EXPECT_EQ(reason(), ""); }

TEST_F(Binding, CoversTheInstance) {
  bundle.instance[35] = '2';
  EXPECT_EQ(reason(), "BindingDiffers");
}

TEST_F(Binding, CoversThePurpose) {
  bundle.purpose = "enrol";
  EXPECT_EQ(reason(), "BindingDiffers");
}

TEST_F(Binding, CoversTheNonce) {
  bundle.nonce[0] ^= 1;
  EXPECT_EQ(reason(), "BindingDiffers");
}

TEST_F(Binding, CoversBothKeys) {
  const Bytes other = request_of(crypto::PrivateKey::generate_p256());
  for (Bytes* request : {&bundle.client_request, &bundle.serving_request}) {
    const Bytes own = std::exchange(*request, other);
    EXPECT_EQ(reason(), "BindingDiffers");
    *request = own;
  }
  EXPECT_EQ(reason(), "");
}

TEST_F(Binding, NeedsRequestsThatTheirKeysSigned) {
  for (Bytes* request : {&bundle.client_request, &bundle.serving_request}) {
    const Bytes own = *request;
    request->back() ^= 1;
    EXPECT_EQ(reason(), "BindingDiffers");
    request->clear();
    EXPECT_EQ(reason(), "BindingDiffers");
    *request = own;
    EXPECT_EQ(reason(), "");
  }
}

// Bytes must not wander from one part into the next.
TEST_F(Binding, NeedsPartsOfTheirOwnSizes) {
  bundle.nonce.push_back(static_cast<std::uint8_t>(kInstance[0]));
  bundle.instance = kInstance.substr(1);
  EXPECT_EQ(reason(), "BindingDiffers");
  bundle.nonce.pop_back();
  EXPECT_EQ(reason(), "BindingDiffers");
}

// What nothing binds is not believed.
TEST_F(Binding, DoesNotCoverTheNodesName) {
  bundle.node = "another";
  EXPECT_EQ(reason(), "");
}

TEST_F(Binding, TwoRequestsOfOneKeyAreRefused) {
  const auto refused = verify_requests(bundle.client_request, bundle.client_request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "BadCertificateRequest");
}

}  // namespace
}  // namespace slipway::enrolment
