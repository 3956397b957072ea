#include "control/endorsement.h"

#include <gtest/gtest.h>

#include "base/source_folder_for_tests.h"
#include "crypto/certificate.h"
#include "files/file.h"

namespace slipway::control {
namespace {

crypto::Certificate corpus(const std::string& name) {
  const auto path = std::filesystem::path(source_folder()) / "tests/corpus/endorsement" / name;
  const Bytes bytes = files::read_file(path, 64U << 10).value();
  return (name.ends_with(".der") ? crypto::Certificate::from_der(bytes) : crypto::Certificate::from_pem(as_text(bytes)))
      .value();
}

TEST(Endorsement, IsWhatTheHostRecordedOfTheNodesKey) {
  const crypto::Certificate certificate = corpus("swtpm-ek-rsa2048.der"), authority = corpus("swtpm-issuer.pem");
  const host::RecordedEndorsementKey recorded{Bytes(3, 1), certificate.pem(), authority.pem()};
  const auto found = endorsement_of(recorded, Bytes(3, 1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->certificate, certificate.der());
  EXPECT_EQ(found->authority, authority.der());
}

TEST(Endorsement, IsNoneOfAnotherKeyAndNoneByHalf) {
  const std::string certificate = corpus("swtpm-ek-rsa2048.der").pem(), authority = corpus("swtpm-issuer.pem").pem();
  EXPECT_FALSE(endorsement_of({Bytes(3, 1), certificate, authority}, Bytes(3, 2)));
  EXPECT_FALSE(endorsement_of({Bytes(3, 1), certificate, ""}, Bytes(3, 1))) << "a record of before";
  EXPECT_FALSE(endorsement_of({Bytes(3, 1), "", authority}, Bytes(3, 1)));
}

}  // namespace
}  // namespace slipway::control
