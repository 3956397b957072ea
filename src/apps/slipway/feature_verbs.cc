#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <tuple>

#include "apps/slipway/accounts.h"
#include "apps/slipway/files.h"
#include "apps/slipway/shell.h"

// feature and provider.
namespace slipway::cli {
namespace {

namespace json = boost::json;

constexpr seconds kPollInterval{1};
constexpr const char* kDefaultProvider = "Microsoft.ContainerService";

// What somebody who registers a preview agrees to; said once.
constexpr std::string_view kPreviewTerms =
    "This is a preview feature, and using it is your choice:\n"
    "  - it comes \"as is\" and \"as available\";\n"
    "  - no service level agreement and no limited warranty covers it;\n"
    "  - support covers it in part, as best effort;\n"
    "  - it is not meant for production use.";

struct FeatureOptions {
  std::string provider = kDefaultProvider, name;
  bool wait = false;
  OutputOptions output;
};

const std::vector<Column> kFeatureColumns = {{"Name", "name"}, {"RegistrationState", "properties.state"}};
const std::vector<Column> kProviderColumns = {{"Namespace", "namespace"}, {"RegistrationState", "registrationState"}};

// The first time on this account: a file beside the logins remembers it.
Status say_terms_once(const OutputOptions& output) {
  SLIPWAY_ASSIGN(const std::string folder, config_folder());
  const std::string marker = folder + "/preview-terms-shown";
  std::error_code error;
  if (output.quiet || std::filesystem::exists(marker, error)) return {};
  Shell::say(kPreviewTerms);
  return write_private_file(marker, "");
}

std::string feature_path(const ArmClient& client, const FeatureOptions& options) {
  return fmt::format("{}/providers/Microsoft.Features/providers/{}/features/{}", client.subscription_path(),
                     encode_segment(options.provider), encode_segment(options.name));
}

Status register_feature(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_TRY(say_terms_once(options.output));
  SLIPWAY_ASSIGN(const auto answer, client.send("POST", feature_path(client, options) + "/register", kFeatureApi));
  Shell::say(fmt::format("Once the feature \"{}\" is registered, run \"slipway provider register --namespace {}\" so "
                         "that it takes effect",
                         options.name, options.provider),
             options.output);
  return Shell::print(answer.body, options.output, kFeatureColumns);
}

Status show_feature(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto feature, client.get(feature_path(client, options), kFeatureApi));
  return Shell::print(feature, options.output, kFeatureColumns);
}

Status list_features(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto features,
                 client.list(fmt::format("{}/providers/Microsoft.Features/providers/{}/features",
                                         client.subscription_path(), encode_segment(options.provider)),
                             kFeatureApi));
  return Shell::print(features, options.output, kFeatureColumns);
}

Status unregister_feature(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto answer, client.send("POST", feature_path(client, options) + "/unregister", kFeatureApi));
  return Shell::print(answer.body, options.output, kFeatureColumns);
}

std::string provider_path(const ArmClient& client, const FeatureOptions& options) {
  return client.subscription_path() + "/providers/" + encode_segment(options.provider);
}

Status register_provider(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(auto answer, client.send("POST", provider_path(client, options) + "/register", kGroupApi));
  while (options.wait) {
    SLIPWAY_ASSIGN(const auto state, query(answer.body, "registrationState"));
    if (state == "Registered") break;
    std::this_thread::sleep_for(kPollInterval);
    SLIPWAY_ASSIGN(answer, client.send("GET", provider_path(client, options), kGroupApi));
  }
  return Shell::print(answer.body, options.output, kProviderColumns);
}

Status show_provider(const FeatureOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto provider, client.get(provider_path(client, options), kGroupApi));
  return Shell::print(provider, options.output, kProviderColumns);
}

}  // namespace

void add_features(Shell& shell) {
  const auto add = [&](CLI::App* noun, const std::string& name, const std::string& description,
                       const std::string& example, Status (*run)(const FeatureOptions&)) {
    auto options = std::make_shared<FeatureOptions>();
    CLI::App* verb = shell.add_verb(*noun, name, description, example, [options, run] { return run(*options); });
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  CLI::App* feature = Shell::add_noun(shell.app(), "feature", "Preview features of the subscription");
  const std::tuple<const char*, const char*, Status (*)(const FeatureOptions&)> feature_verbs[] = {
      {"register", "Register a preview feature", register_feature},
      {"unregister", "Unregister a preview feature", unregister_feature},
      {"show", "Show whether a feature is registered", show_feature}};
  for (const auto& [name, description, run] : feature_verbs) {
    const auto [verb, options] = add(
        feature, name, description,
        fmt::format("  slipway feature {} --namespace Microsoft.ContainerService --name TrustedLaunchPreview\n", name),
        run);
    verb->add_option("--namespace", options->provider, "The resource provider")->capture_default_str();
    verb->add_option("--name,-n", options->name, "The feature")->required();
  }
  const auto [list, listed] =
      add(feature, "list", "List the features of a provider",
          "  slipway feature list --namespace Microsoft.ContainerService --output table\n", list_features);
  list->add_option("--namespace", listed->provider, "The resource provider")->capture_default_str();
  CLI::App* provider = Shell::add_noun(shell.app(), "provider", "Resource providers of the subscription");
  for (const bool registers : {true, false}) {
    const std::string name = registers ? "register" : "show";
    const auto [verb, options] =
        add(provider, name,
            registers ? "Register a provider, so that its features take effect" : "Show a provider's registration",
            "  slipway provider " + name + " --namespace Microsoft.ContainerService\n",
            registers ? register_provider : show_provider);
    verb->add_option("--namespace,-n", options->provider, "The resource provider")->capture_default_str();
    if (registers) verb->add_flag("--wait", options->wait, "Return when the provider is registered");
  }
}

}  // namespace slipway::cli
