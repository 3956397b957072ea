#include "kube/pki/authorities.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::kube {
namespace {

constexpr auto kAuthorityLifetime = std::chrono::hours(24 * 3650);
// Clocks of guests start a little behind.
constexpr seconds kClockSkew{60};

bool is_lower_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

Status check_request(const std::string& node, seconds lifetime) {
  if (!is_node_name(node))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' cannot be a node's name: lower-case letters, digits, '-' and '.' alone", node));
  if (lifetime <= seconds::zero())
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the lifetime of node {}'s certificate is {} s; it must be positive", node, lifetime.count()));
  return {};
}

crypto::CertificateTemplate node_template(const std::string& node, Time now, seconds lifetime) {
  crypto::CertificateTemplate content;
  content.common_name = "system:node:" + node;
  content.organizations = {"system:nodes"};
  content.not_before = now - kClockSkew;
  content.not_after = now + lifetime;
  return content;
}

}  // namespace

bool is_node_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  char previous = '.';
  for (const char c : name) {
    if (c == '.' ? !is_lower_alphanumeric(previous) : c == '-' ? previous == '.' : !is_lower_alphanumeric(c))
      return false;
    previous = c;
  }
  return is_lower_alphanumeric(previous);
}

bool is_cluster_id(std::string_view id) {
  return !id.empty() && id.size() <= 40 &&
         std::all_of(id.begin(), id.end(), [](char c) { return c == '-' || is_lower_alphanumeric(c); });
}

Result<Authorities> make_authorities(std::string_view cluster, Time now, Random& random) {
  const Time end = now + kAuthorityLifetime;
  const auto make = [&](std::string_view purpose) {
    return crypto::make_authority(fmt::format("slipway {} {} CA", cluster, purpose), now - kClockSkew, end, random);
  };
  SLIPWAY_ASSIGN(crypto::Identity etcd, make("etcd"));
  SLIPWAY_ASSIGN(crypto::Identity client, make("client"));
  SLIPWAY_ASSIGN(crypto::Identity front_proxy, make("front-proxy"));
  SLIPWAY_ASSIGN(crypto::Identity serving, make("serving"));
  SLIPWAY_ASSIGN(crypto::Identity kubelet_serving, make("kubelet-serving"));
  return Authorities{std::move(etcd), std::move(client), std::move(front_proxy), std::move(serving),
                     std::move(kubelet_serving)};
}

Result<crypto::Certificate> issue_kubelet_client_certificate(const Authorities& authorities, const std::string& node,
                                                             const crypto::PublicKey& key, Time now, seconds lifetime,
                                                             Random& random) {
  SLIPWAY_TRY(check_request(node, lifetime));
  crypto::CertificateTemplate content = node_template(node, now, lifetime);
  content.use = crypto::CertificateUse::kClient;
  return crypto::issue_certificate(authorities.client, content, key, random);
}

Result<crypto::Certificate> issue_kubelet_serving_certificate(const Authorities& authorities, const std::string& node,
                                                              const std::vector<std::string>& ip_addresses,
                                                              const crypto::PublicKey& key, Time now, seconds lifetime,
                                                              Random& random) {
  SLIPWAY_TRY(check_request(node, lifetime));
  crypto::CertificateTemplate content = node_template(node, now, lifetime);
  content.use = crypto::CertificateUse::kServer;
  content.dns_names = {node};
  content.ip_addresses = ip_addresses;
  return crypto::issue_certificate(authorities.kubelet_serving, content, key, random);
}

Result<crypto::Identity> issue_user(const Authorities& authorities, const std::string& user,
                                    const std::vector<std::string>& groups, Time now, seconds lifetime,
                                    Random& random) {
  crypto::CertificateTemplate content;
  content.common_name = user;
  content.organizations = groups;
  content.use = crypto::CertificateUse::kClient;
  content.not_before = now - kClockSkew;
  content.not_after = now + lifetime;
  return crypto::issue_identity(authorities.client, content, random);
}

}  // namespace slipway::kube
