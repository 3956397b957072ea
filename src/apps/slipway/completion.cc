#include "apps/slipway/completion.h"

#include <fmt/format.h>

#include <iostream>

#include "apps/slipway/shell.h"

namespace slipway::cli {
namespace {

constexpr std::string_view kGlobalOptions = "Global options";

std::vector<const CLI::App*> below(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string path_of(const CLI::App& app) {
  std::string path = app.get_name();
  for (const CLI::App* above = app.get_parent(); above != nullptr; above = above->get_parent())
    path = above->get_name() + ' ' + path;
  return path;
}

std::string names_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true);
  std::string names;
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  return names;
}

std::vector<const CLI::Option*> options_of(const CLI::App& verb) {
  return verb.get_options([](const CLI::Option*) { return true; });
}

// One case of the script's table.
void add_case(const CLI::App& app, std::string& script) {
  std::string verbs, names;
  for (const CLI::App* verb : below(app)) verbs += ' ' + verb->get_name();
  for (const CLI::Option* option : options_of(app)) {
    for (const std::string& name : option->get_lnames()) names += " --" + name;
    for (const std::string& name : option->get_snames()) names += " -" + name;
  }
  script += fmt::format("    '{}') verbs='{}' options='{}' ;;\n", path_of(app), verbs.empty() ? "" : verbs.substr(1),
                        names.empty() ? "" : names.substr(1));
  for (const CLI::App* verb : below(app)) add_case(*verb, script);
}

// A table's cell: no line ends, no bars.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find_first_of("|\n", at)) != std::string::npos; at += 2)
    text.replace(at, 1, text[at] == '|' ? "\\|" : "  ");
  return text;
}

std::string meaning_of(const CLI::Option& option) {
  std::string text = option.get_description();
  if (option.get_required()) text += " (required)";
  if (!option.get_default_str().empty()) text += fmt::format(" (default: {})", option.get_default_str());
  return cell(std::move(text));
}

void add_table(const std::vector<const CLI::Option*>& options, std::string& page) {
  page += "| option | meaning |\n|---|---|\n";
  for (const CLI::Option* option : options)
    page += fmt::format("| `{}` | {} |\n", names_of(*option), meaning_of(*option));
  page += '\n';
}

void add_section(const CLI::App& verb, std::string& page) {
  if (!below(verb).empty()) {
    for (const CLI::App* each : below(verb)) add_section(*each, page);
    return;
  }
  page += fmt::format("## {}\n{}.\n\n", path_of(verb), verb.get_description());
  std::string footer = verb.get_footer();
  if (const std::size_t line = footer.find('\n'); line != std::string::npos)
    page += fmt::format("```\n{}```\n\n", footer.substr(line + 1));
  std::vector<const CLI::Option*> own;
  for (const CLI::Option* option : options_of(verb))
    if (option->get_group() != kGlobalOptions && names_of(*option) != "--help, -h") own.push_back(option);
  if (!own.empty()) add_table(own, page);
}

// The first verb that has them.
const CLI::App* any_verb(const CLI::App& app) {
  if (below(app).empty()) return &app;
  return any_verb(*below(app).front());
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string script =
      "# Completion of slipway for bash: source it, or put it into /usr/share/bash-completion/completions/slipway.\n"
      "_slipway() {\n"
      "  local word path=slipway verbs options current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    [[ $word == -* ]] && break\n"
      "    path+=\" $word\"\n"
      "  done\n"
      "  case $previous in\n"
      "    --output | -o) mapfile -t COMPREPLY < <(compgen -W 'json jsonc yaml yamlc table tsv none' -- \"$current\"); "
      "return ;;\n"
      "    --file | -f | --admin | --certificate-authority | --kubeconfig) mapfile -t COMPREPLY < <(compgen -f -- "
      "\"$current\"); return ;;\n"
      "  esac\n"
      "  case $path in\n";
  add_case(app, script);
  script +=
      "    *) return ;;\n"
      "  esac\n"
      "  [[ $current == -* || -z $verbs ]] && verbs=$options\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$current\")\n"
      "}\n"
      "complete -o default -F _slipway slipway\n";
  return script;
}

std::string reference_page(const CLI::App& app) {
  std::string page =
      "# The command line\n\n"
      "Every verb of `slipway`, as `--help` shows it. This page is made by `slipway completion markdown`; a test holds "
      "it\n"
      "against the program. Exit status: 0 done, 1 failed, 2 wrong use, 3 what should be shown is not there.\n\n"
      "## Global options\nEvery verb but `inspect` and `image` has these, behind its name.\n\n";
  std::vector<const CLI::Option*> global;
  for (const CLI::Option* option : options_of(*any_verb(app)))
    if (option->get_group() == kGlobalOptions) global.push_back(option);
  add_table(global, page);
  add_section(app, page);
  while (page.ends_with("\n\n")) page.pop_back();
  return page;
}

void add_completion(Shell& shell) {
  CLI::App* completion = Shell::add_noun(shell.app(), "completion", "What is made from the table of verbs");
  CLI::App* root = &shell.app();
  const auto add = [&](const char* name, const char* description, const char* example,
                       std::string (*make)(const CLI::App&)) {
    shell.add_verb(*completion, name, description, example, [root, make]() -> Status {
      std::cout << make(*root) << std::flush;
      if (!std::cout) return fail(ErrorCode::kInternal, "standard output cannot be written");
      return {};
    });
  };
  add("bash", "Print a completion script for bash", "  source <(slipway completion bash)\n", bash_completion);
  add("markdown", "Print the reference of all verbs", "  slipway completion markdown > cli.md\n", reference_page);
}

}  // namespace slipway::cli
