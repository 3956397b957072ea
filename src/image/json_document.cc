#include "image/json_document.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::image {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaximumDepth = 8;
constexpr std::string_view kSpace = " \t\r\n";

std::size_t skip_space(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kSpace, at), text.size());
}

// Behind the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

// Behind the value that begins at `at`.
std::size_t skip_value(std::string_view text, std::size_t at) {
  int depth = 0;
  do {
    at = skip_space(text, at);
    if (at == text.size()) return at;
    if (text[at] == '"') {
      at = skip_string(text, at);
    } else if (text[at] == '{' || text[at] == '[') {
      ++depth;
      ++at;
    } else if (text[at] == '}' || text[at] == ']') {
      --depth;
      ++at;
    } else if (text[at] == ',' || text[at] == ':') {
      ++at;
    } else {
      at = std::min(text.find_first_of(",:]} \t\r\n", at), text.size());
    }
  } while (depth > 0);
  return at;
}

// Where the value begins that is one too many; npos where there is none. A value costs time and memory however short it
// is, and no document of ours has one for each sixteen bytes of it beside its first four thousand.
std::size_t value_too_many(std::string_view text) {
  std::size_t left = 4096 + text.size() / 16;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      at = skip_string(text, at) - 1;
    } else if (text[at] == ',' && left-- == 0) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// Where the member or element of the object or array at `at` begins; npos where it has none of that name or number.
std::size_t find_child(std::string_view text, std::size_t at, std::string_view step) {
  std::size_t found = std::string_view::npos;
  const bool object = text[at] == '{';
  if (!object && text[at] != '[') return found;
  at = skip_space(text, at + 1);
  for (std::size_t index = 0; at < text.size() && text[at] != '}' && text[at] != ']'; ++index) {
    bool named = std::to_string(index) == step;
    if (object) {
      const std::size_t end = skip_string(text, at);
      named = text.substr(at + 1, end - at - 2) == step;
      at = skip_space(text, skip_space(text, end) + 1);  // behind the colon
    }
    if (named) found = at;
    at = skip_space(text, skip_value(text, at));
    if (at < text.size() && text[at] == ',') at = skip_space(text, at + 1);
  }
  return found;
}

}  // namespace

Result<JsonDocument> parse_json_document(std::string_view text, std::size_t maximum, std::string_view name) {
  if (text.size() > maximum)
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected the end of {}, which has at most {} bytes",
                                                   maximum, name, maximum));
  if (const std::size_t at = value_too_many(text); at != std::string_view::npos)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: {} has more values than such a document can have", at, name));
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaximumDepth;
  json::stream_parser parser({}, options);
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && read < text.size())
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected the end of {}, but it goes on", read, name));
  if (!error) parser.finish(error);
  if (error)
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: {} is not JSON: {}", read, name, error.message()));
  return JsonDocument{parser.release(), text};
}

std::size_t offset_in_json(std::string_view text, std::string_view path) {
  std::size_t at = skip_space(text, 0);
  while (!path.empty() && at < text.size()) {
    path.remove_prefix(1);
    const std::string_view step = path.substr(0, path.find('/'));
    path.remove_prefix(step.size());
    const std::size_t child = find_child(text, at, step);
    if (child == std::string_view::npos) break;
    at = child;
  }
  return at;
}

}  // namespace slipway::image
