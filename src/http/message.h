#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::http {

// Header names compare without case (RFC 9110 section 5.1).
struct CaseInsensitiveLess {
  using is_transparent = void;
  bool operator()(std::string_view left, std::string_view right) const;
};
using Headers = std::map<std::string, std::string, CaseInsensitiveLess>;

struct Request {
  std::string method;                        // upper case
  std::string path;                          // percent-decoded, repeated slashes collapsed: "/subscriptions/..."
  std::map<std::string, std::string> query;  // percent-decoded; the first of a repeated name
  Headers headers;
  std::string body;
  std::string peer;      // the client's IP address
  std::string base_url;  // scheme, host and port as the client used them: "https://127.0.0.1:18443"
};

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Connection and Date are the server's
  std::string body;
};

// Called on a worker thread, several at once; never throws what is not a defect.
using Handler = std::function<Response(const Request&)>;

}  // namespace slipway::http
