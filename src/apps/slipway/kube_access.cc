#include "apps/slipway/kube_access.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>

#include "apps/slipway/arm_client.h"
#include "apps/slipway/files.h"
#include "base/bytes.h"

namespace slipway::cli {
namespace {

// The inner map of the list's element with that name: clusters[name=x].cluster.
Result<YAML::Node> named(const YAML::Node& config, const char* list, const char* inner, const std::string& name) {
  const YAML::Node elements = config[list];
  if (elements && elements.IsSequence())
    for (const auto& element : elements)
      if (element.IsMap() && element["name"] && element["name"].as<std::string>() == name && element[inner].IsMap())
        return YAML::Node(element[inner]);
  return fail(ErrorCode::kMalformed, fmt::format("the kubeconfig has no \"{}\" among its \"{}\"", name, list));
}

std::string text_of(const YAML::Node& map, const char* name) {
  const YAML::Node found = map[name];
  return found && found.IsScalar() ? found.Scalar() : std::string();
}

// NAME-data in base64, or the file that NAME names.
Result<std::string> data_of(const YAML::Node& map, const std::string& name, const std::string& folder) {
  if (const std::string data = text_of(map, (name + "-data").c_str()); !data.empty()) {
    SLIPWAY_ASSIGN(const Bytes bytes, from_base64(data));
    return std::string(as_text(bytes));
  }
  const std::string file = text_of(map, name.c_str());
  if (file.empty()) return std::string();
  return read_file((std::filesystem::path(folder) / file).string());
}

Result<KubeAccess> access_of(const YAML::Node& config, std::string_view wanted, const std::string& folder) {
  if (!config.IsMap()) return fail(ErrorCode::kMalformed, "the kubeconfig is no YAML map");
  const std::string name = wanted.empty() ? text_of(config, "current-context") : std::string(wanted);
  SLIPWAY_ASSIGN(const YAML::Node context, named(config, "contexts", "context", name));
  SLIPWAY_ASSIGN(const YAML::Node cluster, named(config, "clusters", "cluster", text_of(context, "cluster")));
  SLIPWAY_ASSIGN(const YAML::Node user, named(config, "users", "user", text_of(context, "user")));
  if (user["exec"] || user["auth-provider"])
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the context \"{}\" logs in through a program, which slipway does not run; give --nodes "
                            "FILE with what \"kubectl get nodes --output json\" prints",
                            name));
  KubeAccess access;
  access.server = text_of(cluster, "server");
  while (access.server.ends_with('/')) access.server.pop_back();
  if (!access.server.starts_with("https://"))
    return fail(ErrorCode::kMalformed, fmt::format("the cluster of context \"{}\" has no https:// server", name));
  SLIPWAY_ASSIGN(access.client.ca_pem, data_of(cluster, "certificate-authority", folder));
  SLIPWAY_ASSIGN(access.client.client_certificate_pem, data_of(user, "client-certificate", folder));
  SLIPWAY_ASSIGN(access.client.client_key_pem, data_of(user, "client-key", folder));
  access.token = text_of(user, "token");
  return access;
}

}  // namespace

Result<KubeAccess> kube_access(std::string_view kubeconfig, std::string_view context, const std::string& folder) {
  try {
    return access_of(YAML::Load(std::string(kubeconfig)), context, folder);
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::kMalformed, fmt::format("the kubeconfig cannot be read: {}", error.what()));
  }
}

Result<std::string> fetch_nodes(const KubeAccess& access) {
  const http::Client client(access.client);
  http::ClientRequest request;
  request.url = access.server + "/api/v1/nodes";
  request.headers["Accept"] = "application/json";
  if (!access.token.empty()) request.headers["Authorization"] = "Bearer " + access.token;
  SLIPWAY_ASSIGN(auto response, client.send(request));
  if (response.status != 200)
    return fail(response.status == 403 ? ErrorCode::kPermissionDenied : ErrorCode::kInternal,
                fmt::format("{} answered {} to the question for its nodes: {}", access.server, response.status,
                            printable(response.body, 300)));
  return std::move(response.body);
}

}  // namespace slipway::cli
