#include "api/installation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "api/json.h"
#include "api/token.h"
#include "base/temporary_folder_for_tests.h"
#include "crypto/secret_hash.h"
#include "http/client.h"
#include "http/server.h"
#include "store/memory.h"

namespace slipway::api {
namespace {

class InstallationTest : public testing::Test {
 protected:
  mode_t mode_of(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(stat((path_ + name).c_str(), &status), 0) << name;
    return status.st_mode & 07777U;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // The one that there is after a first start.
  std::string token_key_file() const {
    const std::filesystem::directory_iterator first(path_ + "/token-keys");
    return "/token-keys/" + first->path().filename().string();
  }
  Result<Installation> open(const StateFolder& folder) {
    return open_installation(folder, "127.0.0.1", *store_, now_, random_);
  }
  Status administrator(const StateFolder& folder, const Installation& installation) {
    return make_administrator(folder, installation, "https://127.0.0.1:18443", *store_, random_);
  }

  TemporaryFolder temporary_;
  const std::string root_ = temporary_.path(), path_ = root_ + "/state";
  SystemRandom random_;
  Time now_ = SystemClock().now();
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
};

// Found with the real az: one secret in 64 began with "-", and az took it for an option.
TEST(ClientSecret, IsNoOptionOfACommandLine) {
  class Repeating final : public Random {
   public:
    explicit Repeating(std::uint8_t byte) : byte_(byte) {}
    void fill(std::span<std::uint8_t> bytes) override { std::fill(bytes.begin(), bytes.end(), byte_); }

   private:
    std::uint8_t byte_;
  };
  for (int byte = 0; byte < 256; ++byte) {
    Repeating random(static_cast<std::uint8_t>(byte));
    EXPECT_THAT(make_client_secret(random), testing::MatchesRegex("[0-9a-f]{64}"));
  }
}

TEST_F(InstallationTest, TheFirstStartMakesWhatTheNextOneFinds) {
  std::string chain;
  {
    const StateFolder folder = StateFolder::claim(path_).value();
    const auto first = open(folder);
    ASSERT_TRUE(first) << first.error().message;
    ASSERT_TRUE(administrator(folder, *first));
    EXPECT_EQ(mode_of(""), 0700U);
    EXPECT_EQ(mode_of("/ca.pem"), 0644U);
    for (const std::string& name : {std::string("/ca-key.pem"), token_key_file(), std::string("/admin.json"),
                                    std::string("/activity/changes.jsonl")}) {
      EXPECT_EQ(mode_of(name), 0600U) << name;
    }
    EXPECT_THAT(read("/ca.pem"), testing::Not(testing::HasSubstr("PRIVATE")));
    chain = read("/ca.pem") + read("/admin.json") + read(token_key_file()) + first->tenant + first->subscription;
  }
  const StateFolder folder = StateFolder::claim(path_).value();
  const auto second = open(folder);
  ASSERT_TRUE(second) << second.error().message;
  ASSERT_TRUE(administrator(folder, *second));
  EXPECT_EQ(read("/ca.pem") + read("/admin.json") + read(token_key_file()) + second->tenant + second->subscription,
            chain);
  EXPECT_EQ(second->token_keys->signer(now_).key.pem(), read(token_key_file()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()), 6);
}

TEST_F(InstallationTest, TheAdministratorsSecretIsInTheFileAlone) {
  const StateFolder folder = StateFolder::claim(path_).value();
  const Installation installation = open(folder).value();
  ASSERT_TRUE(administrator(folder, installation));
  const auto admin = parse_body(read("/admin.json")).value();
  EXPECT_EQ(admin.at("endpoint").as_string(), "https://127.0.0.1:18443");
  EXPECT_EQ(admin.at("tenantId").as_string(), installation.tenant);
  EXPECT_EQ(admin.at("subscriptionId").as_string(), installation.subscription);
  const std::string secret(admin.at("clientSecret").as_string()), client(admin.at("clientId").as_string());
  EXPECT_GE(secret.size(), 43U);
  const auto document = store_->get(principal_key(client));
  ASSERT_TRUE(document);
  EXPECT_EQ(document->value.find(secret), std::string::npos);
  const auto principal = principal_from_json(document->value).value();
  const auto assignments = role_assignments(*store_).value();
  ASSERT_EQ(assignments.size(), 1U);
  const RoleAssignment& owner = assignments[0].record;
  EXPECT_EQ(owner.principal + owner.role + owner.scope, client + "Owner/");
  EXPECT_TRUE(crypto::matches_secret_hash(principal.secret_hash, secret));
}

TEST_F(InstallationTest, AStartCutShortIsCompletedFromTheFile) {
  const StateFolder folder = StateFolder::claim(path_).value();
  const Installation installation = open(folder).value();
  ASSERT_TRUE(administrator(folder, installation));
  const std::string file = read("/admin.json");
  const std::string client(parse_body(file)->at("clientId").as_string());
  ASSERT_TRUE(store_->commit({{}, {}, {principal_key(client)}}));  // as if killed between file and store
  ASSERT_TRUE(administrator(folder, installation));
  EXPECT_TRUE(store_->get(principal_key(client)));
  EXPECT_EQ(read("/admin.json"), file);
  // Moved to a safer place later on: no second administrator is made.
  std::filesystem::remove(path_ + "/admin.json");
  ASSERT_TRUE(administrator(folder, installation));
  EXPECT_FALSE(std::filesystem::exists(path_ + "/admin.json"));
}

TEST_F(InstallationTest, ADamagedOrOpenKeyIsNeverReplaced) {
  const StateFolder folder = StateFolder::claim(path_).value();
  ASSERT_TRUE(open(folder));
  const std::string before = read("/ca-key.pem");
  std::filesystem::permissions(path_ + "/ca-key.pem", std::filesystem::perms(0644));
  EXPECT_EQ(open(folder).error().code, ErrorCode::kPermissionDenied);
  std::filesystem::permissions(path_ + "/ca-key.pem", std::filesystem::perms(0600));
  for (const std::string& name : {std::string("/ca-key.pem"), token_key_file()}) {
    const std::string good = read(name);
    std::ofstream(path_ + name) << "damaged";
    const auto refused = open(folder);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, testing::HasSubstr(name));
    EXPECT_EQ(read(name), "damaged");
    std::ofstream(path_ + name) << good;
  }
  EXPECT_TRUE(open(folder));
}

TEST_F(InstallationTest, OneProcessHoldsTheFolder) {
  {
    const StateFolder folder = StateFolder::claim(path_).value();
    EXPECT_EQ(StateFolder::claim(path_).error().code, ErrorCode::kConflict);
  }
  EXPECT_TRUE(StateFolder::claim(path_));
  std::filesystem::permissions(path_, std::filesystem::perms(0711));
  EXPECT_TRUE(StateFolder::claim(path_));
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
  EXPECT_EQ(StateFolder::claim(path_).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(StateFolder::claim(root_ + "/a/b").error().code, ErrorCode::kUnavailable);
}

TEST_F(InstallationTest, ClientsTrustTheServerByCaPem) {
  const StateFolder folder = StateFolder::claim(path_).value();
  const Installation installation = open(folder).value();
  http::ServerOptions options;
  options.certificate_chain = installation.server_certificate_chain;
  options.private_key = installation.server_private_key;
  const auto server = http::Server::start(options, [](const http::Request&) { return http::Response{}; });
  ASSERT_TRUE(server) << server.error().message;
  http::ClientOptions client;
  client.ca_pem = read("/ca.pem");
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto response = http::Client(client).send(
        {"GET", std::string("https://") + host + ":" + std::to_string((*server)->port()) + "/", {}, ""});
    ASSERT_TRUE(response) << response.error().message;
  }
}

}  // namespace
}  // namespace slipway::api
