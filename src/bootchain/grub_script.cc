#include "bootchain/grub_script.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace slipway::bootchain {
namespace {

constexpr std::size_t kMaximumConfigSize = 64U << 10;

// The configuration that Debian builds into grubx64.efi.signed (package grub-efi-amd64-signed 1+2.06+13, its memory
// disk aside). If a later GRUB carries another one, the commands that it measures before grub.cfg must be derived anew.
constexpr std::string_view kDebianBuiltInScript =
    "if [ -z \"$prefix\" -o ! -e \"$prefix\" ]; then\n"
    "\tif ! search --file --set=root /.disk/info; then\n"
    "\t\tsearch --file --set=root /.disk/mini-info\n"
    "\tfi\n"
    "\tset prefix=($root)/boot/grub\n"
    "fi\n"
    "if [ -e $prefix/x86_64-efi/grub.cfg ]; then\n"
    "\tsource $prefix/x86_64-efi/grub.cfg\n"
    "elif [ -e $prefix/grub.cfg ]; then\n"
    "\tsource $prefix/grub.cfg\n"
    "else\n"
    "\tsource $cmdpath/grub.cfg\n"
    "fi\n";

// Commands whose only measured effect is their own text. All else could open files, change devices or branch.
constexpr std::array<std::string_view, 8> kPlainCommands{"set",      "export", "terminal_input", "terminal_output",
                                                         "terminal", "serial", "unset",          "true"};
constexpr std::string_view kSpecialCharacters = "{}()|&<>;`*?[]~";

using Variables = std::map<std::string, std::string, std::less<>>;

tl::unexpected<Error> refused(int line, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("grub.cfg line {}: {}; a node's grub.cfg may hold only simple commands, so that what GRUB "
                          "measures is known before the boot",
                          line, why));
}

bool is_name_character(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '_';
}

// Reads one line of the script into expanded words.
class LineReader {
 public:
  LineReader(std::string_view line, int number, const Variables& variables)
      : line_(line), number_(number), variables_(variables) {}

  Result<std::vector<std::string>> words() {
    while (at_ < line_.size()) {
      const char character = line_[at_];
      if (character == '#' && !word_) break;
      if (character == ' ' || character == '\t') {
        end_word();
        ++at_;
      } else if (character == '\'') {
        SLIPWAY_TRY(single_quoted());
      } else if (character == '"') {
        SLIPWAY_TRY(double_quoted());
      } else if (character == '$') {
        SLIPWAY_TRY(variable());
      } else {
        SLIPWAY_TRY(plain(character));
      }
    }
    end_word();
    return std::move(words_);
  }

 private:
  void append(std::string_view text) {
    if (!word_) word_.emplace();
    *word_ += text;
  }

  void end_word() {
    if (word_) words_.push_back(std::move(*word_));
    word_.reset();
  }

  Status plain(char character) {
    // "(hd0,gpt1)/file" and "($root)/file" are names of files; parentheses mean nothing else in this subset.
    const bool device = character == '(' || character == ')';
    if (character == '\\' || (!device && kSpecialCharacters.find(character) != std::string_view::npos))
      return refused(number_, fmt::format("'{}' is not understood", character));
    if (character < 0x20 || character > 0x7e) return refused(number_, "a control or non-ASCII character");
    append(line_.substr(at_++, 1));
    return {};
  }

  Status single_quoted() {
    const std::size_t end = line_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return refused(number_, "a quote is not closed on its line");
    append(line_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return {};
  }

  Status double_quoted() {
    append("");
    ++at_;
    while (at_ < line_.size() && line_[at_] != '"') {
      if (line_[at_] == '\\') return refused(number_, "'\\' is not understood");
      if (line_[at_] == '$') {
        SLIPWAY_TRY(variable());
      } else {
        append(line_.substr(at_++, 1));
      }
    }
    if (at_ == line_.size()) return refused(number_, "a quote is not closed on its line");
    ++at_;
    return {};
  }

  Status variable() {
    const bool braces = at_ + 1 < line_.size() && line_[at_ + 1] == '{';
    const std::size_t start = at_ + (braces ? 2 : 1);
    std::size_t end = start;
    while (end < line_.size() && is_name_character(line_[end])) ++end;
    if (end == start || (braces && (end == line_.size() || line_[end] != '}')))
      return refused(number_, "a '$' without a variable's name");
    const std::string_view name = line_.substr(start, end - start);
    const auto found = variables_.find(name);
    if (found == variables_.end()) return refused(number_, fmt::format("the variable ${} is not known", name));
    if (found->second.find_first_of(" \t") != std::string::npos)
      return refused(number_, fmt::format("the variable ${} holds a space", name));
    append(found->second);
    at_ = end + (braces ? 1 : 0);
    return {};
  }

  std::string_view line_;
  int number_;
  const Variables& variables_;
  std::size_t at_ = 0;
  std::optional<std::string> word_;
  std::vector<std::string> words_;
};

// As GRUB's loader joins arguments: a space, quote or backslash inside one is escaped.
std::string loader_command_line(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line.push_back(' ');
    const bool quoted = argument.find(' ') != std::string::npos;
    if (quoted) line.push_back('"');
    for (const char character : argument) {
      if (character == '\\' || character == '\'' || character == '"') line.push_back('\\');
      line.push_back(character);
    }
    if (quoted) line.push_back('"');
  }
  return line;
}

// The path on the boot partition that a file argument names.
Result<std::string> boot_partition_path(const std::string& argument, const Variables& variables, int line) {
  const std::string device = fmt::format("({})", variables.at("root"));
  std::string path = argument;
  if (path.compare(0, device.size(), device) == 0) path.erase(0, device.size());
  if (path.empty() || path[0] != '/' || path.find("..") != std::string::npos)
    return refused(line, fmt::format("\"{}\" is not a file on the boot partition {}", argument, device));
  return path;
}

Status set_variable(const std::vector<std::string>& words, Variables& variables, int line) {
  if (words.size() != 2) return refused(line, "`set` takes one NAME=VALUE");
  const std::size_t equals = words[1].find('=');
  if (equals == std::string::npos || equals == 0) return refused(line, "`set` takes one NAME=VALUE");
  const std::string name = words[1].substr(0, equals);
  if (name == "root" || name == "prefix") return refused(line, fmt::format("${} must stay as GRUB set it", name));
  variables[name] = words[1].substr(equals + 1);
  return {};
}

Status run_command(const std::vector<std::string>& words, Variables& variables, int line, GrubMeasurements& result) {
  const std::string& command = words[0];
  result.commands.push_back(fmt::format("{}", fmt::join(words, " ")));
  if (command == "linux" || command == "linuxefi") {
    if (words.size() < 2 || !result.kernel_command_line.empty())
      return refused(line, "exactly one `linux` with a kernel is needed");
    SLIPWAY_ASSIGN(std::string path, boot_partition_path(words[1], variables, line));
    result.files.push_back(std::move(path));
    result.kernel_command_line = loader_command_line({words.begin() + 1, words.end()});
    result.commands_before_kernel = result.commands.size();
    return {};
  }
  if (command == "initrd" || command == "initrdefi") {
    if (words.size() < 2 || result.kernel_command_line.empty())
      return refused(line, "`initrd` needs a file, and a kernel before it");
    for (std::size_t i = 1; i < words.size(); ++i) {
      SLIPWAY_ASSIGN(std::string path, boot_partition_path(words[i], variables, line));
      result.files.push_back(std::move(path));
    }
    return {};
  }
  if (command == "boot") return {};
  if (command == "set") return set_variable(words, variables, line);
  if (std::find(kPlainCommands.begin(), kPlainCommands.end(), command) == kPlainCommands.end())
    return refused(line, fmt::format("the command `{}` is not understood", command));
  return {};
}

}  // namespace

Result<GrubMeasurements> predict_grub(ByteView grub_image, std::string_view grub_config,
                                      const GrubEnvironment& environment) {
  if (as_text(grub_image).find(kDebianBuiltInScript) == std::string_view::npos)
    return fail(ErrorCode::kPreconditionFailed,
                "the GRUB image does not hold the built-in script of Debian 12's grubx64.efi.signed, so its first "
                "measurements cannot be predicted; use grub-efi-amd64-signed of Debian 12");
  if (grub_config.size() > kMaximumConfigSize)
    return fail(ErrorCode::kInvalidArgument, "grub.cfg is longer than 64 KiB");

  const std::string prefix = fmt::format("({}){}", environment.root, environment.prefix);
  GrubMeasurements result;
  result.commands = {fmt::format("[ -z {0} -o ! -e {0} ]", prefix),
                     fmt::format("[ -e {}/{}/grub.cfg ]", prefix, environment.platform),
                     fmt::format("[ -e {}/grub.cfg ]", prefix), fmt::format("source {}/grub.cfg", prefix)};
  result.files.push_back(environment.prefix + "/grub.cfg");

  Variables variables{{"root", environment.root}, {"prefix", prefix}};
  bool booted = false;
  int number = 0;
  while (!grub_config.empty()) {
    ++number;
    const std::size_t end = std::min(grub_config.find('\n'), grub_config.size());
    const std::string_view line = grub_config.substr(0, end);
    grub_config.remove_prefix(std::min(end + 1, grub_config.size()));
    SLIPWAY_ASSIGN(const auto words, LineReader(line, number, variables).words());
    if (words.empty()) continue;
    // Only a `boot` that failed goes on here; the node then stands still and proves nothing.
    if (booted && words[0] == "halt") continue;
    if (booted) return refused(number, "a command other than `halt` follows `boot`");
    SLIPWAY_TRY(run_command(words, variables, number, result));
    booted = words[0] == "boot";
  }
  if (!booted || result.kernel_command_line.empty())
    return refused(number, "it must load a kernel with `linux` and end with `boot`");
  return result;
}

}  // namespace slipway::bootchain
