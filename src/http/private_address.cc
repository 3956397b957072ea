#include "http/private_address.h"

#include <boost/url.hpp>
#include <cstdint>

namespace slipway::http {

bool is_private_url(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return false;
  switch (parsed->host_type()) {
    case boost::urls::host_type::ipv4: {
      const std::uint32_t address = parsed->host_ipv4_address().to_uint();
      const std::uint32_t first = address >> 24U;
      return first == 127 || first == 10 || (address >> 20U) == 0xac1 || (address >> 16U) == 0xc0a8 ||
             (address >> 16U) == 0xa9fe;
    }
    case boost::urls::host_type::ipv6: {
      const auto bytes = parsed->host_ipv6_address().to_bytes();
      const bool is_local = (bytes[0] & 0xfeU) == 0xfc || (bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80);
      return is_local || parsed->host_ipv6_address().is_loopback();
    }
    default:
      return parsed->host() == "localhost";
  }
}

}  // namespace slipway::http
