#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "apps/slipway/cluster_options.h"
#include "apps/slipway/files.h"
#include "apps/slipway/kubeconfig.h"
#include "base/bytes.h"

// aks get-credentials.
namespace slipway::cli {
namespace {

struct CredentialOptions {
  std::string group, name, file, context;
  bool administrator = false, overwrite = false;
  OutputOptions output;
};

Result<std::string> fetch_kubeconfig(const CredentialOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  const std::string path = client.cluster_path(options.group, options.name);
  const std::string action = options.administrator ? "/listClusterAdminCredential" : "/listClusterUserCredential";
  SLIPWAY_ASSIGN(const auto answer, client.send("POST", path + action, kClusterApi));
  SLIPWAY_ASSIGN(const auto encoded, query(answer.body, "kubeconfigs[0].value"));
  if (!encoded.is_string()) return fail(ErrorCode::kMalformed, "the server's answer holds no kubeconfig");
  SLIPWAY_ASSIGN(const Bytes content, from_base64(encoded.get_string()));
  return std::string(as_text(content));
}

// The file that is written: where a link leads, so that the link stays.
Result<std::string> target_file(const CredentialOptions& options) {
  std::string file = options.file;
  if (file.empty()) {
    SLIPWAY_ASSIGN(const std::string home, home_folder());
    file = home + "/.kube/config";
  }
  std::error_code error;
  if (!std::filesystem::is_symlink(file, error)) return file;
  // A link to a file that is yet to be made has no canonical path.
  const std::filesystem::path named = std::filesystem::read_symlink(file, error);
  const auto target = std::filesystem::weakly_canonical(std::filesystem::path(file).parent_path() / named, error);
  if (error) return fail(ErrorCode::kInternal, fmt::format("cannot follow the link {}: {}", file, error.message()));
  return target.string();
}

Status get_credentials(const CredentialOptions& options) {
  SLIPWAY_ASSIGN(const std::string kubeconfig, fetch_kubeconfig(options));
  if (options.file == "-") {
    std::cout << kubeconfig << std::flush;
    if (!std::cout) return fail(ErrorCode::kInternal, "standard output cannot be written");
    return {};
  }
  SLIPWAY_ASSIGN(const std::string file, target_file(options));
  auto existing = read_file(file);
  if (!existing && existing.error().code != ErrorCode::kNotFound) return fail(std::move(existing).error());
  const std::string before = existing.value_or("");
  auto merged = merge_kubeconfig(before, kubeconfig, options.overwrite, options.context);
  if (!merged && merged.error().code == ErrorCode::kConflict && ::isatty(STDIN_FILENO) == 1) {
    SLIPWAY_ASSIGN(const bool sure, Shell::confirm(merged.error().message + "\nOverwrite?", false));
    if (sure) merged = merge_kubeconfig(before, kubeconfig, true, options.context);
  }
  if (!merged) return fail(merged.error().code, fmt::format("{}: {}", file, merged.error().message));
  SLIPWAY_TRY(write_private_file(file, merged->text));
  Shell::say(fmt::format("Merged \"{}\" as current context in {}", merged->context, file), options.output);
  return {};
}

}  // namespace

void add_credentials(Shell& shell, CLI::App& aks) {
  auto options = std::make_shared<CredentialOptions>();
  CLI::App* verb =
      shell.add_verb(aks, "get-credentials", "Put a cluster's access into a kubeconfig",
                     "  slipway aks get-credentials --resource-group my-group --name my-cluster\n"
                     "  slipway aks get-credentials --resource-group my-group --name my-cluster --admin --file -\n",
                     [options] { return get_credentials(*options); });
  add_cluster_name(*verb, options->group, options->name);
  verb->add_option("--file,-f", options->file, "Default: ~/.kube/config; - prints it instead");
  verb->add_flag("--admin,-a", options->administrator, "The cluster administrator's certificate");
  verb->add_flag("--overwrite-existing", options->overwrite, "Replace a cluster, context or user of the same name");
  verb->add_option("--context", options->context, "Another name for the context");
  add_output(*verb, options->output);
}

}  // namespace slipway::cli
