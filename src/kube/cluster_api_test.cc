#include "kube/cluster_api.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <mutex>

#include "base/random.h"
#include "base/time.h"
#include "crypto/certificate.h"
#include "http/server.h"

namespace slipway::kube {
namespace {

namespace json = boost::json;

// An apiserver that has nothing but a list of nodes.
class ListOfNodes {
 public:
  ListOfNodes(int count, std::size_t bytes_each) : count_(count), bytes_(bytes_each) {
    crypto::CertificateTemplate content;
    content.common_name = "apiserver";
    content.use = crypto::CertificateUse::kServer;
    content.ip_addresses = {"127.0.0.1"};
    content.not_before = now_ - seconds(60);
    content.not_after = now_ + seconds(3600);
    const crypto::Identity identity = crypto::issue_identity(authority_, content, random_).value();
    http::ServerOptions options;
    options.certificate_chain = identity.certificate.pem() + authority_.certificate.pem();
    options.private_key = identity.key.pem();
    server_ = http::Server::start(options, [this](const http::Request& request) { return page(request); }).value();
  }

  ClusterApi api(std::size_t maximum_response) {
    http::ClientOptions options;
    options.ca_pem = authority_.certificate.pem();
    options.timeout_seconds = 20;
    options.maximum_response = maximum_response;
    return ClusterApi("https://127.0.0.1:" + std::to_string(server_->port()), options);
  }
  std::vector<int> limits() {
    const std::lock_guard lock(mutex_);
    return limits_;
  }

 private:
  http::Response page(const http::Request& request) {
    const int limit = std::stoi(request.query.at("limit"));
    const auto token = request.query.find("continue");
    int at = token == request.query.end() ? 0 : std::stoi(token->second);
    {
      const std::lock_guard lock(mutex_);
      limits_.push_back(limit);
    }
    json::array items;
    const int end = std::min(count_, at + limit);
    for (; at < end; ++at)
      items.push_back(json::object{
          {"metadata", json::object{{"name", "n" + std::to_string(at)}, {"uid", std::string(bytes_, 'x')}}}});
    json::object metadata;
    if (at < count_) metadata["continue"] = std::to_string(at);
    http::Response response;
    response.body = json::serialize(json::object{{"metadata", metadata}, {"items", items}});
    return response;
  }

  const int count_;
  const std::size_t bytes_;
  SystemRandom random_;
  Time now_ = SystemClock().now();
  crypto::Identity authority_ =
      crypto::make_authority("test authority", now_ - seconds(60), now_ + seconds(3600), random_).value();
  std::mutex mutex_;
  std::vector<int> limits_;
  std::unique_ptr<http::Server> server_;
};

TEST(ClusterApi, ReadsAListPageByPage) {
  ListOfNodes server(70, 10);
  const auto nodes = server.api(1U << 20).list_nodes();
  ASSERT_TRUE(nodes) << nodes.error().message;
  ASSERT_EQ(nodes->size(), 70U);
  EXPECT_EQ(nodes->back().name, "n69");
  EXPECT_EQ(server.limits(), (std::vector<int>{32, 32, 32}));
}

// A few large nodes must not hide all others.
TEST(ClusterApi, TakesSmallerPagesWhereNodesAreLarge) {
  ListOfNodes server(5, 600'000);
  const auto nodes = server.api(1U << 20).list_nodes();
  ASSERT_TRUE(nodes) << nodes.error().message;
  EXPECT_EQ(nodes->size(), 5U);
  EXPECT_EQ(server.limits(), (std::vector<int>{32, 16, 8, 4, 2, 1, 1, 1, 1, 1}));
  // One that alone is too large is an error, not an endless question.
  EXPECT_EQ(server.api(100'000).list_nodes().error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace slipway::kube
