#pragma once

#include <string>

#include "crypto/certificate.h"
#include "kube/kubernetes.h"
#include "kube/pki/authorities.h"

namespace slipway::kube {

// The group of clusterUser's certificates; bound to the cluster role cluster-admin when the cluster is made, so that an
// administrator of the cluster may narrow it. clusterAdmin's certificates carry system:masters instead.
inline constexpr const char* kClusterUserGroup = "slipway:cluster-users";
inline constexpr seconds kKubeconfigLifetime{12 * 3600};

// What a kubeconfig says; all of it inline, no file is named.
struct KubeconfigContent {
  std::string cluster, user, context;
  std::string server;  // URL
  std::string ca;      // PEM
  crypto::Identity identity;
};
// As JSON, which is YAML too. It holds a private key.
std::string render_kubeconfig(const KubeconfigContent& content);

// The kubeconfig of `az aks get-credentials` with a fresh certificate of kKubeconfigLifetime: context and cluster
// `name`, user clusterUser_{group}_{name} or clusterAdmin_{group}_{name}.
Result<std::string> make_user_kubeconfig(const Authorities& authorities, const Endpoints& endpoints,
                                         Credential credential, const std::string& resource_group,
                                         const std::string& name, Time now, Random& random);

}  // namespace slipway::kube
