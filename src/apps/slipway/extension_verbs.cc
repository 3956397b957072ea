#include <fmt/format.h>

#include <filesystem>

#include "apps/slipway/release_version.h"
#include "apps/slipway/shell.h"
#include "apps/slipway/versions.h"
#include "base/near_name.h"

// extension, upgrade, version: what scripts that were written for az ask before they begin.
namespace slipway::cli {
namespace {

namespace json = boost::json;

constexpr const char* kExtension = "aks-preview";

struct ExtensionOptions {
  std::string name, version;
  bool yes = false, upgrade = false, preview = false, all = false;
  OutputOptions output;
};

const std::vector<Column> kExtensionColumns = {
    {"ExtensionType", "extensionType"}, {"Name", "name"}, {"Preview", "preview"}, {"Version", "version"}};

json::object described() {
  return {{"experimental", false}, {"extensionType", "built-in"}, {"name", kExtension}, {"path", nullptr},
          {"preview", false},      {"version", kExtensionVersion}};
}

Status check_name(const std::string& name) {
  if (name == kExtension) return {};
  const std::string known[] = {kExtension};
  return fail(ErrorCode::kNotFound,
              fmt::format("There is no extension '{}': {} is built in, and there are no others.{}", name, kExtension,
                          did_you_mean(near_name(name, known))));
}

Status add_extension(const ExtensionOptions& options) {
  SLIPWAY_TRY(check_name(options.name));
  if (!options.version.empty()) {
    SLIPWAY_ASSIGN(const auto wanted, ReleaseVersion::parse(options.version));
    SLIPWAY_ASSIGN(const auto present, ReleaseVersion::parse(kExtensionVersion));
    if (present < wanted)
      return fail(ErrorCode::kPreconditionFailed,
                  fmt::format("Extension '{}' is built in, in version {}, which is older than {}: see \"slipway "
                              "upgrade\".",
                              kExtension, kExtensionVersion, options.version));
  }
  Shell::say(fmt::format("Extension '{}' {} is built in: nothing to install.", kExtension, kExtensionVersion),
             options.output);
  return {};
}

Status update_extension(const ExtensionOptions& options) {
  SLIPWAY_TRY(check_name(options.name));
  Shell::say(fmt::format("Extension '{}' {} is built in, and so the latest that this slipway has.", kExtension,
                         kExtensionVersion),
             options.output);
  return {};
}

Status show_extension(const ExtensionOptions& options) {
  SLIPWAY_TRY(check_name(options.name));
  return Shell::print(described(), options.output, kExtensionColumns);
}

Status list_extensions(const ExtensionOptions& options) {
  return Shell::print(json::array{described()}, options.output, kExtensionColumns);
}

// az removes the file; here there is none.
Status remove_extension(const ExtensionOptions& options) {
  SLIPWAY_TRY(check_name(options.name));
  return fail(ErrorCode::kPreconditionFailed,
              fmt::format("Extension '{}' is built in: it cannot be removed.", kExtension));
}

Status show_version(const ExtensionOptions& options) {
  return Shell::print(json::object{{"azure-cli", kAzVersion},
                                   {"extensions", json::object{{kExtension, kExtensionVersion}}},
                                   {"slipway", kVersion}},
                      options.output, {});
}

Status upgrade(const ExtensionOptions& options) {
  std::error_code error;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  const bool is_packaged = program.starts_with("/usr/bin/");
  const std::string command = is_packaged ? "sudo apt-get update && sudo apt-get install --only-upgrade slipway"
                                          : "git pull && cmake --preset release && cmake --build --preset release";
  Shell::say(fmt::format("This is slipway {}, {}. It does not change itself; to get a newer one, run{}:", kVersion,
                         program, is_packaged ? "" : " in the source tree that it was built in"),
             options.output);
  OutputOptions output = options.output;
  if (output.query.empty()) output.format = "tsv";
  return Shell::print(json::value(command), output, {});
}

}  // namespace

void add_extensions(Shell& shell) {
  const auto add = [&](CLI::App& noun, const std::string& name, const std::string& description,
                       const std::string& example, Status (*run)(const ExtensionOptions&)) {
    auto options = std::make_shared<ExtensionOptions>();
    CLI::App* verb = shell.add_verb(noun, name, description, example, [options, run] { return run(*options); });
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  CLI::App* extension = Shell::add_noun(shell.app(), "extension", "az's extensions: aks-preview is built in");
  const auto named = [&](const std::string& name, const std::string& description,
                         Status (*run)(const ExtensionOptions&)) {
    const auto made =
        add(*extension, name, description, fmt::format("  slipway extension {} --name aks-preview\n", name), run);
    made.first->add_option("--name,-n", made.second->name, "The extension")->required();
    return made;
  };
  const auto [install, installed] = named("add", "Say that an extension is there", add_extension);
  install->add_option("--version", installed->version, "The version that is needed");
  install->add_flag("--upgrade,-U", installed->upgrade, "Accepted for scripts: there is one version");
  install->add_flag("--yes,-y", installed->yes, "Accepted for scripts: nothing is asked");
  install->add_flag("--allow-preview", installed->preview, "Accepted for scripts");
  const auto [update, updated] = named("update", "Say that an extension is the latest", update_extension);
  update->add_flag("--allow-preview", updated->preview, "Accepted for scripts");
  named("show", "Show an extension", show_extension);
  named("remove", "Refused: it is built in", remove_extension);
  add(*extension, "list", "List the extensions", "  slipway extension list --output table\n", list_extensions);

  add(shell.app(), "version", "Show versions, of the az whose commands these are too",
      "  slipway version --output json\n", show_version);
  const auto [self, selfish] = add(shell.app(), "upgrade", "Print the command that upgrades slipway; changes nothing",
                                   "  slipway upgrade\n", upgrade);
  self->add_flag("--yes,-y", selfish->yes, "Accepted for scripts: nothing is asked");
  self->add_flag("--all", selfish->all, "Accepted for scripts: the extension is built in");
}

}  // namespace slipway::cli
