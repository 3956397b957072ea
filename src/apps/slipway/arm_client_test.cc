#include "apps/slipway/arm_client.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/random.h"
#include "crypto/certificate.h"
#include "http/server.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

// A server of the ARM shape that says what each test puts into its members.
class ArmClientTest : public testing::Test {
 protected:
  void SetUp() override {
    const Time now = SystemClock().now();
    SystemRandom random;
    const auto authority =
        crypto::make_authority("test", now - seconds(60), now + std::chrono::hours(1), random).value();
    crypto::CertificateTemplate content;
    content.common_name = "test";
    content.use = crypto::CertificateUse::kServer;
    content.ip_addresses = {"127.0.0.1"};
    content.not_before = now - seconds(60);
    content.not_after = now + std::chrono::hours(1);
    const auto identity = crypto::issue_identity(authority, content, random).value();
    http::ServerOptions options;
    options.certificate_chain = identity.certificate.pem();
    options.private_key = identity.key.pem();
    server_ = http::Server::start(options, [this](const http::Request& request) { return answer(request); }).value();
    login_ = {endpoint(), "tenant", "sub", "client", "s&cret", authority.certificate.pem()};
  }

  std::string endpoint() const { return "https://127.0.0.1:" + std::to_string(server_->port()); }
  ArmClient client() {
    return {login_, [this](seconds, std::string_view text) { progress_.emplace_back(text); }};
  }

  http::Response answer(const http::Request& request) {
    if (request.path == "/tenant/oauth2/v2.0/token") {
      ++tokens_;
      if (request.body.find("client_secret=s%26cret&") == std::string::npos)
        return {401, {}, R"({"error": "invalid_client", "error_description": "no such client"})"};
      return {200, {}, R"({"access_token": "token-)" + std::to_string(tokens_) + "\"}"};
    }
    const auto authorization = request.headers.find("Authorization");
    if (authorization == request.headers.end() || authorization->second == refused_token_)
      return {401, {}, R"({"error": {"code": "ExpiredAuthenticationToken", "message": "too old"}})"};
    if (request.path == "/operation") return operation();
    if (request.path == "/start") return {201, {{"Azure-AsyncOperation", operation_url_}, {"Retry-After", "0"}}, "{}"};
    if (request.path == "/list")
      return request.query.contains("page")
                 ? http::Response{200, {}, R"({"value": [2, 3]})"}
                 : http::Response{200, {}, R"({"value": [1], "nextLink": ")" + endpoint() + R"(/list?page=2"})"};
    if (request.path == "/flat")
      return {400, {}, R"({"code": "InvalidParameter", "message": "no\u001b", "target": "t"})"};
    if (request.path == "/text") return {500, {}, "<html>"};
    return {404, {}, R"({"error": {"code": "ResourceNotFound", "message": "it is not there"}})"};
  }

  http::Response operation() {
    ++polls_;
    if (polls_ <= 2)
      return {200,
              {{"Retry-After", "0"}},
              R"({"status": "InProgress", "properties": {"progress": "step )" + std::to_string(polls_) + "\"}}"};
    return {200, {}, last_};
  }

  std::unique_ptr<http::Server> server_;
  Login login_;
  std::vector<std::string> progress_;
  std::atomic<int> tokens_ = 0, polls_ = 0;
  std::string operation_url_, refused_token_, last_ = R"({"status": "Succeeded"})";
};

TEST_F(ArmClientTest, WaitsForTheEndOfAnOperationAndShowsItsProgress) {
  operation_url_ = endpoint() + "/operation";
  ArmClient arm = client();
  const auto started = arm.send("PUT", "/start", "v", json::object{});
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_TRUE(arm.wait(*started));
  EXPECT_EQ(progress_, (std::vector<std::string>{"step 1", "step 2"}));
  EXPECT_EQ(tokens_, 1);
}

TEST_F(ArmClientTest, AFailedOperationIsItsError) {
  operation_url_ = endpoint() + "/operation";
  last_ = R"({"status": "Failed", "error": {"code": "NodesNotReady", "message": "1 of 1 nodes refused"}})";
  ArmClient arm = client();
  const Status status = arm.wait(arm.send("PUT", "/start", "v", json::object{}).value());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().reason, "NodesNotReady");
  EXPECT_EQ(status.error().message, "1 of 1 nodes refused");
}

TEST_F(ArmClientTest, TheTokenGoesNowhereElse) {
  operation_url_ = "https://127.0.0.2:1/operation";
  ArmClient arm = client();
  const Status status = arm.wait(arm.send("PUT", "/start", "v", json::object{}).value());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kPermissionDenied);
  operation_url_ = endpoint() + "1/operation";
  EXPECT_FALSE(arm.wait(arm.send("PUT", "/start", "v", json::object{}).value()));
}

TEST_F(ArmClientTest, AnOldTokenIsReplacedOnce) {
  ArmClient arm = client();
  EXPECT_TRUE(arm.list("/list", "v"));
  refused_token_ = "Bearer token-1";
  EXPECT_TRUE(arm.list("/list", "v"));
  EXPECT_EQ(tokens_, 2);
  refused_token_ = "Bearer token-3";
  ArmClient refused = client();
  EXPECT_EQ(refused.list("/list", "v").error().code, ErrorCode::kUnauthenticated);
}

TEST_F(ArmClientTest, FollowsThePagesOfACollection) {
  EXPECT_EQ(client().list("/list", "v").value(), (json::array{1, 2, 3}));
}

TEST_F(ArmClientTest, ErrorsKeepArmsCodeAndTarget) {
  const Error missing = client().get("/nothing", "v").error();
  EXPECT_EQ(missing.code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.reason, "ResourceNotFound");
  const Error flat = client().get("/flat", "v").error();
  EXPECT_EQ(flat.reason, "InvalidParameter");
  EXPECT_EQ(flat.message, "no?");
  EXPECT_EQ(flat.target, "t");
  EXPECT_NE(client().get("/text", "v").error().message.find("500"), std::string::npos);
}

TEST_F(ArmClientTest, ATraceHasRequestsAndNoSecret) {
  std::vector<std::string> lines;
  ArmClient arm(login_, {}, [&lines](std::string_view line) { lines.emplace_back(line); });
  ASSERT_TRUE(arm.list("/list", "v"));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "POST " + endpoint() + "/tenant/oauth2/v2.0/token: 200");
  EXPECT_EQ(lines[1], "GET " + endpoint() + "/list?api-version=v: 200");
  for (const std::string& line : lines) {
    EXPECT_EQ(line.find("token-"), std::string::npos);
    EXPECT_EQ(line.find("cret"), std::string::npos);
  }
}

TEST_F(ArmClientTest, AWrongSecretSaysHowToLogInAgain) {
  login_.secret = "another";
  const Error error = client().get("/list", "v").error();
  EXPECT_EQ(error.code, ErrorCode::kUnauthenticated);
  EXPECT_NE(error.message.find("slipway login"), std::string::npos);
}

}  // namespace
}  // namespace slipway::cli
