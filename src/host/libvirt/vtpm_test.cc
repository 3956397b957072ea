#include "host/libvirt/vtpm.h"

#include <gtest/gtest.h>

#include "base/source_folder_for_tests.h"
#include "files/file.h"
#include "tpm/public_area.h"

namespace slipway::host {
namespace {

const Time kAt = Time(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1));

Bytes read_corpus(const std::string& name) {
  return files::read_file(std::filesystem::path(source_folder()) / "tests/corpus/endorsement" / name, 64U << 10)
      .value();
}
crypto::Certificate authority(const std::string& name) {
  return crypto::Certificate::from_pem(as_text(read_corpus(name))).value();
}

TEST(Vtpm, RecordsTheKeyThatItsAuthorityCertified) {
  const auto recorded = record_endorsement_key(read_corpus("swtpm-ek-rsa2048.der"), authority("swtpm-issuer.pem"), kAt);
  ASSERT_TRUE(recorded) << recorded.error().message;
  EXPECT_TRUE(tpm::check_endorsement_key(recorded->public_area));
  EXPECT_EQ(crypto::Certificate::from_pem(recorded->certificate)->der(), read_corpus("swtpm-ek-rsa2048.der"));
  EXPECT_EQ(crypto::Certificate::from_pem(recorded->authority)->der(), authority("swtpm-issuer.pem").der());
}

TEST(Vtpm, RecordsNothingThatItsAuthorityDidNotIssue) {
  const auto foreign = record_endorsement_key(read_corpus("swtpm-ek-rsa2048.der"), authority("swtpm-root.pem"), kAt);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().reason, "EndorsementCertificatePath");
  const Bytes no_endorsement = authority("swtpm-issuer.pem").der();
  EXPECT_EQ(record_endorsement_key(no_endorsement, authority("swtpm-root.pem"), kAt).error().reason,
            "EndorsementCertificateAuthority");
}

}  // namespace
}  // namespace slipway::host
