#pragma once

#include <boost/json.hpp>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "apps/slipway/login.h"
#include "base/time.h"
#include "http/client.h"

namespace slipway::cli {

// What the server answered: its JSON (null for an empty body) and the headers.
struct Answer {
  int status = 0;
  boost::json::value body;
  http::Headers headers;
};

// Speaks Azure Resource Manager's conventions to slipwayd: tokens, errors, paging, long-running operations. Not
// thread-safe.
class ArmClient {
 public:
  // Called while an operation runs: with its age and what it waits for, in the server's words made printable.
  using Progress = std::function<void(seconds age, std::string_view text)>;

  // Called with each request and its answer's status: never with a token, a body or a secret.
  using Trace = std::function<void(std::string_view line)>;

  ArmClient(Login login, Progress progress, Trace trace = {});

  const Login& login() const { return login_; }
  // "/subscriptions/{s}" and, for a group, "/resourceGroups/{g}" behind it, percent-encoded.
  std::string subscription_path() const;
  std::string group_path(std::string_view group) const;
  std::string cluster_path(std::string_view group, std::string_view cluster) const;

  // One request to a path of ours. An answer of 400 or more is an Error whose reason is ARM's code; 404 is kNotFound.
  Result<Answer> send(std::string_view method, const std::string& path, std::string_view api_version,
                      const std::optional<boost::json::value>& body = std::nullopt, const http::Headers& headers = {});
  Result<boost::json::value> get(const std::string& path, std::string_view api_version);
  // An access token for the server: asked for where none is here yet.
  Result<std::string> token();
  // When that token ends, by the server's word; {} before the first.
  Time token_end() const { return token_end_; }
  // The elements of a collection's "value", nextLink followed until there are `enough`.
  Result<boost::json::array> list(const std::string& path, std::string_view api_version,
                                  std::size_t enough = std::numeric_limits<std::size_t>::max());
  // Waits for the end of the operation that the answer started; at once where it started none. The operation's error
  // comes back as an Error of kPreconditionFailed. A server that is away for less than two minutes is waited for.
  Status wait(const Answer& answer);

 private:
  Result<Answer> send_url(std::string_view method, const std::string& url,
                          const std::optional<boost::json::value>& body, const http::Headers& headers = {});
  Result<http::Response> exchange(const http::ClientRequest& request);
  Result<Answer> poll(const std::string& url);
  // Where an answer has no operation, but a Location that says 202 for as long as it is being done.
  Status wait_for_location(const Answer& answer);

  Login login_;
  Status authenticate();

  Progress progress_;
  Trace trace_;
  http::Client client_;
  std::string token_;
  Time token_end_{};
};

// One path segment, percent-encoded (RFC 3986 section 2.3).
std::string encode_segment(std::string_view text);

// Text of a server for a terminal: control characters (C0, C1, DEL) become "?", and at most `limit` bytes stay.
std::string printable(std::string_view text, std::size_t limit = 4096);

}  // namespace slipway::cli
