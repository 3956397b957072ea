#include "tpm/endorsement_certificate.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/source_folder_for_tests.h"
#include "crypto/signing_for_tests.h"

namespace slipway::tpm {
namespace {

using namespace slipway::crypto::testing;
using crypto::Identity;

const Time kNow = Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23));

// As swtpm_setup makes them: a root, an authority of the host below it, and the endorsement key's certificate.
struct Made {
  Identity root = make_identity(authority_shape("Root"));
  Identity authority = make_identity(authority_shape("Host"), &root);
  crypto::PrivateKey key = endorsement_key();
  CertificateShape shape{"unknown",
                         {{"basicConstraints", "critical,CA:FALSE"},
                          {"keyUsage", "critical,keyEncipherment"},
                          {"extendedKeyUsage", "2.23.133.8.1"},
                          {"subjectAltName", "critical,dirName:tpm"}},
                         "[tpm]\ntpmManufacturer=id:00001014\ntpmModel=swtpm\ntpmVersion=id:20191023\n"};
  EndorsementTrust trust{{root.certificate}, {authority.certificate}};
  Bytes filling;

  static const crypto::PrivateKey& endorsement_key() {
    static const crypto::PrivateKey made = crypto::PrivateKey::generate_rsa2048();
    return made;
  }

  Bytes certificate() const {
    Bytes der = make_identity(shape, &authority, key).certificate.der();
    der.insert(der.end(), filling.begin(), filling.end());
    return der;
  }
  Result<VerifiedEndorsementCertificate> check(ByteView bytes, Time at = kNow) const {
    return check_endorsement_certificate(bytes, endorsement_key().public_key(), trust, at);
  }
  std::string reason(Time at = kNow) const {
    const auto checked = check(certificate(), at);
    return checked ? std::string() : checked.error().reason;
  }
  void set(const std::string& extension, const std::string& value) {
    for (auto& [name, text] : shape.extensions)
      if (name == extension) text = value;
  }
  void remove(const std::string& extension) {
    auto& all = shape.extensions;
    for (auto at = all.begin(); at != all.end();) at = at->first == extension ? all.erase(at) : at + 1;
  }
};

TEST(EndorsementCertificate, OfARecordedKeyHolds) {
  const Made made;
  const auto checked = made.check(made.certificate());
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->manufacturer, "id:00001014");
  EXPECT_EQ(checked->model, "swtpm");
  EXPECT_EQ(checked->version, "id:20191023");
  ASSERT_EQ(checked->path.size(), 3u);
  EXPECT_EQ(checked->path[2].subject(), "CN=Root");
}

Bytes read_corpus(const std::string& name) {
  std::ifstream file(source_folder() + "/tests/corpus/endorsement/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(EndorsementCertificate, OfSwtpmHolds) {
  const Bytes der = read_corpus("swtpm-ek-rsa2048.der");
  const auto key = crypto::Certificate::from_der(der).value().public_key().value();
  std::vector<crypto::Certificate> authorities;
  for (const std::string name : {"swtpm-issuer.pem", "swtpm-root.pem"}) {
    const Bytes pem = read_corpus(name);
    authorities.push_back(crypto::Certificate::from_pem(as_text(pem)).value());
  }
  const Time at = Time(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1));
  const EndorsementTrust trust = sort_endorsement_trust(authorities);
  const auto checked = check_endorsement_certificate(der, key, trust, at);
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->manufacturer, "id:00001014");
  EXPECT_EQ(checked->path.size(), 3u);
  EXPECT_EQ(check_endorsement_certificate(der, Made::endorsement_key().public_key(), trust, at).error().reason,
            "EndorsementCertificateKey");
  EXPECT_EQ(check_endorsement_certificate(der, key, Made().trust, at).error().reason, "EndorsementCertificatePath");
}

TEST(EndorsementCertificate, MayLackWhatSomeMakersLeaveOut) {
  Made made;
  made.remove("keyUsage");
  made.remove("extendedKeyUsage");
  made.remove("basicConstraints");
  made.set("subjectAltName", "dirName:tpm");
  EXPECT_EQ(made.reason(), "");
}

TEST(EndorsementCertificate, MayBeFilledUpToItsNvIndex) {
  Made made;
  made.filling = Bytes(300, 0xff);
  EXPECT_EQ(made.reason(), "");
  made.filling = Bytes(300, 0);
  EXPECT_EQ(made.reason(), "");
  made.filling = {0, 0, 1};
  EXPECT_EQ(made.reason(), "EndorsementCertificateMalformed");
}

TEST(EndorsementCertificate, OfAnotherKeyIsRefused) {
  Made made;
  made.key = crypto::PrivateKey::generate_p256();
  EXPECT_EQ(made.reason(), "EndorsementCertificateKey");
}

TEST(EndorsementCertificate, OfAnAuthorityIsRefused) {
  Made made;
  made.set("basicConstraints", "critical,CA:TRUE");
  EXPECT_EQ(made.reason(), "EndorsementCertificateAuthority");
}

TEST(EndorsementCertificate, ForAnotherUseIsRefused) {
  Made made;
  made.set("keyUsage", "critical,digitalSignature");
  EXPECT_EQ(made.reason(), "EndorsementCertificateUse");
  made.set("keyUsage", "critical,keyEncipherment,keyCertSign");
  EXPECT_EQ(made.reason(), "EndorsementCertificateUse");
}

TEST(EndorsementCertificate, ForAnotherPurposeIsRefused) {
  Made made;
  made.set("extendedKeyUsage", "clientAuth");
  EXPECT_EQ(made.reason(), "EndorsementCertificatePurpose");
}

TEST(EndorsementCertificate, WithoutTheTpmsNameIsRefused) {
  const std::string all = "tpmManufacturer=id:00001014\ntpmModel=swtpm\ntpmVersion=id:20191023\n";
  for (const std::string line : {"tpmManufacturer=id:00001014\n", "tpmModel=swtpm\n", "tpmVersion=id:20191023\n"}) {
    Made made;
    std::string rest = all;
    made.shape.sections = "[tpm]\n" + rest.erase(rest.find(line), line.size());
    EXPECT_EQ(made.reason(), "EndorsementCertificateName") << line;
  }
  Made made;
  made.remove("subjectAltName");
  EXPECT_EQ(made.reason(), "EndorsementCertificateName");
}

TEST(EndorsementCertificate, ByNobodyWhoIsTrustedIsRefused) {
  Made made;
  made.trust.roots = {make_identity(authority_shape("Root")).certificate};
  EXPECT_EQ(made.reason(), "EndorsementCertificatePath") << "another root of the same name";
  made.trust.roots.clear();
  EXPECT_EQ(made.reason(), "EndorsementCertificatePath");
  made.trust = {{made.root.certificate}, {}};
  EXPECT_EQ(made.reason(), "EndorsementCertificatePath") << "the authority between is missing";
  made.trust = {{made.authority.certificate}, {}};
  EXPECT_EQ(made.reason(), "") << "a root need not be self-signed";
}

TEST(EndorsementCertificate, ThroughWhatIsNoAuthorityIsRefused) {
  Made made;
  const Identity other = make_identity({"Host", {{"basicConstraints", "critical,CA:FALSE"}}, {}}, &made.root);
  const Bytes der = make_identity(made.shape, &other, made.key).certificate.der();
  made.trust.intermediates = {other.certificate};
  EXPECT_EQ(made.check(der).error().reason, "EndorsementCertificatePath");
}

TEST(EndorsementCertificate, WhoseDatesDoNotHoldIsRefused) {
  EXPECT_EQ(Made().reason(Time(std::chrono::sys_days(std::chrono::year(2041) / 1 / 1))), "EndorsementCertificatePath");
  EXPECT_EQ(Made().reason(Time(std::chrono::sys_days(std::chrono::year(2019) / 1 / 1))), "EndorsementCertificatePath");
}

TEST(EndorsementCertificate, ThatDoesNotParseIsMalformed) {
  const Made made;
  const Bytes whole = made.certificate();
  for (std::size_t size = 0; size < whole.size(); size += 7)
    EXPECT_EQ(made.check(ByteView(whole).first(size)).error().reason, "EndorsementCertificateMalformed") << size;
  Bytes filled = whole;
  filled.resize(16U << 10, 0xff);
  EXPECT_TRUE(made.check(filled));
  filled.push_back(0xff);
  const auto too_long = made.check(filled);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().reason, "EndorsementCertificateMalformed");
  EXPECT_EQ(too_long.error().message, "the endorsement key's certificate cannot be read: it has 16385 bytes");
  Bytes other_tag = whole;
  other_tag[0] = 0x31;
  EXPECT_EQ(made.check(other_tag).error().reason, "EndorsementCertificateMalformed");
  Bytes long_length = whole;
  long_length[1] = 0x83;
  EXPECT_EQ(made.check(long_length).error().reason, "EndorsementCertificateMalformed");
}

TEST(EndorsementTrust, SelfSignedOnesAreRoots) {
  const Made made;
  const auto trust = sort_endorsement_trust({made.authority.certificate, made.root.certificate});
  ASSERT_EQ(trust.roots.size(), 1u);
  EXPECT_EQ(trust.roots[0].subject(), "CN=Root");
  ASSERT_EQ(trust.intermediates.size(), 1u);
}

// Its own name for the issuer's makes nobody a root.
TEST(EndorsementTrust, OnesOfTheirIssuersNameAreNoRoots) {
  const Made made;
  const Identity namesake = make_identity(authority_shape("Root"), &made.root);
  ASSERT_EQ(namesake.certificate.subject(), namesake.certificate.issuer());
  const auto trust = sort_endorsement_trust({namesake.certificate});
  EXPECT_TRUE(trust.roots.empty());
  EXPECT_EQ(trust.intermediates.size(), 1u);
}

}  // namespace
}  // namespace slipway::tpm
