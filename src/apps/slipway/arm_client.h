#pragma once

#include <boost/json.hpp>
#include <functional>
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

  ArmClient(Login login, Progress progress);

  const Login& login() const { return login_; }
  // "/subscriptions/{s}" and, for a group, "/resourceGroups/{g}" behind it, percent-encoded.
  std::string subscription_path() const;
  std::string group_path(std::string_view group) const;
  std::string cluster_path(std::string_view group, std::string_view cluster) const;

  // One request to a path of ours. An answer of 400 or more is an Error whose reason is ARM's code; 404 is kNotFound.
  Result<Answer> send(std::string_view method, const std::string& path, std::string_view api_version,
                      const std::optional<boost::json::value>& body = std::nullopt);
  Result<boost::json::value> get(const std::string& path, std::string_view api_version);
  // All pages of a collection: the elements of "value", nextLink followed.
  Result<boost::json::array> list(const std::string& path, std::string_view api_version);
  // Waits for the end of the operation that the answer started; at once where it started none. The operation's error
  // comes back as an Error. A server that is away for less than two minutes is waited for.
  Status wait(const Answer& answer);

 private:
  Result<Answer> send_url(std::string_view method, const std::string& url,
                          const std::optional<boost::json::value>& body);
  Status authenticate();
  Result<Answer> poll(const std::string& url);

  Login login_;
  Progress progress_;
  http::Client client_;
  std::string token_;
};

// One path segment, percent-encoded (RFC 3986 section 2.3).
std::string encode_segment(std::string_view text);

// Text of a server for a terminal: control characters (C0, C1, DEL) become "?", and at most `limit` bytes stay.
std::string printable(std::string_view text, std::size_t limit = 4096);

}  // namespace slipway::cli
