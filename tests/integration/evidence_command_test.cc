#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "attestation/evidence_bundle.h"
#include "attestation/evidence_for_tests.h"
#include "attestation/policy.h"
#include "base/random.h"
#include "base/source_folder_for_tests.h"
#include "bootchain/signature_list.h"
#include "crypto/certificate.h"
#include "enrolment/binding.h"
#include "tpm/public_area.h"

// `slipway evidence show|verify` as a program: no server, no login, no root.
namespace slipway::attestation {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

struct Ran {
  int status = -1;
  std::string output, errors;
};

class EvidenceCommand : public ::testing::Test {
 protected:
  EvidenceCommand() {
    std::string path = (fs::temp_directory_path() / "slipway-evidence-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    folder_ = path;
  }
  ~EvidenceCommand() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  // Of a quote that is bound to what the bundle names.
  static EvidenceBundle bundle_of(SimulatedMachine machine) {
    const crypto::PrivateKey client = crypto::PrivateKey::generate_p256(),
                             serving = crypto::PrivateKey::generate_p256();
    EvidenceBundle bundle;
    bundle.node = "aks-pool-1-vmss000000";
    bundle.instance = "11111111-1111-4111-8111-111111111111";
    bundle.purpose = "attest";
    bundle.nonce = Bytes(32, 5);
    bundle.client_request = crypto::make_certificate_request(client, "client").value();
    bundle.serving_request = crypto::make_certificate_request(serving, "serving").value();
    machine.nonce = enrolment::qualifying_data(enrolment::Purpose::kAttest, bundle.nonce, bundle.instance,
                                               client.public_key(), serving.public_key());
    bundle.evidence = machine.evidence();
    bundle.expectation = machine.expectation();
    bundle.circumstances = {kNow, kNow - seconds(1), Bytes(32, 9), std::nullopt, false};
    bundle.references = verity_references();
    bundle.verdict = to_json(appraise_again(bundle).value());
    return bundle;
  }

  std::string write(const std::string& name, std::string_view text) {
    const fs::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  static std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  Ran run(const std::string& words) {
    const fs::path out = folder_ / "out", errors = folder_ / "errors";
    const std::string command = "env -i HOME=/nonexistent '" + programs_folder() + "/slipway' evidence " + words +
                                " > " + out.string() + " 2> " + errors.string();
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(out), read(errors)};
  }

  fs::path folder_;
};

TEST_F(EvidenceCommand, VerifyGivesTheVerdictsOwnBytes) {
  const EvidenceBundle bundle = bundle_of(verity_machine());
  const std::string file = write("good", to_json(bundle));
  const Ran json = run("verify " + file + " -o json");
  EXPECT_EQ(json.status, 0) << json.errors;
  EXPECT_EQ(json.output, bundle.verdict + "\n");
  const Ran table = run("verify " + file);
  EXPECT_EQ(table.status, 0);
  EXPECT_THAT(table.output, HasSubstr("/EFI/debian/vmlinuz"));
  EXPECT_THAT(table.output, HasSubstr("trusted"));
}

TEST_F(EvidenceCommand, VerifyOfALyingNodeNamesTheFile) {
  SimulatedMachine machine = verity_machine();
  machine.event(9, std::string(kInitrd)).digests[0].digest[0] ^= 1;
  const Ran ran = run("verify " + write("bad", to_json(bundle_of(machine))));
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.output, HasSubstr("pcr9.initrd"));
  EXPECT_THAT(ran.output, HasSubstr("/EFI/debian/initrd"));
}

TEST_F(EvidenceCommand, VerifyUnderAnotherPolicy) {
  SimulatedMachine machine = verity_machine();
  machine.event(9, std::string(kInitrd)).digests[0].digest[0] ^= 1;
  const std::string file = write("bad", to_json(bundle_of(machine)));
  Policy lenient;
  lenient.name = "lenient";
  lenient.set(Claim::kBootFiles, Enforcement::kWarn);
  const Ran ran = run("verify " + file + " --policy " + write("policy", to_json(lenient)));
  EXPECT_EQ(ran.status, 0) << ran.errors;
  EXPECT_THAT(ran.output, HasSubstr("warning: pcr9.initrd"));
  EXPECT_THAT(ran.output, HasSubstr("Policy: lenient"));
  const Ran wrong =
      run("verify " + file + " --policy " + write("wrong", R"({"version":1,"name":"x","claims":{"a":1}})"));
  EXPECT_EQ(wrong.status, 2);
  EXPECT_EQ(wrong.output, "");
  EXPECT_THAT(wrong.errors, HasSubstr("at byte 34 of the policy"));
}

TEST_F(EvidenceCommand, VerifyAgainstRevocations) {
  const std::string file = write("good", to_json(bundle_of(verity_machine())));
  Bytes dbx;
  const auto guid = [&dbx](std::string_view text) { put_bytes(dbx, bootchain::guid_from_text(text).value().bytes); };
  guid(bootchain::kSha256Signature);
  put_u32_le(dbx, 28 + 48);
  put_u32_le(dbx, 0);
  put_u32_le(dbx, 48);
  guid(bootchain::kShimVariables);
  put_bytes(dbx, hex(kShim));
  const Ran ran = run("verify " + file + " --dbx " + write("dbx", as_text(dbx)));
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.output, HasSubstr("revoked.image"));
  EXPECT_THAT(ran.output, HasSubstr("/EFI/BOOT/BOOTX64.EFI"));
  dbx.pop_back();
  const Ran cut = run("verify " + file + " --dbx " + write("cut", as_text(dbx)));
  EXPECT_EQ(cut.status, 2);
  EXPECT_EQ(cut.output, "");
  const Ran empty = run("verify " + file + " --dbx " + write("empty", ""));
  EXPECT_EQ(empty.status, 2);
  EXPECT_EQ(empty.output, "");
  EXPECT_THAT(empty.errors, HasSubstr("at offset 0: expected an EFI signature list"));
}

TEST_F(EvidenceCommand, VerifyTellsOfAVerdictThatTheEvidenceDoesNotGive) {
  SimulatedMachine machine = verity_machine();
  machine.event(9, std::string(kInitrd)).digests[0].digest[0] ^= 1;
  EvidenceBundle bundle = bundle_of(machine);
  bundle.verdict = bundle_of(verity_machine()).verdict;
  const Ran ran = run("verify " + write("forged", to_json(bundle)));
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.errors, HasSubstr("VerdictDiffers"));
}

// Another node's good evidence does not become this one's by writing this one's names beside it.
TEST_F(EvidenceCommand, VerifyOfEvidenceUnderOtherNamesIsRefused) {
  const EvidenceBundle good = bundle_of(verity_machine());
  const EvidenceBundle other = bundle_of(verity_machine());
  std::vector<EvidenceBundle> changed(4, good);
  changed[0].instance[0] = '2';
  changed[1].nonce[0] ^= 1;
  changed[2].client_request = other.client_request;
  changed[3].serving_request = other.serving_request;
  for (const EvidenceBundle& bundle : changed) {
    const Ran ran = run("verify " + write("changed", to_json(bundle)));
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(ran.output, "");
    EXPECT_THAT(ran.errors, HasSubstr("BindingDiffers"));
  }
}

TEST_F(EvidenceCommand, VerifySaysWhoseWordEachPartIs) {
  const EvidenceBundle bundle = bundle_of(verity_machine());
  const std::string file = write("good", to_json(bundle));
  const std::string name = to_hex(tpm::compute_name(bundle.expectation.attestation_key).value());
  const Ran ran = run("verify " + file);
  EXPECT_THAT(ran.output, HasSubstr(bundle.instance));
  EXPECT_THAT(ran.output, HasSubstr(to_hex(bundle.nonce)));
  EXPECT_THAT(ran.output, HasSubstr(name));
  EXPECT_THAT(ran.output, HasSubstr("the bundle alone"));
  EXPECT_THAT(ran.output, HasSubstr("nothing: the name is not bound"));
  EXPECT_THAT(run("show " + file).output, HasSubstr(name)) << "where an operator takes it from";
}

TEST_F(EvidenceCommand, VerifyOfAnotherAttestationKeyThanTheNamedOneIsRefused) {
  const EvidenceBundle bundle = bundle_of(verity_machine());
  const std::string file = write("good", to_json(bundle));
  const std::string name = to_hex(tpm::compute_name(bundle.expectation.attestation_key).value());
  EXPECT_EQ(run("verify " + file + " --attestation-key " + name).status, 0);
  const Ran other =
      run("verify " + write("other", to_json(bundle_of(verity_machine()))) + " --attestation-key " + name);
  EXPECT_EQ(other.status, 1);
  EXPECT_EQ(other.output, "");
  EXPECT_THAT(other.errors, HasSubstr("AttestationKeyDiffers"));
  EXPECT_EQ(run("verify " + file + " --attestation-key xyz").status, 1);
}

// The bundle of a machine whose endorsement key is that of tests/corpus/endorsement.
class EndorsedEvidence : public EvidenceCommand {
 protected:
  static Bytes corpus(const std::string& name) { return bootchain::read_corpus("endorsement/" + name); }

  EndorsedEvidence() {
    const Bytes certificate = corpus("swtpm-ek-rsa2048.der");
    const auto numbers = crypto::Certificate::from_der(certificate)->public_key()->rsa_numbers().value();
    bundle_.circumstances.endorsement_key =
        crypto::sha256(tpm::marshal_public_area(tpm::endorsement_key_area(numbers)));
    // The certificate is of 23 November 2026.
    bundle_.circumstances.now = Time(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1));
    bundle_.circumstances.challenged = bundle_.circumstances.now - seconds(1);
    bundle_.endorsement =
        EndorsementCertificates{certificate, crypto::Certificate::from_pem(as_text(corpus("swtpm-issuer.pem")))->der()};
    keep_verdict();
  }
  void keep_verdict() { bundle_.verdict = to_json(appraise_again(bundle_).value()); }

  EvidenceBundle bundle_ = bundle_of(verity_machine());
};

TEST_F(EndorsedEvidence, VerifyHoldsTheCertificateAndShowPrintsIt) {
  const std::string file = write("endorsed", to_json(bundle_));
  const Ran ran = run("verify " + file);
  EXPECT_EQ(ran.status, 0) << ran.errors;
  EXPECT_THAT(ran.output, HasSubstr("TPM id:00001014 swtpm"));
  EXPECT_THAT(ran.output, HasSubstr("whose certificate the bundle brings"));
  EXPECT_EQ(run("verify " + file + " -o json").output, bundle_.verdict + "\n");
  const auto authority = crypto::Certificate::from_der(bundle_.endorsement->authority).value();
  EXPECT_THAT(run("show " + file).output, HasSubstr(authority.subject()));
  EXPECT_THAT(run("show " + file + " -o json").output, HasSubstr(to_hex(crypto::sha256(authority.der()))));
}

TEST_F(EndorsedEvidence, VerifyRefusesTheCertificateOfAnotherKey) {
  bundle_.circumstances.endorsement_key[0] ^= 1;
  keep_verdict();
  const Ran ran = run("verify " + write("other", to_json(bundle_)));
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.output, "");
  EXPECT_THAT(ran.errors, HasSubstr("EndorsementCertificateKey"));
}

TEST_F(EndorsedEvidence, VerifyRefusesAnAuthorityThatDidNotIssueIt) {
  bundle_.endorsement->authority = crypto::Certificate::from_pem(as_text(corpus("swtpm-root.pem")))->der();
  const Ran ran = run("verify " + write("other", to_json(bundle_)));
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.errors, HasSubstr("EndorsementCertificatePath"));
}

TEST_F(EndorsedEvidence, VerifyRefusesACertificateThatCannotBeRead) {
  const EndorsementCertificates good = *bundle_.endorsement;
  for (Bytes EndorsementCertificates::*part :
       {&EndorsementCertificates::certificate, &EndorsementCertificates::authority}) {
    bundle_.endorsement = good;
    (*bundle_.endorsement.*part).pop_back();
    const Ran ran = run("verify " + write("cut", to_json(bundle_)));
    EXPECT_EQ(ran.status, 1);
    EXPECT_THAT(ran.errors, HasSubstr("EndorsementCertificateMalformed"));
  }
}

// The makers' certificates are an operator's own: the bundle's issuer may lie between, and vouches for nothing.
TEST_F(EndorsedEvidence, VerifyUnderRootsOfTpmMakers) {
  const std::string file = write("endorsed", to_json(bundle_));
  fs::create_directory(folder_ / "makers");
  write("makers/root.pem", as_text(corpus("swtpm-root.pem")));
  const std::string options = " --tpm-roots " + (folder_ / "makers").string();
  const Ran ran = run("verify " + file + options);
  EXPECT_EQ(ran.status, 0) << ran.errors;
  EXPECT_THAT(ran.output, ContainsRegex("endorsement key .*TPM id:00001014.*--tpm-roots"));

  const std::string none = write("none", to_json(bundle_of(verity_machine())));
  const Ran missing = run("verify " + none + options);
  EXPECT_EQ(missing.status, 1);
  EXPECT_EQ(missing.output, "");
  EXPECT_THAT(missing.errors, HasSubstr("EndorsementCertificateMissing"));

  SystemRandom random;
  const auto other = crypto::make_authority("Another maker", kNow, kNow + std::chrono::hours(24 * 365), random).value();
  write("makers/root.pem", other.certificate.pem());
  const Ran foreign = run("verify " + file + options);
  EXPECT_EQ(foreign.status, 1);
  EXPECT_EQ(foreign.output, "");
  EXPECT_THAT(foreign.errors, HasSubstr("EndorsementCertificatePath"));

  write("makers/root.pem", "no certificate");
  EXPECT_EQ(run("verify " + file + options).status, 2);
}

TEST_F(EvidenceCommand, MalformedInputIsStatus2WithItsOffsetAndNothingElse) {
  const std::string json = to_json(bundle_of(verity_machine()));
  for (const std::string& text : {json.substr(0, json.size() / 2), std::string("{}"), json + "x"}) {
    const std::string file = write("malformed", text);
    for (const std::string verb : {"show ", "verify "}) {
      const Ran ran = run(verb + file);
      EXPECT_EQ(ran.status, 2);
      EXPECT_EQ(ran.output, "");
      EXPECT_THAT(ran.errors, HasSubstr(file));
      EXPECT_THAT(ran.errors, HasSubstr("at byte "));
      EXPECT_EQ(std::count(ran.errors.begin(), ran.errors.end(), '\n'), 1) << ran.errors;
    }
  }
  EXPECT_EQ(run("show " + (folder_ / "absent").string()).status, 3);
}

TEST_F(EvidenceCommand, ShowTellsWhatIsInIt) {
  const EvidenceBundle bundle = bundle_of(verity_machine());
  const std::string file = write("good", to_json(bundle));
  const Ran table = run("show " + file);
  EXPECT_EQ(table.status, 0) << table.errors;
  EXPECT_THAT(table.output, HasSubstr(bundle.node));
  EXPECT_THAT(table.output, HasSubstr("443 files"));
  const Ran json = run("show " + file + " -o json");
  EXPECT_EQ(json.status, 0);
  EXPECT_THAT(json.output, HasSubstr("\"resetCount\": 0"));
}

// A guest's words must not write into a terminal.
TEST_F(EvidenceCommand, ShowIsPrintable) {
  EvidenceBundle bundle = bundle_of(verity_machine());
  bundle.node = "node\x1b[2J";
  const Ran ran = run("show " + write("coloured", to_json(bundle)));
  EXPECT_EQ(ran.output.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace slipway::attestation
