// slipway-label-webhook PORT CERTIFICATE KEY CLIENT_AUTHORITY: answers the apiserver's admission reviews of nodes on
// loopback, and those of nobody without a certificate of that authority. It keeps no state and needs nobody else; see
// kube/label_review.h.

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "http/server.h"
#include "kube/label_review.h"

namespace {

using namespace slipway;

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

http::Response answer(const http::Request& request) {
  http::Response response;
  response.headers.emplace("Content-Type", "application/json");
  if (request.method != "POST" || request.path != "/review") {
    response.status = 404;
    return response;
  }
  Result<std::string> decision = kube::decide_label_review(request.body);
  if (decision) {
    response.body = std::move(*decision);
    return response;
  }
  std::fprintf(stderr, "refused what is no review of a node: %s\n", decision.error().message.c_str());
  response.status = 400;
  return response;
}

}  // namespace

int main(int argc, char** argv) {
  http::ServerOptions options;
  const char* port = argc == 5 ? argv[1] : "";
  const auto parsed = std::from_chars(port, port + std::strlen(port), options.port);
  if (argc != 5 || parsed.ec != std::errc() || *parsed.ptr != '\0') {
    std::fputs("slipway-label-webhook is started by slipway-supervisor, not by hand; see ARCHITECTURE.md\n", stderr);
    return 2;
  }
  options.certificate_chain = read_file(argv[2]);
  options.private_key = read_file(argv[3]);
  options.client_authority = read_file(argv[4]);
  // An empty one would let everybody in.
  if (options.client_authority.empty()) {
    std::fprintf(stderr, "slipway-label-webhook: there is no authority of clients in %s\n", argv[4]);
    return 1;
  }
  options.maximum_body = kube::kMaximumReviewSize;
  // The apiserver keeps its connections open between reviews; one without a request is cut off much earlier.
  options.idle_timeout_seconds = 300;
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  const auto server = http::Server::start(options, answer);
  if (!server) {
    std::fprintf(stderr, "slipway-label-webhook: %s\n", server.error().message.c_str());
    return 1;
  }
  int signal = 0;
  sigwait(&wanted, &signal);
  return 0;
}
