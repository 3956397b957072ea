// What boots by Slipway's rules, held against the files that Debian signs and against other judges: sbverify for
// images, openssl for kernel modules and endorsement certificates, tpm2_checkquote for quotes. Each pair judges the
// same list of altered files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>

#include "attestation/evidence_bundle.h"
#include "base/source_folder_for_tests.h"
#include "bootchain/boot_policy.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/module_signature.h"
#include "crypto/certificate_details.h"
#include "tpm/endorsement_certificate.h"
#include "tpm/quote.h"

namespace slipway {
namespace {

namespace fs = std::filesystem;
using bootchain::BootDecision;
using bootchain::read_corpus;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// True if the command ends with status 0.
bool succeeds(const std::string& command) {
  const int status = std::system(("{ " + command + "; } >/dev/null 2>&1").c_str());
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "slipway-policy-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, ByteView content) const {
    std::ofstream(path_ / name, std::ios::binary) << as_text(content);
    return (path_ / name).string();
  }

 private:
  fs::path path_;
};

// A boot file that Debian signed: of its package on this host, or of a node image that was built here.
std::optional<fs::path> signed_file(const std::string& name) {
  static const std::map<std::string, std::string> packaged = {
      {"shimx64.efi", "/usr/lib/shim/shimx64.efi.signed"},
      {"grubx64.efi", "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"}};
  std::error_code error;
  if (const auto found = packaged.find(name); found != packaged.end() && fs::exists(found->second, error))
    return found->second;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path roots =
      (cache != nullptr ? fs::path(cache) : fs::path(home == nullptr ? "/" : home) / ".cache") / "slipway/node-root";
  for (const auto& entry : fs::directory_iterator(roots, error))
    if (const fs::path file = entry.path() / "boot" / name; fs::exists(file, error)) return file;
  return std::nullopt;
}

#define SIGNED_FILE(variable, name)                                                                                   \
  const auto variable##_path = signed_file(name);                                                                     \
  if (!variable##_path)                                                                                               \
    GTEST_SKIP() << name << " is neither installed (shim-signed, grub-efi-amd64-signed) nor in a node image's cache"; \
  const Bytes variable = read_file(*variable##_path)

constexpr const char* kMicrosoftStore = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";
constexpr const char* kSnakeoilStore = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd";
constexpr const char* kEmptyStore = "/usr/share/OVMF/OVMF_VARS_4M.fd";

struct Store {
  std::vector<bootchain::StoredVariable> variables;
  bootchain::SecureBootState firmware;

  explicit Store(const char* path) {
    variables = bootchain::read_variable_store(read_file(path)).value();
    firmware = bootchain::read_secure_boot_state(variables).value();
  }
  BootDecision by_firmware(const Bytes& file) const {
    return would_firmware_load(bootchain::parse_pe_image(file).value(), firmware);
  }
  BootDecision by_shim(const Bytes& file, const Bytes& shim, bootchain::ShimCaller caller) const {
    const auto image = bootchain::parse_pe_image(shim).value();
    const auto trust = bootchain::read_shim_trust(image, variables).value();
    return would_shim_load(bootchain::parse_pe_image(file).value(), firmware, trust, caller);
  }
};

TEST(VariableStores, OfOvmfAreRead) {
  const Store microsoft(kMicrosoftStore), snakeoil(kSnakeoilStore), empty(kEmptyStore);
  EXPECT_TRUE(microsoft.firmware.enabled);
  EXPECT_EQ(microsoft.firmware.db.size(), 2u);
  EXPECT_EQ(microsoft.firmware.dbx.size(), 1u);
  EXPECT_EQ(microsoft.firmware.key_exchange_keys.size(), 2u);
  EXPECT_TRUE(snakeoil.firmware.enabled);
  EXPECT_THAT(describe(snakeoil.firmware.db.at(0)), HasSubstr("SnakeOil"));
  EXPECT_FALSE(empty.firmware.enabled);
  EXPECT_TRUE(empty.variables.empty());
}

TEST(DebiansChain, BootsByTheRulesThatWereExpected) {
  SIGNED_FILE(shim, "shimx64.efi");
  SIGNED_FILE(grub, "grubx64.efi");
  SIGNED_FILE(kernel, "vmlinuz");
  const Store store(kMicrosoftStore);
  const BootDecision shim_decision = store.by_firmware(shim);
  EXPECT_TRUE(shim_decision.loads) << shim_decision.reason;
  EXPECT_EQ(shim_decision.rule, "db.certificate");
  EXPECT_THAT(shim_decision.reason, HasSubstr("CN=Microsoft Corporation UEFI CA 2011"));

  const BootDecision grub_decision = store.by_shim(grub, shim, bootchain::ShimCaller::kShim);
  EXPECT_EQ(grub_decision.rule, "vendor.certificate") << grub_decision.reason;
  EXPECT_THAT(grub_decision.signed_by, ElementsAre(HasSubstr("Debian Secure Boot Signer"), "CN=Debian Secure Boot CA"));
  EXPECT_EQ(store.by_firmware(grub).rule, "signature.untrusted") << "without shim";

  EXPECT_EQ(store.by_shim(kernel, shim, bootchain::ShimCaller::kShimLock).rule, "vendor.certificate");
  EXPECT_EQ(store.by_shim(kernel, shim, bootchain::ShimCaller::kShim).rule, "sbat.missing");
  EXPECT_EQ(Store(kSnakeoilStore).by_firmware(shim).rule, "signature.untrusted");
  EXPECT_EQ(Store(kEmptyStore).by_firmware(shim).rule, "secureBoot.disabled");
}

TEST(DebiansChain, OneByteChangedBreaksIt) {
  SIGNED_FILE(shim, "shimx64.efi");
  SIGNED_FILE(grub, "grubx64.efi");
  SIGNED_FILE(kernel, "vmlinuz");
  const Store store(kMicrosoftStore);
  const auto changed = [](Bytes file) {
    file[file.size() / 2] ^= 1;
    return file;
  };
  EXPECT_EQ(store.by_firmware(changed(shim)).rule, "signature.digest");
  EXPECT_EQ(store.by_shim(changed(grub), shim, bootchain::ShimCaller::kShim).rule, "signature.digest");
  EXPECT_EQ(store.by_shim(changed(kernel), shim, bootchain::ShimCaller::kShimLock).rule, "signature.digest");
}

TEST(DebiansChain, LaterSbatLevelRevokesIt) {
  SIGNED_FILE(shim, "shimx64.efi");
  SIGNED_FILE(grub, "grubx64.efi");
  Store store(kMicrosoftStore);
  bootchain::StoredVariable level;
  level.vendor = bootchain::guid_from_text("605dab50-e046-4300-abb6-3dd810dd8b23").value();
  level.name = "SbatLevel";
  level.data = to_bytes("sbat,1,2099010100\nshim,99\ngrub,99\n");
  store.variables.push_back(level);
  const BootDecision decision = store.by_shim(grub, shim, bootchain::ShimCaller::kShim);
  EXPECT_EQ(decision.rule, "sbat.generation");
  EXPECT_THAT(decision.reason, HasSubstr("SBAT grub generation "));
  const auto image = bootchain::parse_pe_image(shim).value();
  EXPECT_EQ(would_shim_start(image, store.firmware, bootchain::read_shim_trust(image, store.variables).value()).rule,
            "sbat.generation");
}

struct Alteration {
  std::string name;
  std::function<void(Bytes&)> apply;
};

TEST(Sbverify, JudgesAlteredImagesAlike) {
  if (!succeeds("command -v sbverify")) GTEST_SKIP() << "sbverify is missing; apt-get install sbsigntool";
  SIGNED_FILE(grub, "grubx64.efi");
  SIGNED_FILE(shim, "shimx64.efi");
  const auto image = bootchain::parse_pe_image(grub).value();
  const std::size_t certificates = image.certificates_offset;
  const auto flip = [](std::size_t at) { return [at](Bytes& file) { file[at] ^= 1; }; };
  std::vector<Alteration> alterations = {
      {"as it is", [](Bytes&) {}},
      {"checksum", flip(image.checksum_offset)},
      {"DOS stub", flip(0x20)},
      {"time stamp", flip(image.checksum_offset - 64 - 16)},
      {"in the section table", flip(image.headers_size - 100)},
      {"first byte behind the headers", flip(image.headers_size)},
      {"last byte before the signature", flip(certificates - 1)},
      {"another signer's signature",
       [&](Bytes& file) {
         const auto other = bootchain::parse_pe_image(shim).value();
         file.resize(certificates);
         file.insert(file.end(), shim.begin() + static_cast<std::ptrdiff_t>(other.certificates_offset), shim.end());
         for (std::size_t i = 0; i < 4; ++i)
           file[image.certificate_entry_offset + 4 + i] = static_cast<std::uint8_t>(other.certificates_size >> (8 * i));
       }},
      {"no signature",
       [&](Bytes& file) {
         file.resize(certificates);
         std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(image.certificate_entry_offset), 8, 0);
       }},
  };
  // Through the whole signature: structure, attributes, certificates, value. Padding and names are changed as well.
  for (std::size_t at = certificates + 8; at < grub.size() - 8; at += 37)
    alterations.push_back({"signature byte " + std::to_string(at - certificates), flip(at)});

  const Folder folder;
  const auto vendor_image = bootchain::parse_pe_image(shim).value();
  const auto vendor = bootchain::read_shim_image(vendor_image).value().authorized;
  const std::string certificate =
      folder.write("vendor.pem", as_bytes(crypto::Certificate::from_der(vendor.at(0).data)->pem()));
  bootchain::SecureBootState firmware;
  firmware.enabled = true;
  firmware.db = vendor;
  int accepted = 0;
  for (const Alteration& alteration : alterations) {
    Bytes file = grub;
    alteration.apply(file);
    const std::string path = folder.write("altered.efi", file);
    const bool judged = succeeds("sbverify --cert " + certificate + " " + path);
    const auto parsed = bootchain::parse_pe_image(file);
    const BootDecision decision = parsed ? would_firmware_load(*parsed, firmware) : BootDecision{};
    EXPECT_EQ(decision.loads, judged) << alteration.name << ": " << decision.reason;
    accepted += judged ? 1 : 0;
  }
  EXPECT_GE(accepted, 2) << "the file itself, and one with another checksum";
  EXPECT_LT(accepted, static_cast<int>(alterations.size()));
}

TEST(Openssl, JudgesAlteredModulesAlike) {
  const Bytes good = read_corpus("modules/crc7.ko");
  const Bytes pem = read_corpus("modules/build-key-6.1.0-56-cloud.pem");
  const auto trusted = crypto::certificates_from_pem(as_text(pem)).value();
  const Folder folder;
  const std::string certificate = folder.write("key.pem", pem);
  const std::size_t signature_offset = bootchain::read_module(good)->signature_offset;
  int accepted = 0, refused = 0;
  for (std::size_t at = 4; at < good.size() - 40; at += at < signature_offset ? 131 : 7) {
    Bytes file = good;
    if (at != 4) file[at] ^= 1;
    const std::string content = folder.write("content", ByteView(file).first(signature_offset));
    const std::string signature =
        folder.write("signature", ByteView(file).subspan(signature_offset, good.size() - 40 - signature_offset));
    const bool judged = succeeds("openssl cms -verify -binary -inform DER -in " + signature + " -content " + content +
                                 " -certfile " + certificate + " -nointern -noverify -out /dev/null");
    const auto module = bootchain::read_module(file);
    const auto decision = module ? would_kernel_load(*module, trusted) : bootchain::ModuleDecision{};
    // Where the signature names no hash that it knows, openssl tries the one that it has; the kernel refuses.
    if (decision.rule == "module.hash") continue;
    EXPECT_EQ(decision.loads, judged) << "byte " << at << " of " << good.size();
    (judged ? accepted : refused) += 1;
  }
  EXPECT_GE(accepted, 1);
  EXPECT_GE(refused, 50);
}

TEST(Openssl, JudgesAlteredEndorsementCertificatesAlike) {
  const Bytes good = read_corpus("endorsement/swtpm-ek-rsa2048.der");
  const Bytes issuer = read_corpus("endorsement/swtpm-issuer.pem"), root = read_corpus("endorsement/swtpm-root.pem");
  const auto key = crypto::Certificate::from_der(good)->public_key().value();
  const tpm::EndorsementTrust trust{{crypto::Certificate::from_pem(as_text(root)).value()},
                                    {crypto::Certificate::from_pem(as_text(issuer)).value()}};
  const Time at = Time(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1));
  const Folder folder;
  const std::string trusted =
      "-CAfile " + folder.write("root.pem", root) + " -untrusted " + folder.write("issuer.pem", issuer);
  int accepted = 0, refused = 0;
  for (std::size_t offset = 0; offset < good.size(); offset += 11) {
    Bytes file = good;
    if (offset != 0) file[offset] ^= 1;
    const std::string path = folder.write("ek.der", file);
    const bool judged = succeeds(
        "openssl x509 -inform DER -in " + path + " -out " + path + ".pem && openssl verify " + trusted + " -attime " +
        std::to_string(std::chrono::floor<seconds>(at).time_since_epoch().count()) + " " + path + ".pem");
    EXPECT_EQ(check_endorsement_certificate(file, key, trust, at).has_value(), judged) << "byte " << offset;
    (judged ? accepted : refused) += 1;
  }
  EXPECT_GE(accepted, 1);
  EXPECT_GE(refused, 50);
}

// A quote with all that judges it; every `step`-th byte of it is altered.
void judge_altered_quotes(const tpm::AttestationKey& key, const tpm::UnverifiedQuote& good, const Bytes& nonce,
                          std::size_t step) {
  const std::vector<int> pcrs = tpm::parse_quote(good.attest)->selections.at(0).pcrs;
  const Folder folder;
  const std::string key_path = folder.write("ak.pem", as_bytes(key.key.pem()));
  const auto both = [&](const tpm::UnverifiedQuote& quote, const Bytes& qualifying_data) {
    const bool judged = succeeds("tpm2_checkquote -u " + key_path + " -m " + folder.write("q.msg", quote.attest) +
                                 " -s " + folder.write("q.sig", quote.signature) + " -q " + to_hex(qualifying_data));
    const bool verified = tpm::verify_quote(key, quote, qualifying_data, pcrs).has_value();
    EXPECT_EQ(verified, judged);
    return judged;
  };
  EXPECT_TRUE(both(good, nonce));
  Bytes other_nonce = nonce;
  other_nonce.back() ^= 1;
  EXPECT_FALSE(both(good, other_nonce));
  for (std::size_t at = 0; at < good.attest.size(); at += step) {
    SCOPED_TRACE("quote byte " + std::to_string(at));
    tpm::UnverifiedQuote quote = good;
    quote.attest[at] ^= 1;
    EXPECT_FALSE(both(quote, nonce));
  }
  for (std::size_t at = 0; at < good.signature.size(); at += 4 * step) {
    SCOPED_TRACE("signature byte " + std::to_string(at));
    tpm::UnverifiedQuote quote = good;
    quote.signature[at] ^= 1;
    EXPECT_FALSE(both(quote, nonce));
  }
}

TEST(Tpm2Checkquote, JudgesAlteredQuotesAlike) {
  if (!succeeds("command -v tpm2_checkquote")) GTEST_SKIP() << "tpm2_checkquote is missing; apt-get install tpm2-tools";
  for (const std::string boot : {"debian12-ovmf-secureboot", "debian12-ovmf-verity", "slipway-node-verity"}) {
    SCOPED_TRACE(boot);
    const Bytes pem = read_corpus("boots/" + boot + "/ak.pub");
    const auto numbers = crypto::PublicKey::from_pem(as_text(pem))->rsa_numbers().value();
    judge_altered_quotes(
        tpm::check_attestation_key(tpm::marshal_public_area(tpm::attestation_key_area(numbers))).value(),
        {read_corpus("boots/" + boot + "/q.msg"), read_corpus("boots/" + boot + "/q.sig")}, {0xab, 0xcd, 0xef}, 3);
  }
}

TEST(Tpm2Checkquote, JudgesTheQuotesOfOurOwnNodesAlike) {
  if (!succeeds("command -v tpm2_checkquote")) GTEST_SKIP() << "tpm2_checkquote is missing; apt-get install tpm2-tools";
  int quotes = 0;
  for (const auto& entry : fs::directory_iterator(source_folder() + "/tests/corpus/evidence")) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path());
    const auto bundle = attestation::bundle_from_json(as_text(read_file(entry.path())));
    ASSERT_TRUE(bundle) << bundle.error().message;
    const attestation::Expectation& expected = bundle->expectation;
    judge_altered_quotes(tpm::check_attestation_key(expected.attestation_key).value(),
                         {bundle->evidence.attest, bundle->evidence.signature}, expected.qualifying_data, 23);
    ++quotes;
  }
  EXPECT_GE(quotes, 8);
}

}  // namespace
}  // namespace slipway
