#pragma once

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/slipway/arm_client.h"
#include "apps/slipway/output.h"

namespace slipway::cli {

inline constexpr std::string_view kClusterApi = "2025-03-01";
inline constexpr std::string_view kGroupApi = "2024-11-01";
inline constexpr std::string_view kFeatureApi = "2021-07-01";

// az's exit codes: kMissing where a "show" found nothing.
enum ExitCode : int { kDone = 0, kFailed = 1, kWrongUse = 2, kMissing = 3 };

// What one run of the program is: the verb that was chosen, and where its words go.
class Shell {
 public:
  explicit Shell(CLI::App& app) : app_(app) {}

  CLI::App& app() { return app_; }
  // Adds a verb: `name` below `parent`, with examples for its --help. `run` is called if the verb is chosen.
  CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& description,
                     const std::string& examples, std::function<Status()> run);
  // A word with verbs below it: "aks".
  static CLI::App* add_noun(CLI::App& parent, const std::string& name, const std::string& description);
  // Runs the chosen verb.
  Status run() const { return chosen_ ? chosen_() : Status(); }
  // Its words: "aks nodepool show". Empty before one is chosen.
  const std::string& chosen_words() const { return chosen_words_; }

  // A client with the login that the options ask for; operations show their progress on standard error.
  static Result<ArmClient> connect(const OutputOptions& options = {});
  static Status print(const boost::json::value& value, const OutputOptions& options,
                      const std::vector<Column>& columns);
  // One line on standard error: news, which --only-show-errors leaves out.
  static void say(std::string_view text, const OutputOptions& options = {});
  // True if the person says yes, or `assumed`; kInvalidArgument where nobody can be asked.
  static Result<bool> confirm(const std::string& question, bool assumed);

 private:
  CLI::App& app_;
  std::function<Status()> chosen_;
  std::string chosen_words_;
};

// az's global arguments: --output, --query, --subscription, --only-show-errors, --verbose, --debug.
void add_output(CLI::App& verb, OutputOptions& options);

// "a=b c=d" as an object; kInvalidArgument where a word has no "=".
Result<boost::json::object> parse_tags(const std::vector<std::string>& words);

// The verbs, one function per noun.
void add_login(Shell& shell);
void add_accounts(Shell& shell);
void add_clouds(Shell& shell);
void add_extensions(Shell& shell);
void add_activity(Shell& shell);
void add_roles(Shell& shell);
void add_kubectl_check(Shell& shell);
void add_completion(Shell& shell);
void add_features(Shell& shell);
void add_groups(Shell& shell);
void add_clusters(Shell& shell);
void add_pools(Shell& shell, CLI::App& aks);
void add_nodes(Shell& shell);
void add_images(Shell& shell);
void add_inspections(Shell& shell);
void add_evidence(Shell& shell);

}  // namespace slipway::cli
