#include "apps/slipway/shell.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <optional>

namespace slipway::cli {
namespace {

namespace json = boost::json;

constexpr const char* kGlobalOptions = "Global options";

std::string age_text(seconds age) {
  const auto count = age.count();
  return count < 60 ? fmt::format("{} s", count) : fmt::format("{} min {:02} s", count / 60, count % 60);
}

constexpr seconds kQuiet{30};

// On a terminal one line that changes; elsewhere a line at once and then one each half minute.
class ProgressLine {
 public:
  ProgressLine() = default;
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (open_) std::cerr << '\n';
  }
  void show(seconds age, std::string_view text) {
    if (::isatty(STDERR_FILENO) == 1) {
      std::cerr << fmt::format("\r\x1b[K{:>11}  {}", age_text(age), text) << std::flush;
      open_ = true;
      return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (last_ && now - *last_ < kQuiet) return;
    std::cerr << fmt::format("{:>11}  {}\n", age_text(age), text) << std::flush;
    last_ = now;
  }

 private:
  std::optional<std::chrono::steady_clock::time_point> last_;
  bool open_ = false;
};

// The words from the program's name down to this verb.
std::string words_of(const CLI::App* verb) {
  std::string words;
  for (; verb != nullptr && verb->get_parent() != nullptr; verb = verb->get_parent())
    words = verb->get_name() + (words.empty() ? "" : " ") + words;
  return words;
}

}  // namespace

CLI::App* Shell::add_noun(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* noun = parent.add_subcommand(name, description);
  noun->require_subcommand(1);
  return noun;
}

CLI::App* Shell::add_verb(CLI::App& parent, const std::string& name, const std::string& description,
                          const std::string& examples, std::function<Status()> run) {
  CLI::App* verb = parent.add_subcommand(name, description);
  verb->footer("Examples:\n" + examples);
  verb->callback([this, verb, run = std::move(run)] {
    chosen_ = run;
    chosen_words_ = words_of(verb);
  });
  return verb;
}

Result<ArmClient> Shell::connect(const OutputOptions& options) {
  SLIPWAY_ASSIGN(auto login, current_login(options.subscription));
  ArmClient::Progress progress;
  if (!options.quiet) {
    auto line = std::make_shared<ProgressLine>();
    progress = [line](seconds age, std::string_view text) { line->show(age, text); };
  }
  ArmClient::Trace trace;
  if (options.traced) trace = [](std::string_view line) { std::cerr << line << '\n'; };
  return ArmClient(std::move(login), std::move(progress), std::move(trace));
}

Status Shell::print(const json::value& value, const OutputOptions& options, const std::vector<Column>& columns) {
  SLIPWAY_ASSIGN(const std::string text, render(value, options, columns));
  std::cout << text << std::flush;
  if (!std::cout) return fail(ErrorCode::kInternal, "standard output cannot be written");
  return {};
}

void Shell::say(std::string_view text, const OutputOptions& options) {
  if (!options.quiet) std::cerr << text << '\n';
}

Result<bool> Shell::confirm(const std::string& question, bool assumed) {
  if (assumed) return true;
  if (::isatty(STDIN_FILENO) != 1)
    return fail(ErrorCode::kInvalidArgument, question + " Nobody is here to answer; give --yes to say so beforehand");
  std::cerr << question << " (y/n): " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void add_output(CLI::App& verb, OutputOptions& options) {
  verb.add_option("--output,-o", options.format, "json, jsonc, yaml, yamlc, table, tsv or none")
      ->check(CLI::IsMember({"json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"}))
      ->capture_default_str()
      ->group(kGlobalOptions);
  verb.add_option("--query", options.query, "A part of the answer, in the part of JMESPath that the manual lists")
      ->check([](const std::string& text) {
        const auto parsed = Query::parse(text);
        return parsed ? std::string() : parsed.error().message;
      })
      ->group(kGlobalOptions);
  verb.add_option("--subscription", options.subscription, "Id or name of the subscription; default: the current one")
      ->group(kGlobalOptions);
  verb.add_flag("--only-show-errors", options.quiet, "Neither news nor progress on standard error")
      ->group(kGlobalOptions);
  verb.add_flag("--verbose,--debug", options.traced, "Each request and its status on standard error")
      ->group(kGlobalOptions);
}

Result<json::object> parse_tags(const std::vector<std::string>& words) {
  json::object tags;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(ErrorCode::kInvalidArgument, fmt::format("the tag \"{}\" is not of the form name=value", word));
    tags[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return tags;
}

}  // namespace slipway::cli
