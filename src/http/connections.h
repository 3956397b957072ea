#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace slipway::http {

// A client's connection, as Connections sees it.
class Connection {
 public:
  explicit Connection(std::string counted_address) : address_(std::move(counted_address)) {}
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual void drop() = 0;  // ends it at once; Connections has let go of it already

 private:
  friend class Connections;
  std::string address_;
  std::uint64_t number_ = 0;  // by age; 0: not counted
  std::uint64_t served_ = 0;  // which answer of the server was its last; 0: it never had one
  std::size_t buffered_ = 0;  // bytes of its request's body
  bool answering_ = false;
};

// Whom a connection from this IP address is counted for: a network gives a machine a /64 of IPv6, and all of loopback
// is one host.
inline constexpr std::string_view kLoopback = "loopback";
std::string counted_address(std::string_view ip_address);

struct ConnectionLimits {
  std::size_t connections = 512;
  std::size_t per_address = 16;  // of loopback: half of all, since the host's users share it
  std::size_t buffered = 64U << 20;
};

// The connections of a server, and which of them gives way where there is no room: the oldest that never had an answer,
// then the one whose last answer is the longest ago; never one that is being answered. So whoever opens connections and
// leaves them keeps nobody out. For one thread.
class Connections {
 public:
  explicit Connections(const ConnectionLimits& limits) : limits_(limits) {}

  // Makes room for one more. False: all that could give way are being answered.
  bool make_room(const std::string& counted_address);
  void add(Connection& connection);
  void remove(Connection& connection);

  // Before a body of this size is read. False: there is no room, and no other connection that is still sending its own.
  bool reserve(Connection& connection, std::size_t size);
  void answering(Connection& connection);  // its request was read
  void answered(Connection& connection);   // its body is gone too

 private:
  template <typename Candidate>
  bool drop_one(const Candidate& candidate);

  const ConnectionLimits limits_;
  std::map<std::uint64_t, Connection*> all_;
  std::uint64_t last_ = 0, answers_ = 0;
  std::size_t buffered_ = 0;
};

}  // namespace slipway::http
