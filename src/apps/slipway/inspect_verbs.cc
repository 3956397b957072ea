#include "apps/slipway/inspect_verbs.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "bootchain/event_text.h"

namespace slipway::cli {

CLI::App* add_inspection(Shell& shell, CLI::App& inspect, const std::string& name, const std::string& description,
                         const std::string& examples, std::function<Result<std::string>(const Inspection&)> run) {
  auto options = std::make_shared<Inspection>();
  CLI::App* verb = shell.add_verb(inspect, name, description, examples, [options, run = std::move(run)]() -> Status {
    SLIPWAY_ASSIGN(const std::string text, run(*options));
    std::cout << text << std::flush;
    if (!std::cout) return fail(ErrorCode::kInternal, "standard output cannot be written");
    return {};
  });
  verb->add_option("FILE", options->file, "The file to read")->required();
  verb->add_option("--output,-o", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  return verb;
}

Result<Bytes> read_input(const std::string& path, std::size_t limit) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return fail(ErrorCode::kNotFound, path + " does not exist");
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, error))
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("cannot read {}: {}", path, file ? "it is a folder" : std::strerror(errno)));
  // Read in pieces: a file of the kernel's securityfs does not tell its size.
  Bytes content;
  while (file && content.size() <= limit) {
    constexpr std::size_t kPiece = 1U << 16;
    const std::size_t before = content.size();
    content.resize(before + kPiece);
    file.read(reinterpret_cast<char*>(content.data() + before), kPiece);
    content.resize(before + static_cast<std::size_t>(file.gcount()));
  }
  if (content.size() > limit)
    return fail(malformed_input(path, {ErrorCode::kMalformed,
                                       fmt::format("at offset {}: expected the end of a file of at most {} bytes, but "
                                                   "it goes on",
                                                   limit, limit),
                                       {},
                                       {}}));
  return content;
}

Error malformed_input(const std::string& path, const Error& error) {
  // The name of a file may hold a line end, and so may what a parser or a tool says of hostile bytes.
  constexpr std::size_t kLongest = 4096;
  return {ErrorCode::kMalformed,
          bootchain::one_line(fmt::format("{}: {}", path, error.message), kLongest),
          std::string(kMalformedInput),
          {}};
}

void add_inspections(Shell& shell) {
  CLI::App* inspect = Shell::add_noun(shell.app(), "inspect", "Take a file of a boot apart (needs no server)");
  add_inspect_eventlog(shell, *inspect);
  add_inspect_ima(shell, *inspect);
  add_inspect_image(shell, *inspect);
  add_inspect_module(shell, *inspect);
  add_inspect_pe(shell, *inspect);
  add_inspect_quote(shell, *inspect);
  add_inspect_variables(shell, *inspect);
}

}  // namespace slipway::cli
