#include "apps/slipway/tpm_roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "apps/slipway/inspect_verbs.h"
#include "base/source_folder_for_tests.h"
#include "base/temporary_folder_for_tests.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TpmRoots : public ::testing::Test {
 protected:
  void copy(const std::string& name, const std::string& as) {
    fs::copy_file(fs::path(source_folder()) / "tests/corpus/endorsement" / name, folder_.path() / as);
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_.path() / name) << text; }
  auto read() const { return read_tpm_roots(folder_.path().native()); }

  TemporaryFolder folder_;
};

TEST_F(TpmRoots, AreTheSelfSignedOnesAndTheOthersMayLieBetween) {
  copy("swtpm-root.pem", "root.pem");
  copy("swtpm-issuer.pem", "issuer.crt");
  copy("swtpm-ek-rsa2048.der", "some.der");
  write("README.md", "what these are");
  fs::create_directory(folder_.path() / "older.pem");
  const auto trust = read();
  ASSERT_TRUE(trust) << trust.error().message;
  ASSERT_EQ(trust->roots.size(), 1u);
  EXPECT_EQ(trust->roots[0].subject(), trust->roots[0].issuer());
  EXPECT_EQ(trust->intermediates.size(), 2u);
}

TEST_F(TpmRoots, OfAFileThatIsNoCertificateAreRefusedByItsName) {
  copy("swtpm-root.pem", "root.pem");
  for (const std::string text : {"no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    write("wrong.cer", text);
    const auto refused = read();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, kMalformedInput);
    EXPECT_THAT(refused.error().message, HasSubstr("wrong.cer"));
  }
}

TEST_F(TpmRoots, OfAFolderWithoutOneAreRefused) {
  EXPECT_EQ(read().error().reason, "NoTpmRoots");
  copy("swtpm-issuer.pem", "issuer.pem");
  EXPECT_EQ(read().error().reason, "NoTpmRoots");
  EXPECT_EQ(read_tpm_roots((folder_.path() / "absent").native()).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace slipway::cli
