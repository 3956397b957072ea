#pragma once

#include <string>

#include "apps/slipway/shell.h"
#include "base/bytes.h"

// "slipway inspect": files of a boot taken apart, without a server and without root. Each verb has its own source file;
// docs/formats/inspect.md documents what they print.
namespace slipway::cli {

struct Inspection {
  std::string file;
  std::string format = "table";  // table or json
};

// A verb below `inspect` that takes FILE and -o table|json. `run` makes the whole text before any of it is printed, so
// that a file which turns out to be malformed leaves standard output empty.
CLI::App* add_inspection(Shell& shell, CLI::App& inspect, const std::string& name, const std::string& description,
                         const std::string& examples, std::function<Result<std::string>(const Inspection&)> run);

// The whole file. kNotFound if there is none; a reason of kMalformedInput if it is larger than `limit`.
Result<Bytes> read_input(const std::string& path, std::size_t limit);

// The reason of an error that ends the program with exit status 2: the file does not have the form that was asked for.
inline constexpr std::string_view kMalformedInput = "MalformedInput";
// The parser's error with the file's name in front, on one line; its message names the offset and what was expected
// there.
Error malformed_input(const std::string& path, const Error& error);

// What a parser gave of a file: its error is one of malformed input, unless it is one already or about something else.
template <typename T>
Result<T> in_file(const std::string& path, Result<T> result) {
  if (!result && result.error().code == ErrorCode::kMalformed && result.error().reason != kMalformedInput)
    return fail(malformed_input(path, result.error()));
  return result;
}

// The verbs; each is registered in inspect_verbs.cc.
void add_inspect_eventlog(Shell& shell, CLI::App& inspect);
void add_inspect_ima(Shell& shell, CLI::App& inspect);
void add_inspect_image(Shell& shell, CLI::App& inspect);
void add_inspect_module(Shell& shell, CLI::App& inspect);
void add_inspect_pe(Shell& shell, CLI::App& inspect);
void add_inspect_quote(Shell& shell, CLI::App& inspect);
void add_inspect_variables(Shell& shell, CLI::App& inspect);

}  // namespace slipway::cli
