#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>

#include "apps/slipway/files.h"
#include "apps/slipway/kube_access.h"
#include "apps/slipway/kubernetes_manifest.h"
#include "apps/slipway/node_fit.h"
#include "apps/slipway/shell.h"

// kubectl-check: what a manifest that was copied from an article runs into.
namespace slipway::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kLargest = (std::size_t{1} << 20) + 1;

struct CheckOptions {
  std::vector<std::string> files;
  std::string kubeconfig, context, nodes;
  OutputOptions output{"table", {}, {}, false, false};
};

Result<std::string> read_manifest_file(const std::string& file) {
  if (file != "-") return read_file(file);
  std::string text(kLargest, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  return text;
}

// The nodes to hold the pods against; none known: nullopt.
Result<std::optional<std::vector<NodeFacts>>> known_nodes(const CheckOptions& options) {
  if (!options.nodes.empty() && !options.kubeconfig.empty())
    return fail(ErrorCode::kInvalidArgument, "--nodes and --kubeconfig exclude each other: give one of them");
  std::string text, source;
  if (!options.nodes.empty()) {
    source = options.nodes;
    SLIPWAY_ASSIGN(text, read_file(options.nodes));
  } else if (!options.kubeconfig.empty()) {
    source = options.kubeconfig;
    SLIPWAY_ASSIGN(const std::string kubeconfig, read_file(options.kubeconfig));
    SLIPWAY_ASSIGN(
        const KubeAccess access,
        kube_access(kubeconfig, options.context, std::filesystem::path(options.kubeconfig).parent_path().string()));
    SLIPWAY_ASSIGN(text, fetch_nodes(access));
  } else {
    return std::optional<std::vector<NodeFacts>>();
  }
  auto nodes = nodes_from_json(text);
  if (!nodes) return fail(nodes.error().code, fmt::format("{}: {}", source, nodes.error().message));
  return std::optional(std::move(*nodes));
}

std::string_view type_name(YamlScalar type) {
  switch (type) {
    case YamlScalar::kBoolean:
      return "a truth value";
    case YamlScalar::kInteger:
    case YamlScalar::kFloat:
      return "a number";
    default:
      return "no text";
  }
}

std::string text_of(const UnquotedValue& value, const std::string& file) {
  std::string text = fmt::format(
      "{}:{}:{}: {}, {}: without quotes the value {} of \"{}\" is {} in YAML, and Kubernetes takes texts alone here: "
      "the "
      "API server refuses the manifest.\n",
      file, value.line, value.column, printable(value.object), value.place, printable(value.value, 200),
      printable(value.key, 300), type_name(value.type));
  if (value.corrected.empty()) return text;
  return text + fmt::format("  it is:     {}\n  should be: {}\n", printable(value.written, 500),
                            printable(value.corrected, 500));
}

struct Report {
  json::array unquoted, misfits;
  std::string text;
};

Status check_file(const CheckOptions& options, const std::string& file,
                  const std::optional<std::vector<NodeFacts>>& nodes, Report& report) {
  SLIPWAY_ASSIGN(const std::string content, read_manifest_file(file));
  const auto manifest = read_kubernetes_manifest(content);
  if (!manifest) return fail(manifest.error().code, fmt::format("{}: {}", file, manifest.error().message));
  if (manifest->objects == 0)
    return fail(
        ErrorCode::kMalformed,
        fmt::format("{}: it holds no Kubernetes object: expected a document with \"apiVersion\" and \"kind\"", file));
  for (const UnquotedValue& value : manifest->unquoted) {
    report.text += text_of(value, file);
    report.unquoted.push_back(json::object{{"file", file},
                                           {"line", value.line},
                                           {"column", value.column},
                                           {"object", value.object},
                                           {"place", value.place},
                                           {"key", value.key},
                                           {"value", value.value},
                                           {"corrected", value.corrected}});
  }
  const auto misfits = nodes ? pods_without_node(manifest->pods, *nodes) : pods_without_any_node(manifest->pods);
  for (const Misfit& misfit : misfits) {
    report.text += fmt::format("{}:{}: {}: no node could take its pods: {}\n", file, misfit.line,
                               printable(misfit.object), printable(misfit.why, 500));
    report.misfits.push_back(
        json::object{{"file", file}, {"line", misfit.line}, {"object", misfit.object}, {"why", misfit.why}});
  }
  if (!nodes && !manifest->pods.empty())
    Shell::say(fmt::format("{}: the nodes are not known here; --kubeconfig FILE or --nodes FILE holds its {} pod "
                           "template(s) against them",
                           file, manifest->pods.size()),
               options.output);
  return {};
}

Status check(const CheckOptions& options) {
  SLIPWAY_ASSIGN(const auto nodes, known_nodes(options));
  Report report;
  for (const std::string& file : options.files) SLIPWAY_TRY(check_file(options, file, nodes, report));
  if (options.output.format == "table" && options.output.query.empty()) {
    std::cout << report.text << std::flush;
  } else {
    SLIPWAY_TRY(Shell::print(json::object{{"unquotedValues", report.unquoted}, {"podsWithoutNode", report.misfits}},
                             options.output, {}));
  }
  if (report.unquoted.empty() && report.misfits.empty()) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} value(s) to put in quotes, {} pod template(s) that no node "
                                                       "could take",
                                                       report.unquoted.size(), report.misfits.size()));
}

}  // namespace

void add_kubectl_check(Shell& shell) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* verb = shell.add_verb(
      shell.app(), "kubectl-check",
      "Explain what Kubernetes would refuse in a manifest, and which pods no node can take",
      "  slipway kubectl-check --filename pod.yaml\n"
      "  slipway kubectl-check -f pod.yaml --kubeconfig ~/.kube/config\n"
      "  kubectl get nodes --output json > nodes.json; slipway kubectl-check -f pod.yaml --nodes nodes.json\n",
      [options] { return check(*options); });
  verb->add_option("--filename,-f", options->files, "The manifest, YAML or JSON; - reads it from standard input")
      ->required()
      ->expected(1, 1000);
  verb->add_option("--kubeconfig", options->kubeconfig, "Ask this cluster for its nodes");
  verb->add_option("--context", options->context, "The kubeconfig's context; default: its current one");
  verb->add_option("--nodes", options->nodes, "Nodes, as \"kubectl get nodes --output json\" prints them");
  add_output(*verb, options->output);
}

}  // namespace slipway::cli
