#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "crypto/certificate.h"
#include "http/client.h"
#include "http/private_address.h"
#include "http/server.h"
#include "http/target.h"

namespace slipway::http {
namespace {

// An authority, a server certificate under it, and a server that answers with what it was asked.
class HttpTest : public testing::Test {
 protected:
  static constexpr std::chrono::hours kYear{24 * 365};

  HttpTest() : authority_(make_authority("test authority")) {}

  crypto::Identity make_authority(std::string_view name) {
    return crypto::make_authority(name, now_ - seconds(60), now_ + kYear, random_).value();
  }
  crypto::Identity issue(const crypto::Identity& authority, crypto::CertificateUse use, std::string address) {
    crypto::CertificateTemplate content;
    content.common_name = "test";
    content.use = use;
    if (!address.empty()) content.ip_addresses = {std::move(address)};
    content.not_before = now_ - seconds(60);
    content.not_after = now_ + kYear;
    return crypto::issue_identity(authority, content, random_).value();
  }
  ServerOptions server_options(const std::string& address = "127.0.0.1") {
    const crypto::Identity server = issue(authority_, crypto::CertificateUse::kServer, address);
    ServerOptions options;
    options.certificate_chain = server.certificate.pem() + authority_.certificate.pem();
    options.private_key = server.key.pem();
    return options;
  }
  static std::unique_ptr<Server> start(const ServerOptions& options) {
    auto server = Server::start(options, [](const Request& request) {
      Response response;
      response.status = request.path == "/created" ? 201 : 200;
      response.headers["X-Path"] = request.path;
      const auto found = request.query.find("q");
      response.headers["X-Query"] = found == request.query.end() ? "" : found->second;
      response.headers["X-Base"] = request.base_url;
      if (request.path == "/throw") throw std::runtime_error("secret cause");
      if (request.path == "/large") response.body.assign(1U << 20, 'x');
      response.body += request.method + " " + request.body;
      return response;
    });
    EXPECT_TRUE(server) << server.error().message;
    return std::move(*server);
  }
  ClientOptions trusting(const crypto::Identity& authority) {
    ClientOptions options;
    options.ca_pem = authority.certificate.pem();
    options.timeout_seconds = 10;
    return options;
  }
  static std::string url(const Server& server, const std::string& path, const std::string& host = "127.0.0.1") {
    return "https://" + host + ":" + std::to_string(server.port()) + path;
  }
  static int connect_plainly(const Server& server) {
    const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket_fd;
  }

  SystemRandom random_;
  Time now_ = SystemClock().now();
  crypto::Identity authority_;
};

TEST_F(HttpTest, CarriesARequestAndItsAnswer) {
  const auto server = start(server_options());
  const Client client(trusting(authority_));
  for (int i = 0; i < 3; ++i) {
    const auto response = client.send({"PUT", url(*server, "//created?q=a%20b&q=c"), {{"X-A", "1"}}, "body"});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 201);
    EXPECT_EQ(response->headers.at("x-path"), "/created");
    EXPECT_EQ(response->headers.at("X-Query"), "a b");
    EXPECT_EQ(response->headers.at("x-base"), url(*server, ""));
    EXPECT_EQ(response->body, "PUT body");
  }
  const auto head = client.send({"HEAD", url(*server, "/x"), {}, ""});
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(client.send({"DELETE", url(*server, "/x"), {}, ""})->body, "DELETE ");
  EXPECT_EQ(client.send({"POST", url(*server, "/x"), {}, ""})->body, "POST ");
}

TEST_F(HttpTest, CarriesALargeBodyThatAsksForAContinue) {
  ServerOptions options = server_options();
  options.maximum_body = 4U << 20;
  const auto server = start(options);
  const std::string body(3U << 20, 'b');
  const auto response = Client(trusting(authority_)).send({"POST", url(*server, "/"), {}, body});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "POST " + body);
}

TEST_F(HttpTest, RefusesABodyThatIsTooLarge) {
  ServerOptions options = server_options();
  options.maximum_body = 1000;
  const auto server = start(options);
  const Client client(trusting(authority_));
  EXPECT_EQ(client.send({"POST", url(*server, "/"), {}, std::string(1000, 'x')})->status, 200);
  const auto refused = client.send({"POST", url(*server, "/"), {}, std::string(1001, 'x')});
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->status, 413);
  EXPECT_NE(refused->body.find("RequestEntityTooLarge"), std::string::npos);
  // One that never stops sending is cut off, and one that says no length is counted.
  const auto chunked =
      client.send({"POST", url(*server, "/"), {{"Transfer-Encoding", "chunked"}}, std::string(5000, 'x')});
  ASSERT_TRUE(chunked) << chunked.error().message;
  EXPECT_EQ(chunked->status, 413);
}

TEST_F(HttpTest, RefusesAHeaderThatIsTooLargeAndATargetWithTwoMeanings) {
  const auto server = start(server_options());
  const Client client(trusting(authority_));
  EXPECT_EQ(client.send({"GET", url(*server, "/"), {{"X-Long", std::string(40000, 'x')}}, ""})->status, 431);
  EXPECT_EQ(client.send({"GET", url(*server, "/a%2Fb"), {}, ""})->status, 400);
  EXPECT_EQ(client.send({"GET", url(*server, "/a%00b"), {}, ""})->status, 400);
  EXPECT_EQ(client.send({"GET", url(*server, "/"), {{"Host", "a\"b"}}, ""})->status, 400);
}

TEST_F(HttpTest, AHandlerThatThrowsAnswersWithoutItsCause) {
  const auto server = start(server_options());
  const auto response = Client(trusting(authority_)).send({"GET", url(*server, "/throw"), {}, ""});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 500);
  EXPECT_EQ(response->body.find("secret cause"), std::string::npos);
}

TEST_F(HttpTest, AnAnswerWithAHeaderThatCannotBeSentIsADefectAndNoHeader) {
  const auto server = start(server_options());
  const Client client(trusting(authority_));
  for (const std::string& value : {std::string("a%0D%0AX-Evil:%20b"), std::string("a%0Ab"), std::string(10000, 'x')}) {
    const auto response = client.send({"GET", url(*server, "/x?q=" + value), {}, ""});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 500) << value.substr(0, 20);
    EXPECT_EQ(response->headers.count("X-Evil"), 0U);
    EXPECT_EQ(response->headers.count("X-Query"), 0U);
  }
  EXPECT_EQ(client.send({"GET", url(*server, "/x?q=a"), {}, ""})->headers.at("X-Query"), "a");
}

TEST_F(HttpTest, CutsOffAClientThatIsTooSlow) {
  ServerOptions options = server_options();
  options.first_request_seconds = 1;
  const auto server = start(options);
  const int silent = connect_plainly(*server);
  const auto started = std::chrono::steady_clock::now();
  timeval limit{20, 0};
  setsockopt(silent, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char byte = 0;
  EXPECT_LE(recv(silent, &byte, 1, 0), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(10));
  close(silent);
}

TEST_F(HttpTest, SilentConnectionsKeepNobodyOut) {
  ServerOptions options = server_options();
  options.maximum_connections = 8;
  const auto server = start(options);
  std::vector<int> silent;
  for (int next = 0; next < 40; ++next) silent.push_back(connect_plainly(*server));
  const auto served = Client(trusting(authority_)).send({"GET", url(*server, "/"), {}, ""});
  EXPECT_TRUE(served) << served.error().message;
  for (const int descriptor : silent) close(descriptor);
}

TEST_F(HttpTest, AConnectionThatIsBeingAnsweredGivesWayToNobody) {
  ServerOptions options = server_options();
  options.maximum_connections = 1;
  std::latch entered(1), leave(1);
  const auto server = Server::start(options, [&](const Request&) {
    entered.count_down();
    leave.wait();
    return Response{};
  });
  ASSERT_TRUE(server);
  Result<Response> first = fail(ErrorCode::kUnavailable, "not asked yet");
  std::thread caller([&]() { first = Client(trusting(authority_)).send({"GET", url(**server, "/"), {}, ""}); });
  entered.wait();
  EXPECT_FALSE(Client(trusting(authority_)).send({"GET", url(**server, "/"), {}, ""}));
  leave.count_down();
  caller.join();
  EXPECT_TRUE(first) << first.error().message;
}

TEST_F(HttpTest, HowLargeABodyMayBeIsSaidByItsTargetBeforeItIsRead) {
  ServerOptions options = server_options();
  options.maximum_body = 10;
  options.body_limit = [](const Request& head) {
    EXPECT_TRUE(head.body.empty());
    return head.method == "POST" && head.path == "/evidence" ? std::size_t{2000} : std::size_t{1000};
  };
  const auto server = start(options);
  const Client client(trusting(authority_));
  EXPECT_EQ(client.send({"POST", url(*server, "/evidence"), {}, std::string(2000, 'x')})->status, 200);
  const auto refused = client.send({"POST", url(*server, "/evidence"), {}, std::string(2001, 'x')});
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->status, 413);
  EXPECT_NE(refused->body.find("2000"), std::string::npos);
  EXPECT_EQ(client.send({"POST", url(*server, "/other"), {}, std::string(1001, 'x')})->status, 413);
  EXPECT_EQ(client.send({"POST", url(*server, "/other"), {}, std::string(1000, 'x')})->status, 200);
  const auto chunked =
      client.send({"POST", url(*server, "/other"), {{"Transfer-Encoding", "chunked"}}, std::string(1500, 'x')});
  ASSERT_TRUE(chunked) << chunked.error().message;
  EXPECT_EQ(chunked->status, 413);
}

TEST_F(HttpTest, BodiesThatDoNotFitTogetherAreAskedForLater) {
  ServerOptions options = server_options();
  options.maximum_buffered = 1000;
  const auto server = start(options);
  const Client client(trusting(authority_));
  const auto busy = client.send({"POST", url(*server, "/"), {}, std::string(1001, 'x')});
  ASSERT_TRUE(busy) << busy.error().message;
  EXPECT_EQ(busy->status, 503);
  EXPECT_EQ(busy->headers.at("Retry-After"), "2");
  for (int next = 0; next < 5; ++next) {
    EXPECT_EQ(client.send({"POST", url(*server, "/"), {}, std::string(900, 'x')})->status, 200) << next;
  }
}

TEST_F(HttpTest, TrustsNoAuthorityButTheNamedOne) {
  const auto server = start(server_options());
  const auto refused = Client(trusting(make_authority("another"))).send({"GET", url(*server, "/"), {}, ""});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(Client(ClientOptions{}).send({"GET", url(*server, "/"), {}, ""}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(HttpTest, RefusesAServerOfAnotherName) {
  const auto server = start(server_options("127.0.0.2"));
  const auto refused = Client(trusting(authority_)).send({"GET", url(*server, "/"), {}, ""});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
}

TEST_F(HttpTest, APinNamesTheAuthorityByItsKey) {
  const auto server = start(server_options());
  ClientOptions options;
  options.pinned_ca_key_sha256 = authority_.certificate.public_key()->fingerprint();
  const auto response = Client(options).send({"GET", url(*server, "/x"), {}, ""});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "GET ");
}

TEST_F(HttpTest, APinRefusesEveryOtherServer) {
  ClientOptions options;
  options.pinned_ca_key_sha256 = make_authority("the pinned one").certificate.public_key()->fingerprint();
  const auto other_authority = start(server_options());
  EXPECT_EQ(Client(options).send({"GET", url(*other_authority, "/"), {}, ""}).error().code,
            ErrorCode::kPermissionDenied);

  // The right key, but the wrong address.
  options.pinned_ca_key_sha256 = authority_.certificate.public_key()->fingerprint();
  const auto other_name = start(server_options("127.0.0.2"));
  EXPECT_EQ(Client(options).send({"GET", url(*other_name, "/"), {}, ""}).error().code, ErrorCode::kPermissionDenied);

  // The pinned authority is presented, but did not sign the leaf.
  const crypto::Identity impostor = make_authority("test authority");
  const crypto::Identity leaf = issue(impostor, crypto::CertificateUse::kServer, "127.0.0.1");
  ServerOptions mixed;
  mixed.certificate_chain = leaf.certificate.pem() + authority_.certificate.pem();
  mixed.private_key = leaf.key.pem();
  const auto mixed_server = start(mixed);
  EXPECT_EQ(Client(options).send({"GET", url(*mixed_server, "/"), {}, ""}).error().code, ErrorCode::kPermissionDenied);

  // The pin is the leaf's own key, which is no authority.
  ServerOptions honest = server_options();
  options.pinned_ca_key_sha256 = crypto::PrivateKey::from_pem(honest.private_key)->public_key().fingerprint();
  const auto honest_server = start(honest);
  EXPECT_EQ(Client(options).send({"GET", url(*honest_server, "/"), {}, ""}).error().code, ErrorCode::kPermissionDenied);

  // The pin's authority did sign a certificate of this key, but for clients.
  const crypto::Identity client_leaf = issue(authority_, crypto::CertificateUse::kClient, "127.0.0.1");
  ServerOptions wrong_use;
  wrong_use.certificate_chain = client_leaf.certificate.pem() + authority_.certificate.pem();
  wrong_use.private_key = client_leaf.key.pem();
  options.pinned_ca_key_sha256 = authority_.certificate.public_key()->fingerprint();
  const auto wrong_use_server = start(wrong_use);
  EXPECT_EQ(Client(options).send({"GET", url(*wrong_use_server, "/"), {}, ""}).error().code,
            ErrorCode::kPermissionDenied);
}

TEST_F(HttpTest, ServerCanDemandAClientCertificate) {
  ServerOptions server_side = server_options();
  const crypto::Identity client_authority = make_authority("clients");
  server_side.client_authority = client_authority.certificate.pem();
  const auto server = start(server_side);

  ClientOptions options = trusting(authority_);
  EXPECT_FALSE(Client(options).send({"GET", url(*server, "/"), {}, ""}));
  const crypto::Identity stranger = issue(make_authority("clients"), crypto::CertificateUse::kClient, "");
  options.client_certificate_pem = stranger.certificate.pem();
  options.client_key_pem = stranger.key.pem();
  EXPECT_FALSE(Client(options).send({"GET", url(*server, "/"), {}, ""}));
  const crypto::Identity known = issue(client_authority, crypto::CertificateUse::kClient, "");
  options.client_certificate_pem = known.certificate.pem();
  options.client_key_pem = known.key.pem();
  const auto response = Client(options).send({"GET", url(*server, "/"), {}, ""});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
}

TEST_F(HttpTest, ClientBoundsTheAnswer) {
  const auto server = start(server_options());
  ClientOptions options = trusting(authority_);
  options.maximum_response = 1000;
  const auto refused = Client(options).send({"GET", url(*server, "/large"), {}, ""});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
}

TEST_F(HttpTest, ClientSaysWhereNobodyAnswers) {
  const auto refused = Client(trusting(authority_)).send({"GET", "https://127.0.0.1:1/", {}, ""});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(refused.error().message.find("127.0.0.1:1"), std::string::npos);
}

TEST_F(HttpTest, AnAddressThatIsTakenIsSaid) {
  const auto server = start(server_options());
  ServerOptions options = server_options();
  options.port = server->port();
  const auto second = Server::start(options, [](const Request&) { return Response{}; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().message.find(std::to_string(server->port())), std::string::npos);
}

TEST_F(HttpTest, StoppingWaitsForTheHandlersThatRun) {
  std::atomic<bool> entered{false}, left{false};
  auto server = Server::start(server_options(), [&](const Request&) {
    entered = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    left = true;
    return Response{};
  });
  ASSERT_TRUE(server);
  std::thread caller([&]() {
    static_cast<void>(Client(trusting(authority_)).send({"GET", url(**server, "/"), {}, ""}));
  });
  while (!entered) std::this_thread::yield();
  server->reset();
  EXPECT_TRUE(left);
  caller.join();
}

TEST(Target, PrivateAddresses) {
  for (const char* url :
       {"https://127.0.0.1/", "https://10.77.0.1:6443/", "https://192.168.1.1/", "https://172.16.0.1/",
        "https://[::1]:1/", "https://localhost:1/", "https://169.254.1.1/", "https://[fd00::1]/"}) {
    EXPECT_TRUE(is_private_url(url)) << url;
  }
  for (const char* url :
       {"https://8.8.8.8/", "https://172.32.0.1/", "https://example.org/", "https://[2001:db8::1]/", ""}) {
    EXPECT_FALSE(is_private_url(url)) << url;
  }
}

TEST(Target, DecodesOnce) {
  Request request;
  ASSERT_TRUE(read_target("/a%2541//b?x=%252F&y", request));
  EXPECT_EQ(request.path, "/a%41/b");
  EXPECT_EQ(request.query.at("x"), "%2F");
  EXPECT_EQ(request.query.at("y"), "");
  for (const char* bad :
       {"", "a", "/%", "/%zz", "*", "http://x/", "/a b", "/./a", "/a/./b", "/a/../b", "/a/%2e%2e/b", "/.", "/a/.."}) {
    Request ignored;
    EXPECT_FALSE(read_target(bad, ignored)) << bad;
  }
}

}  // namespace
}  // namespace slipway::http
