#include <fmt/format.h>

#include <iostream>
#include <string>
#include <vector>

#include "apps/slipway/arguments.h"
#include "apps/slipway/shell.h"

namespace slipway::cli {
namespace {

ExitCode exit_code_of(const Error& error) { return error.code == ErrorCode::kNotFound ? kMissing : kFailed; }

ExitCode complain(const Error& error) {
  std::cerr << "ERROR: ";
  if (!error.reason.empty()) std::cerr << '(' << error.reason << ") ";
  std::cerr << error.message << '\n';
  if (!error.target.empty()) std::cerr << "Target: " << error.target << '\n';
  return exit_code_of(error);
}

ExitCode run(const std::vector<std::string>& words) {
  if (const Status dashes = check_dashes(words); !dashes) {
    complain(dashes.error());
    return kWrongUse;
  }
  CLI::App app("Kubernetes clusters whose nodes prove what they booted", "slipway");
  app.set_version_flag("--version", "slipway " SLIPWAY_VERSION);
  app.require_subcommand(1);
  app.footer("Start with: slipway login --admin FILE\nMore on each verb: slipway VERB --help");
  Shell shell(app);
  add_login(shell);
  add_features(shell);
  add_groups(shell);
  add_clusters(shell);
  add_nodes(shell);
  add_images(shell);
  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& wish) {
    app.exit(wish, std::cout, std::cerr);
    return kDone;
  } catch (const CLI::RequiredError& error) {
    // A noun without its verb: show the verbs there are.
    const CLI::App* deepest = &app;
    while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
    if (deepest->get_require_subcommand_min() > 0) std::cerr << app.help() << '\n';
    std::cerr << "ERROR: " << error.what() << "\nRun the same with --help for what it takes and an example.\n";
    return kWrongUse;
  } catch (const CLI::ParseError& error) {
    std::cerr << "ERROR: " << error.what() << "\nRun the same with --help for what it takes and an example.\n";
    return kWrongUse;
  }
  const Status status = shell.run();
  return status ? kDone : complain(status.error());
}

}  // namespace
}  // namespace slipway::cli

int main(int count, char** words) {
  try {
    return slipway::cli::run({words + 1, words + count});
  } catch (const std::exception& defect) {
    std::cerr << "ERROR: slipway itself failed: " << defect.what() << '\n';
    return slipway::cli::kFailed;
  }
}
