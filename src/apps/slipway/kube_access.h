#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/client.h"

namespace slipway::cli {

// How to reach a cluster: what one context of a kubeconfig says.
struct KubeAccess {
  std::string server;  // "https://10.0.0.1:6443", without a final slash
  http::ClientOptions client;
  std::string token;  // empty: the certificate in `client`
};

// `folder` is where the kubeconfig's relative file names begin; an empty context is the current one. kMalformed for
// another form; kResourceExhausted for more than read_yaml() takes; kInvalidArgument for an access that only a program
// of its own can get (exec, auth-provider).
Result<KubeAccess> kube_access(std::string_view kubeconfig, std::string_view context, const std::string& folder);

// The cluster's nodes as a List, JSON.
Result<std::string> fetch_nodes(const KubeAccess& access);

}  // namespace slipway::cli
