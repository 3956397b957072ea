#include "apps/slipway/application.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "apps/slipway/arguments.h"
#include "apps/slipway/completion.h"
#include "apps/slipway/inspect_verbs.h"
#include "apps/slipway/pool_options.h"
#include "apps/slipway/predict_verb.h"
#include "apps/slipway/versions.h"
#include "base/near_name.h"

namespace slipway::cli {
namespace {

constexpr const char* kFooter =
    "Start with: slipway login --admin FILE\n"
    "More on each verb: slipway VERB --help; on all of them: man slipway\n"
    "What Trusted Launch is, and what it promises: docs/concepts/trusted-launch.md, or\n"
    "/usr/share/doc/slipway/concepts/trusted-launch.md where slipway is installed";

// az's nouns: their exit status for a thing that is not there is 3 of "show" alone.
bool is_of_az(std::string_view words) {
  for (const std::string_view noun : {"aks", "group", "feature", "provider", "account", "cloud", "extension", "login",
                                      "logout", "activity-log", "ad", "role", "ad", "role"})
    if (words == noun || words.starts_with(std::string(noun) + ' ')) return true;
  return false;
}

ExitCode exit_code_of(const Error& error, std::string_view words) {
  if (error.reason == kMalformedInput) return kWrongUse;
  const bool is_show = words == "show" || words.ends_with(" show");
  return error.code == ErrorCode::kNotFound && (is_show || !is_of_az(words)) ? kMissing : kFailed;
}

void complain(const Error& error) {
  std::cerr << "ERROR: ";
  // A file, a server or a file's name may have put anything into these; the terminal must not obey it.
  if (!error.reason.empty()) std::cerr << '(' << printable(error.reason) << ") ";
  for (std::string_view rest = error.message;;) {
    const std::size_t end = rest.find('\n');
    std::cerr << printable(rest.substr(0, end)) << '\n';
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (error.target.empty()) return;
  const std::string_view flag = flag_of(error.target);
  std::cerr << "Target: " << printable(error.target) << (flag.empty() ? "" : fmt::format(" ({})", flag)) << '\n';
}

std::string path_of(const CLI::App* app) {
  std::string path = app->get_name();
  for (const CLI::App* above = app->get_parent(); above != nullptr; above = above->get_parent())
    path = above->get_name() + ' ' + path;
  return path;
}

std::vector<const CLI::App*> verbs_below(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> option_names(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options([](const CLI::Option*) { return true; })) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

// A noun of that name anywhere: "nodepool" is "slipway aks nodepool".
std::string elsewhere(const CLI::App& app, const std::string& word) {
  for (const CLI::App* below : verbs_below(app)) {
    if (below->get_name() == word) return path_of(below);
    if (std::string deeper = elsewhere(*below, word); !deeper.empty()) return deeper;
  }
  return {};
}

std::string unknown_verb(const CLI::App& root, const CLI::App& noun, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* below : verbs_below(noun)) names.push_back(below->get_name());
  std::string near = near_name(word, names);
  if (near.empty()) near = elsewhere(root, word);
  return fmt::format("'{}' is no verb of '{}'.{}", printable(word, 100), path_of(&noun), did_you_mean(near));
}

int complain_of_words(const CLI::App& app, const CLI::ParseError& error, std::span<const std::string> words) {
  const std::string misspelt = misspelling(app, words);
  const CLI::App* deepest = &app;
  for (const std::string& word : words) {
    const auto below = verbs_below(*deepest);
    const auto next =
        std::find_if(below.begin(), below.end(), [&](const auto* one) { return one->get_name() == word; });
    if (next == below.end()) break;
    deepest = *next;
  }
  // A noun without its verb: show the verbs there are.
  if (misspelt.empty() && !verbs_below(*deepest).empty()) {
    const CLI::App* above = deepest->get_parent();  // CLI11 adds the name of the verb itself
    std::cerr << deepest->help(above == nullptr ? std::string() : path_of(above)) << '\n';
  }
  std::cerr << "ERROR: " << (misspelt.empty() ? error.what() : misspelt)
            << fmt::format("\nRun \"{} --help\" for what it takes and an example.\n", path_of(deepest));
  return kWrongUse;
}

}  // namespace

void add_all_verbs(Shell& shell) {
  shell.app().set_version_flag("--version",
                               fmt::format("slipway {}\nazure-cli {} (the commands that these follow)\n{} {} "
                                           "(built in)",
                                           kVersion, kAzVersion, "aks-preview", kExtensionVersion));
  shell.app().require_subcommand(1);
  shell.app().footer(kFooter);
  add_login(shell);
  add_accounts(shell);
  add_clouds(shell);
  add_features(shell);
  add_groups(shell);
  add_clusters(shell);
  add_nodes(shell);
  add_activity(shell);
  add_roles(shell);
  add_kubectl_check(shell);
  add_images(shell);
  add_inspections(shell);
  add_predict(shell);
  add_evidence(shell);
  add_extensions(shell);
  add_completion(shell);
}

std::string misspelling(const CLI::App& app, std::span<const std::string> words) {
  const CLI::App* deepest = &app;
  for (const std::string& word : words) {
    const auto below = verbs_below(*deepest);
    const bool is_option = word.size() > 1 && word[0] == '-' && !(word[1] >= '0' && word[1] <= '9');
    if (is_option) {
      const bool is_long = word[1] == '-';
      if (word == "--") return {};
      const std::string name = is_long ? word.substr(0, word.find('=')) : word.substr(0, 2);
      const auto names = option_names(*deepest);
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      const std::string near = is_long ? near_name(name, names) : std::string();
      return fmt::format("'{}' is no option of '{}'.{}", printable(name, 100), path_of(deepest), did_you_mean(near));
    }
    if (below.empty()) continue;
    const auto next =
        std::find_if(below.begin(), below.end(), [&](const auto* one) { return one->get_name() == word; });
    if (next == below.end()) return unknown_verb(app, *deepest, word);
    deepest = *next;
  }
  return {};
}

int run(const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "help") {  // "slipway help aks create"
    std::vector<std::string> asked(words.begin() + 1, words.end());
    asked.push_back("--help");
    return run(asked);
  }
  if (const Status dashes = check_dashes(words); !dashes) {
    complain(dashes.error());
    return kWrongUse;
  }
  CLI::App app("Kubernetes clusters whose nodes prove what they booted", "slipway");
  Shell shell(app);
  add_all_verbs(shell);
  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& wish) {
    app.exit(wish, std::cout, std::cerr);
    return kDone;
  } catch (const CLI::ParseError& error) {
    return complain_of_words(app, error, words);
  }
  const Status status = shell.run();
  if (status) return kDone;
  complain(status.error());
  return exit_code_of(status.error(), shell.chosen_words());
}

}  // namespace slipway::cli
