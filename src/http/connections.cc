#include "http/connections.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace slipway::http {

namespace ip = boost::asio::ip;

std::string counted_address(std::string_view ip_address) {
  boost::system::error_code error;
  ip::address address = ip::make_address(ip_address, error);
  if (error) return std::string(ip_address);
  if (address.is_v6() && address.to_v6().is_v4_mapped()) address = ip::make_address_v4(ip::v4_mapped, address.to_v6());
  if (address.is_loopback()) return std::string(kLoopback);
  if (address.is_v4()) return address.to_string();
  return ip::network_v6(address.to_v6(), 64).canonical().to_string();
}

template <typename Candidate>
bool Connections::drop_one(const Candidate& candidate) {
  Connection* victim = nullptr;
  for (const auto& [number, connection] : all_) {
    if (connection->answering_ || !candidate(*connection)) continue;
    if (victim == nullptr || connection->served_ < victim->served_) victim = connection;
  }
  if (victim == nullptr) return false;
  remove(*victim);
  victim->drop();
  return true;
}

bool Connections::make_room(const std::string& counted_address) {
  const std::size_t limit = counted_address == kLoopback ? (limits_.connections + 1) / 2 : limits_.per_address;
  const auto same = [&](const Connection& other) { return other.address_ == counted_address; };
  const auto count = std::count_if(all_.begin(), all_.end(), [&](const auto& entry) { return same(*entry.second); });
  if (static_cast<std::size_t>(count) >= limit && !drop_one(same)) return false;
  return all_.size() < limits_.connections || drop_one([](const Connection&) { return true; });
}

void Connections::add(Connection& connection) {
  connection.number_ = ++last_;
  all_.emplace(connection.number_, &connection);
}

void Connections::remove(Connection& connection) {
  buffered_ -= connection.buffered_;
  connection.buffered_ = 0;
  all_.erase(connection.number_);
}

bool Connections::reserve(Connection& connection, std::size_t size) {
  const auto sending = [&](const Connection& other) { return &other != &connection && other.buffered_ > 0; };
  while (buffered_ + size > limits_.buffered) {
    if (!drop_one(sending)) return false;
  }
  buffered_ += size;
  connection.buffered_ += size;
  return true;
}

void Connections::answering(Connection& connection) { connection.answering_ = true; }

void Connections::answered(Connection& connection) {
  buffered_ -= connection.buffered_;
  connection.buffered_ = 0;
  connection.answering_ = false;
  connection.served_ = ++answers_;
}

}  // namespace slipway::http
