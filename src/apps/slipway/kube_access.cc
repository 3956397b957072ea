#include "apps/slipway/kube_access.h"

#include <fmt/format.h>

#include <filesystem>

#include "apps/slipway/arm_client.h"
#include "apps/slipway/files.h"
#include "apps/slipway/yaml_document.h"
#include "base/bytes.h"

namespace slipway::cli {
namespace {

// The inner map of the list's element with that name: clusters[name=x].cluster.
Result<const YamlValue*> named(const YamlValue& config, const char* list, const char* inner, const std::string& name) {
  for (const YamlValue& element : config.member(list).elements)
    if (element.member("name").is_scalar() && element.member("name").text == name && element.member(inner).is_map())
      return &element.member(inner);
  return fail(ErrorCode::kMalformed,
              fmt::format("the kubeconfig has no \"{}\" among its \"{}\"", printable(name, 100), list));
}

// NAME-data in base64, or the file that NAME names.
Result<std::string> data_of(const YamlValue& map, const std::string& name, const std::string& folder) {
  if (const std::string& data = map.member(name + "-data").text; !data.empty()) {
    SLIPWAY_ASSIGN(const Bytes bytes, from_base64(data));
    return std::string(as_text(bytes));
  }
  const std::string& file = map.member(name).text;
  if (file.empty()) return std::string();
  return read_file((std::filesystem::path(folder) / file).string());
}

Result<KubeAccess> access_of(const YamlValue& config, std::string_view wanted, const std::string& folder) {
  if (!config.is_map()) return fail(ErrorCode::kMalformed, "the kubeconfig is no YAML map");
  const std::string name = wanted.empty() ? config.member("current-context").text : std::string(wanted);
  SLIPWAY_ASSIGN(const YamlValue* context, named(config, "contexts", "context", name));
  SLIPWAY_ASSIGN(const YamlValue* cluster, named(config, "clusters", "cluster", context->member("cluster").text));
  SLIPWAY_ASSIGN(const YamlValue* user, named(config, "users", "user", context->member("user").text));
  if (!user->member("exec").is_null() || !user->member("auth-provider").is_null())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the context \"{}\" logs in through a program, which slipway does not run; give --nodes "
                            "FILE with what \"kubectl get nodes --output json\" prints",
                            printable(name, 100)));
  KubeAccess access;
  access.server = cluster->member("server").text;
  while (access.server.ends_with('/')) access.server.pop_back();
  if (!access.server.starts_with("https://"))
    return fail(ErrorCode::kMalformed,
                fmt::format("the cluster of context \"{}\" has no https:// server", printable(name, 100)));
  SLIPWAY_ASSIGN(access.client.ca_pem, data_of(*cluster, "certificate-authority", folder));
  SLIPWAY_ASSIGN(access.client.client_certificate_pem, data_of(*user, "client-certificate", folder));
  SLIPWAY_ASSIGN(access.client.client_key_pem, data_of(*user, "client-key", folder));
  access.token = user->member("token").text;
  return access;
}

}  // namespace

Result<KubeAccess> kube_access(std::string_view kubeconfig, std::string_view context, const std::string& folder) {
  const auto config = read_yaml_document(kubeconfig);
  if (!config)
    return fail(config.error().code, fmt::format("the kubeconfig cannot be read: {}", config.error().message));
  return access_of(*config, context, folder);
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
                fmt::format("{} answered {} to the question for its nodes: {}", printable(access.server, 200),
                            response.status, printable(response.body, 300)));
  return std::move(response.body);
}

}  // namespace slipway::cli
