#include "apps/slipway/shell.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

namespace slipway::cli {
namespace {

namespace json = boost::json;

std::string age_text(seconds age) {
  const auto count = age.count();
  return count < 60 ? fmt::format("{} s", count) : fmt::format("{} min {:02} s", count / 60, count % 60);
}

// On a terminal one line that changes; elsewhere a line for each change of what is waited for.
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
    } else if (text != last_) {
      std::cerr << fmt::format("{:>11}  {}\n", age_text(age), text) << std::flush;
    }
    last_ = text;
  }

 private:
  std::string last_;
  bool open_ = false;
};

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
  verb->callback([this, run = std::move(run)] { chosen_ = run; });
  return verb;
}

Result<ArmClient> Shell::connect() {
  SLIPWAY_ASSIGN(auto login, current_login());
  auto line = std::make_shared<ProgressLine>();
  return ArmClient(std::move(login), [line](seconds age, std::string_view text) { line->show(age, text); });
}

Status Shell::print(const json::value& value, const OutputOptions& options, const std::vector<Column>& columns) {
  SLIPWAY_ASSIGN(const std::string text, render(value, options, columns));
  std::cout << text << std::flush;
  if (!std::cout) return fail(ErrorCode::kInternal, "standard output cannot be written");
  return {};
}

void Shell::say(std::string_view text) { std::cerr << text << '\n'; }

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
  verb.add_option("--output,-o", options.format, "json, table or tsv")
      ->check(CLI::IsMember({"json", "table", "tsv"}))
      ->capture_default_str();
  verb.add_option("--query", options.query, "A part of the answer: names with dots between them, [N] and []");
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
