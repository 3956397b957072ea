#pragma once

#include <functional>
#include <string>

#include "http/client.h"
#include "kube/kubernetes.h"

namespace slipway::kube {

// One apiserver as one user speaks to it: JSON over mutual TLS. Thread-safe.
class ClusterApi {
 public:
  ClusterApi(std::string server, http::ClientOptions options);

  // Any answer of the apiserver, refusals too. `path` starts with "/" and holds the query.
  Result<http::Response> send(const std::string& method, const std::string& path, const std::string& body = {},
                              const std::string& content_type = "application/json") const;
  // The body of a 2xx answer. Else the apiserver's own message under the code that its status means: 401
  // kUnauthenticated, 403 kPermissionDenied, 404 kNotFound, 409 kConflict, 400 and 422 kInvalidArgument, others
  // kUnavailable.
  Result<std::string> call(const std::string& method, const std::string& path, const std::string& body = {},
                           const std::string& content_type = "application/json") const;
  // Server-side apply of one object at its path, as the field manager "slipway".
  Status apply(const std::string& path, const std::string& object) const;

  Result<std::vector<Node>> list_nodes() const;
  Result<Node> get_node(const std::string& node) const;
  Status set_labels(const std::string& node, const std::map<std::string, std::optional<std::string>>& labels) const;
  Status cordon(const std::string& node, bool unschedulable) const;
  Status delete_node(const std::string& node) const;
  Result<std::vector<Pod>> list_pods(const std::string& node) const;
  // The version of the kind Eviction that this apiserver takes: "v1beta1" before Kubernetes 1.22, "v1" since.
  Result<std::string> eviction_version() const;
  Result<Eviction> evict(const Pod& pod, const std::string& version) const;

 private:
  // Reads a list page by page, in smaller pages where one is larger than the client reads. `path` ends with "?" or "&";
  // `take` gives the token of the next page, empty behind the last.
  Status read_pages(const std::string& path, const std::function<Result<std::string>(const std::string&)>& take) const;

  std::string server_;
  http::Client client_;
};

}  // namespace slipway::kube
