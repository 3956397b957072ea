#include "kube/kubeconfig.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace slipway::kube {

namespace json = boost::json;

std::string render_kubeconfig(const KubeconfigContent& content) {
  const auto encoded = [](const std::string& text) { return to_base64(as_bytes(text)); };
  const json::object cluster{{"server", content.server}, {"certificate-authority-data", encoded(content.ca)}};
  const json::object user{{"client-certificate-data", encoded(content.identity.certificate.pem())},
                          {"client-key-data", encoded(content.identity.key.pem())}};
  const json::object context{{"cluster", content.cluster}, {"user", content.user}};
  json::array clusters, users, contexts;
  clusters.push_back(json::object{{"name", content.cluster}, {"cluster", cluster}});
  users.push_back(json::object{{"name", content.user}, {"user", user}});
  contexts.push_back(json::object{{"name", content.context}, {"context", context}});
  return json::serialize(json::object{{"apiVersion", "v1"},
                                      {"kind", "Config"},
                                      {"preferences", json::object{}},
                                      {"clusters", clusters},
                                      {"users", users},
                                      {"contexts", contexts},
                                      {"current-context", content.context}});
}

Result<std::string> make_user_kubeconfig(const Authorities& authorities, const Endpoints& endpoints,
                                         Credential credential, const std::string& resource_group,
                                         const std::string& name, Time now, Random& random) {
  const bool admin = credential == Credential::kClusterAdmin;
  const std::string user = fmt::format("{}_{}_{}", admin ? "clusterAdmin" : "clusterUser", resource_group, name);
  // X.520 caps a common name at 64 characters, fewer than group and cluster names may take together.
  const std::string common_name = admin ? "clusterAdmin" : "clusterUser";
  SLIPWAY_ASSIGN(crypto::Identity identity,
                 issue_user(authorities, common_name, {admin ? "system:masters" : kClusterUserGroup}, now,
                            kKubeconfigLifetime, random));
  return render_kubeconfig(
      KubeconfigContent{name, user, name, endpoints.local_api_server, endpoints.ca, std::move(identity)});
}

}  // namespace slipway::kube
