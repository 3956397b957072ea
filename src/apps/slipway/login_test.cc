#include "apps/slipway/login.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "apps/slipway/accounts.h"
#include "apps/slipway/files.h"
#include "apps/slipway/secret_input.h"
#include "apps/slipway/ssh_key.h"
#include "base/temporary_folder_for_tests.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

class LoginTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("SLIPWAY_CONFIG_DIR", (folder_ / "config").c_str(), 1);
    ::setenv("HOME", (folder_ / "home").c_str(), 1);
    ::unsetenv("SLIPWAY_ADMIN");
    fs::create_directory(folder_ / "home");
  }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
    return (folder_ / name).string();
  }
  static mode_t mode_of(const fs::path& path) {
    struct stat status = {};
    ::stat(path.c_str(), &status);
    return status.st_mode & 0777;
  }

  TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
  static constexpr const char* kAdmin =
      R"({"endpoint":"https://127.0.0.1:1/","tenantId":"t","subscriptionId":"s","clientId":"c","clientSecret":"x"})";
};

TEST_F(LoginTest, ReadsAdminJsonWithItsAuthorityAndKeepsItForItsOwnerAlone) {
  write("ca.pem", "the authority");
  const Login login = read_login(write("admin.json", kAdmin)).value();
  EXPECT_EQ(login.endpoint, "https://127.0.0.1:1");
  EXPECT_EQ(login.authority, "the authority");
  Accounts accounts;
  accounts.put(Cloud{"slipway", login.endpoint, login.authority});
  accounts.put(Context{"slipway", "slipway", login.tenant, login.client, login.secret, login.subscription, "mine"});
  ASSERT_TRUE(write_accounts(accounts));
  const fs::path kept = folder_ / "config/config.json";
  EXPECT_EQ(mode_of(kept), 0600u);
  EXPECT_EQ(mode_of(kept.parent_path()), 0700u);
  EXPECT_EQ(current_login().value().secret, "x");
  EXPECT_EQ(current_login().value().authority, "the authority");
}

TEST_F(LoginTest, SaysWhatIsMissing) {
  EXPECT_EQ(current_login().error().code, ErrorCode::kUnauthenticated);
  EXPECT_NE(current_login().error().message.find("slipway login --admin"), std::string::npos);
  const std::string admin = write("admin.json", kAdmin);
  EXPECT_NE(read_login(admin).error().message.find("ca.pem"), std::string::npos);
  write("ca.pem", "a");
  EXPECT_NE(read_login(write("half.json", R"({"endpoint":"https://a"})")).error().message.find("tenantId"),
            std::string::npos);
  EXPECT_EQ(read_login(write("bad.json", "{")).error().code, ErrorCode::kMalformed);
  std::string plain = kAdmin;
  plain.replace(plain.find("https"), 5, "http");
  EXPECT_EQ(read_login(write("plain.json", plain)).error().code, ErrorCode::kMalformed);
}

TEST_F(LoginTest, TheEnvironmentsFileCountsMore) {
  write("ca.pem", "a");
  ::setenv("SLIPWAY_ADMIN", write("admin.json", kAdmin).c_str(), 1);
  EXPECT_EQ(current_login().value().client, "c");
  EXPECT_EQ(current_login("s").value().client, "c");
  EXPECT_EQ(current_login("another").error().code, ErrorCode::kNotFound);
  ::unsetenv("SLIPWAY_ADMIN");
}

TEST_F(LoginTest, AnSshKeyIsMadeOnceAndUsedAgain) {
  EXPECT_NE(ssh_public_key("", false).error().message.find("--generate-ssh-keys"), std::string::npos);
  const auto made = ssh_public_key("", true);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(made->starts_with("ssh-rsa "));
  EXPECT_EQ(made->find('\n'), std::string::npos);
  EXPECT_EQ(mode_of(folder_ / "home/.ssh/id_rsa"), 0600u);
  EXPECT_EQ(ssh_public_key("", true).value(), *made);
  EXPECT_EQ(ssh_public_key("", false).value(), *made);
  EXPECT_EQ(ssh_public_key((folder_ / "home/.ssh/id_rsa.pub").string(), false).value(), *made);
  EXPECT_EQ(ssh_public_key("ssh-ed25519 AAAA me", false).value(), "ssh-ed25519 AAAA me");
  EXPECT_EQ(ssh_public_key((folder_ / "none").string(), true).error().code, ErrorCode::kNotFound);
}

TEST_F(LoginTest, APrivateKeyWithoutItsPublicHalfIsNotOverwritten) {
  fs::create_directory(folder_ / "home/.ssh");
  write("home/.ssh/id_rsa", "mine");
  EXPECT_EQ(ssh_public_key("", true).error().code, ErrorCode::kPreconditionFailed);
  EXPECT_EQ(read_file((folder_ / "home/.ssh/id_rsa").string()).value(), "mine");
}

TEST_F(LoginTest, AFileOfLoginsThatIsBrokenIsSaidSoAndKept) {
  fs::create_directory(folder_ / "config");
  write("config/config.json", "{");
  const auto accounts = read_accounts();
  ASSERT_FALSE(accounts);
  EXPECT_EQ(accounts.error().code, ErrorCode::kMalformed);
  EXPECT_NE(accounts.error().message.find("config.json"), std::string::npos);
  EXPECT_EQ(read_file((folder_ / "config/config.json").string()).value(), "{");
}

TEST_F(LoginTest, ASecretComesFromTheWordsOrTheEnvironment) {
  EXPECT_EQ(secret_from("given").value(), "given");
  ::setenv("SLIPWAY_CLIENT_SECRET", "from the environment", 1);
  EXPECT_EQ(secret_from("").value(), "from the environment");
  ::unsetenv("SLIPWAY_CLIENT_SECRET");
}

TEST_F(LoginTest, FilesAreReplacedInOneStep) {
  const std::string path = write("file", "old");
  ::chmod(path.c_str(), 0644);
  ASSERT_TRUE(write_private_file(path, "new"));
  EXPECT_EQ(read_file(path).value(), "new");
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_FALSE(write_private_file("/proc/nothing", "x"));
}

}  // namespace
}  // namespace slipway::cli
