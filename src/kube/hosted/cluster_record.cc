#include "kube/hosted/cluster_record.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <charconv>

namespace slipway::kube {
namespace {

namespace json = boost::json;

Result<json::object> parse_object(std::string_view text, const char* what) {
  json::error_code error;
  json::value document = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !document.is_object())
    return fail(ErrorCode::kMalformed, fmt::format("the record of {} is damaged: it is not a JSON object", what));
  return std::move(document.get_object());
}

Result<std::string> text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string())
    return fail(ErrorCode::kMalformed, fmt::format("the record is damaged: there is no text at {}", key));
  return std::string(value->get_string());
}

Result<int> port_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 1 || value->get_int64() > 65535)
    return fail(ErrorCode::kMalformed, fmt::format("the record is damaged: there is no port at {}", key));
  return static_cast<int>(value->get_int64());
}

struct Range {
  std::uint32_t base = 0;
  int prefix = 0;
};

Result<Range> parse_range(const std::string& cidr) {
  const std::size_t slash = cidr.find('/');
  in_addr address{};
  Range range;
  const auto malformed = [&] {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not an IPv4 range such as 10.244.0.0/16", cidr));
  };
  if (slash == std::string::npos || inet_pton(AF_INET, cidr.substr(0, slash).c_str(), &address) != 1)
    return malformed();
  const char* end = cidr.data() + cidr.size();
  const auto parsed = std::from_chars(cidr.data() + slash + 1, end, range.prefix);
  if (parsed.ec != std::errc() || parsed.ptr != end || range.prefix < 8 || range.prefix > 28) return malformed();
  range.base = ntohl(address.s_addr);
  if ((range.base & ((1U << (32 - range.prefix)) - 1)) != 0) return malformed();
  return range;
}

// The authorities' places in Authorities and in the record.
struct Place {
  const char* name;
  crypto::Identity Authorities::*member;
};
constexpr std::array<Place, 5> kPlaces{{{"etcd", &Authorities::etcd},
                                        {"client", &Authorities::client},
                                        {"frontProxy", &Authorities::front_proxy},
                                        {"serving", &Authorities::serving},
                                        {"kubeletServing", &Authorities::kubelet_serving}}};

Result<crypto::Identity> identity_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_object())
    return fail(ErrorCode::kMalformed, fmt::format("the record of authorities lacks {}", key));
  SLIPWAY_ASSIGN(const std::string certificate_pem, text_at(value->get_object(), "certificate"));
  SLIPWAY_ASSIGN(const std::string key_pem, text_at(value->get_object(), "key"));
  SLIPWAY_ASSIGN(crypto::Certificate certificate, crypto::Certificate::from_pem(certificate_pem));
  SLIPWAY_ASSIGN(crypto::PrivateKey private_key, crypto::PrivateKey::from_pem(key_pem));
  return crypto::Identity{std::move(certificate), std::move(private_key)};
}

}  // namespace

std::string to_json(const ClusterRecord& record) {
  return json::serialize(json::object{{"id", record.spec.id},
                                      {"advertiseAddress", record.spec.advertise_address},
                                      {"podCidr", record.spec.pod_cidr},
                                      {"serviceCidr", record.spec.service_cidr},
                                      {"dnsServiceIp", record.spec.dns_service_ip},
                                      {"apiserverPort", record.ports.apiserver},
                                      {"etcdPort", record.ports.etcd},
                                      {"etcdPeerPort", record.ports.etcd_peer},
                                      {"webhookPort", record.ports.webhook}});
}

Result<ClusterRecord> cluster_record_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::object object, parse_object(text, "the cluster"));
  ClusterRecord record;
  SLIPWAY_ASSIGN(record.spec.id, text_at(object, "id"));
  SLIPWAY_ASSIGN(record.spec.advertise_address, text_at(object, "advertiseAddress"));
  SLIPWAY_ASSIGN(record.spec.pod_cidr, text_at(object, "podCidr"));
  SLIPWAY_ASSIGN(record.spec.service_cidr, text_at(object, "serviceCidr"));
  SLIPWAY_ASSIGN(record.spec.dns_service_ip, text_at(object, "dnsServiceIp"));
  SLIPWAY_ASSIGN(record.ports.apiserver, port_at(object, "apiserverPort"));
  SLIPWAY_ASSIGN(record.ports.etcd, port_at(object, "etcdPort"));
  SLIPWAY_ASSIGN(record.ports.etcd_peer, port_at(object, "etcdPeerPort"));
  SLIPWAY_ASSIGN(record.ports.webhook, port_at(object, "webhookPort"));
  return record;
}

std::string to_json(const Authorities& authorities) {
  json::object object;
  for (const Place& place : kPlaces) {
    const crypto::Identity& identity = authorities.*place.member;
    object[place.name] = json::object{{"certificate", identity.certificate.pem()}, {"key", identity.key.pem()}};
  }
  return json::serialize(object);
}

Result<Authorities> authorities_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::object object, parse_object(text, "the authorities"));
  SLIPWAY_ASSIGN(crypto::Identity etcd, identity_at(object, "etcd"));
  SLIPWAY_ASSIGN(crypto::Identity client, identity_at(object, "client"));
  SLIPWAY_ASSIGN(crypto::Identity front_proxy, identity_at(object, "frontProxy"));
  SLIPWAY_ASSIGN(crypto::Identity serving, identity_at(object, "serving"));
  SLIPWAY_ASSIGN(crypto::Identity kubelet_serving, identity_at(object, "kubeletServing"));
  return Authorities{std::move(etcd), std::move(client), std::move(front_proxy), std::move(serving),
                     std::move(kubelet_serving)};
}

Status check_spec(const ClusterSpec& spec) {
  if (!is_cluster_id(spec.id))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' cannot be a cluster's id: 1 to 40 of [a-z0-9-]", spec.id));
  in_addr address{};
  if (inet_pton(AF_INET, spec.advertise_address.c_str(), &address) != 1 || address.s_addr == INADDR_ANY)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not an IPv4 address that nodes could dial", spec.advertise_address));
  SLIPWAY_TRY(parse_range(spec.pod_cidr));
  SLIPWAY_TRY(parse_range(spec.service_cidr));
  return {};
}

Result<std::string> first_address(const std::string& cidr) {
  SLIPWAY_ASSIGN(const Range range, parse_range(cidr));
  const std::uint32_t address = range.base + 1;
  return fmt::format("{}.{}.{}.{}", address >> 24U, (address >> 16U) & 255U, (address >> 8U) & 255U, address & 255U);
}

Endpoints endpoints_of(const ClusterRecord& record, const Authorities& authorities) {
  Endpoints endpoints;
  endpoints.port = record.ports.apiserver;
  endpoints.node_api_server = fmt::format("https://{}:{}", record.spec.advertise_address, record.ports.apiserver);
  // The apiserver listens on the advertised address alone, and this host reaches its own addresses.
  endpoints.local_api_server = endpoints.node_api_server;
  endpoints.ca = authorities.serving.certificate.pem();
  endpoints.client_ca = authorities.client.certificate.pem();
  return endpoints;
}

}  // namespace slipway::kube
