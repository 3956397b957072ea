// Slipway's own credential and quote mathematics against a TPM simulator and tpm2-tools, in both directions.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

#include "base/byte_reader.h"
#include "base/random.h"
#include "tpm/credential.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

namespace slipway::tpm {
namespace {

namespace fs = std::filesystem;

// tpm2-tools' credential file: this magic, version 1, then the two TPM2B.
constexpr std::uint32_t kCredentialMagic = 0xbadcc0de;
constexpr std::size_t kCredentialHeader = 8;

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, ByteView bytes) { std::ofstream(path, std::ios::binary) << as_text(bytes); }

// True if nothing listens on the port.
bool is_free(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(socket);
  return bound;
}

class Tpm2Tools : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "slipway-tpm-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directory(folder_ / "state");
    int port = 20000 + ::getpid() % 20000;
    while (!is_free(port) || !is_free(port + 1)) port += 2;
    start(port);
    ASSERT_EQ(::setenv("TPM2TOOLS_TCTI", ("swtpm:host=127.0.0.1,port=" + std::to_string(port)).c_str(), 1), 0);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (run("tpm2_startup -c 2>/dev/null") != 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ASSERT_EQ(run("tpm2_getrandom --hex 4 >/dev/null"), 0) << "swtpm does not answer on port " << port;
    ASSERT_EQ(run("tpm2_createek -c ek.ctx -G rsa -u ek.pub && tpm2_flushcontext -t"), 0);
  }

  void TearDown() override {
    if (swtpm_ > 0) {
      ::kill(swtpm_, SIGTERM);
      ::waitpid(swtpm_, nullptr, 0);
    }
    fs::remove_all(folder_);
  }

  void start(int port) {
    std::string server = "type=tcp,port=" + std::to_string(port) + ",bindaddr=127.0.0.1";
    std::string control = "type=tcp,port=" + std::to_string(port + 1) + ",bindaddr=127.0.0.1";
    std::string state = "dir=" + (folder_ / "state").string();
    std::string words[] = {"swtpm", "socket",     "--tpm2", "--server", server,         "--ctrl",
                           control, "--tpmstate", state,    "--flags",  "not-need-init"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ASSERT_EQ(::posix_spawnp(&swtpm_, "swtpm", nullptr, nullptr, arguments.data(), environ), 0) << "install swtpm";
  }

  int run(const std::string& command) const {
    return std::system(("cd '" + folder_.string() + "' && { " + command + "; } >>tools.log 2>&1").c_str());
  }
  // The same, and its output into the failure's message.
  testing::AssertionResult works(const std::string& command) const {
    if (run(command) == 0) return testing::AssertionSuccess();
    return testing::AssertionFailure() << command << "\n" << as_text(read_file(folder_ / "tools.log"));
  }

  testing::AssertionResult make_attestation_key(const std::string& kind) const {
    const std::string scheme = kind == "rsa" ? "rsassa" : "ecdsa";
    return works("tpm2_createak -C ek.ctx -c ak.ctx -G " + kind + " -g sha256 -s " + scheme +
                 " -u ak.pub -n ak.name && tpm2_flushcontext -t");
  }

  Result<AttestationKey> attestation_key() const {
    SLIPWAY_ASSIGN(const Bytes area, unwrap_public_area(read_file(folder_ / "ak.pub")));
    return check_attestation_key(area);
  }

  Result<crypto::PublicKey> endorsement_key() const {
    SLIPWAY_ASSIGN(const Bytes area, unwrap_public_area(read_file(folder_ / "ek.pub")));
    return check_endorsement_key(area);
  }

  // tpm2_activatecredential with the policy session that the endorsement key's template asks for.
  testing::AssertionResult activate() const {
    return works(
        "tpm2_startauthsession --policy-session -S session.ctx && "
        "tpm2_policysecret -S session.ctx -c e && "
        "tpm2_activatecredential -c ak.ctx -C ek.ctx -i credential -o opened -P session:session.ctx; "
        "result=$?; tpm2_flushcontext session.ctx; tpm2_flushcontext -t; (exit $result)");
  }

  void write_credential(const Credential& credential) const {
    Bytes file;
    put_u32_be(file, kCredentialMagic);
    put_u32_be(file, 1);
    put_bytes(file, credential.id_object);
    put_bytes(file, credential.encrypted_secret);
    write_file(folder_ / "credential", file);
  }

  fs::path folder_;
  pid_t swtpm_ = -1;
  SystemRandom random_;
};

TEST_F(Tpm2Tools, ATpmOpensOurCredential) {
  for (const std::string kind : {"rsa", "ecc"}) {
    ASSERT_TRUE(make_attestation_key(kind));
    const auto key = attestation_key();
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->name, read_file(folder_ / "ak.name")) << kind;
    const auto endorsement = endorsement_key();
    ASSERT_TRUE(endorsement) << endorsement.error().message;

    const Bytes secret = random_.bytes(32);
    write_credential(make_credential(*endorsement, key->name, secret, random_).value());
    ASSERT_TRUE(activate());
    EXPECT_EQ(read_file(folder_ / "opened"), secret) << kind;

    Bytes other_name = key->name;
    other_name.back() ^= 1;
    write_credential(make_credential(*endorsement, other_name, secret, random_).value());
    EXPECT_FALSE(activate()) << "a TPM opened a credential for another key's name";
  }
}

TEST_F(Tpm2Tools, WeOpenTheToolsCredential) {
  const auto ek = crypto::PrivateKey::generate_rsa2048();
  const Bytes area = marshal_public_area(endorsement_key_area(ek.public_key().rsa_numbers().value()));
  Bytes sized;
  put_u16_be(sized, static_cast<std::uint16_t>(area.size()));
  put_bytes(sized, area);
  write_file(folder_ / "soft-ek.pub", sized);
  ASSERT_TRUE(make_attestation_key("ecc"));
  const Bytes name = read_file(folder_ / "ak.name");
  const Bytes secret = random_.bytes(32);
  write_file(folder_ / "secret", secret);
  ASSERT_TRUE(works("tpm2_makecredential -T none -u soft-ek.pub -s secret -n " + to_hex(name) + " -o credential"));

  const Bytes file = read_file(folder_ / "credential");
  ASSERT_GT(file.size(), kCredentialHeader + 2);
  const ByteView blobs = ByteView(file).subspan(kCredentialHeader);
  const std::size_t first = 2u + static_cast<std::size_t>(blobs[0] << 8 | blobs[1]);
  ASSERT_LT(first, blobs.size());
  EXPECT_EQ(activate_credential(ek, name, blobs.first(first), blobs.subspan(first)).value(), secret);
  Bytes other_name = name;
  other_name.back() ^= 1;
  EXPECT_EQ(activate_credential(ek, other_name, blobs.first(first), blobs.subspan(first)).error().code,
            ErrorCode::kPermissionDenied);
}

TEST_F(Tpm2Tools, ATpmsQuotesHold) {
  for (const std::string kind : {"rsa", "ecc"}) {
    ASSERT_TRUE(make_attestation_key(kind));
    ASSERT_TRUE(
        works("tpm2_quote -c ak.ctx -l sha256:0,4,7 -q c0ffee -m quote.msg -s quote.sig -o quote.pcrs && "
              "tpm2_flushcontext -t && tpm2_pcrread sha256:0,4,7 -o pcrs"));
    const std::string judge = "tpm2_checkquote -u ak.pub -m quote.msg -s quote.sig -f quote.pcrs -g sha256 -q ";
    ASSERT_TRUE(works(judge + "c0ffee")) << kind;
    EXPECT_FALSE(works(judge + "c0ffed")) << kind;
    const UnverifiedQuote quote{read_file(folder_ / "quote.msg"), read_file(folder_ / "quote.sig")};
    const Bytes challenge = {0xc0, 0xff, 0xee};
    const auto verified = verify_quote(attestation_key().value(), quote, challenge, {0, 4, 7});
    ASSERT_TRUE(verified) << kind << ": " << verified.error().message;
    EXPECT_EQ(verified->pcr_digest, crypto::sha256(read_file(folder_ / "pcrs")));
    EXPECT_EQ(verify_quote(attestation_key().value(), quote, challenge, {0, 4}).error().reason, "QuoteSelection");
    ASSERT_TRUE(make_attestation_key(kind));
    EXPECT_EQ(verify_quote(attestation_key().value(), quote, challenge, {0, 4, 7}).error().reason, "QuoteSignature");
    EXPECT_FALSE(works(judge + "c0ffee")) << kind << " by another key";
  }
}

// A key that any program may make: not restricted, so it would sign a quote that the program wrote.
TEST_F(Tpm2Tools, AnUnrestrictedKeyIsRefused) {
  ASSERT_TRUE(
      works("tpm2_createprimary -C e -G ecc256:ecdsa-sha256 -c ak.ctx "
            "-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' && "
            "tpm2_readpublic -c ak.ctx -o ak.pub && tpm2_flushcontext -t"));
  EXPECT_EQ(attestation_key().error().reason, "AttestationKeyNotRestricted");
}

}  // namespace
}  // namespace slipway::tpm
