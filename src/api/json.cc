#include "api/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cmath>
#include <set>
#include <vector>

namespace slipway::api {
namespace {

namespace json = boost::json;

// Counts values and compares names; builds nothing. Boost.JSON's own parser keeps the last of two equal names, so that
// a body could mean one thing to a filter before us and another to us.
struct BodyChecker {
  static constexpr std::size_t max_object_size = kMaximumValues;
  static constexpr std::size_t max_array_size = kMaximumValues;
  static constexpr std::size_t max_key_size = 4096;
  static constexpr std::size_t max_string_size = kMaximumBody;

  std::vector<std::set<std::string, std::less<>>> names;
  std::string key;
  std::string problem;
  std::size_t values = 0;

  bool count(json::error_code& error) {
    if (++values <= kMaximumValues) return true;
    return refuse(fmt::format("it has more than {} values", kMaximumValues), error);
  }
  bool refuse(std::string text, json::error_code& error) {
    problem = std::move(text);
    error = json::error::exception;
    return false;
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& error) {
    names.emplace_back();
    return count(error);
  }
  bool on_object_end(std::size_t, json::error_code&) {
    names.pop_back();
    return true;
  }
  bool on_array_begin(json::error_code& error) { return count(error); }
  bool on_array_end(std::size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    key.append(part.data(), part.size());
    if (!names.back().insert(key).second) return refuse(fmt::format("it names '{}' twice in one object", key), error);
    key.clear();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, json::error_code& error) { return count(error); }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, json::error_code& error) { return count(error); }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code& error) { return count(error); }
  bool on_double(double value, json::string_view, json::error_code& error) {
    return std::isfinite(value) ? count(error) : refuse("it has a number beyond every double", error);
  }
  bool on_bool(bool, json::error_code& error) { return count(error); }
  bool on_null(json::error_code& error) { return count(error); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

json::parse_options strict_options() {
  json::parse_options options;
  options.max_depth = kMaximumDepth;
  return options;
}

tl::unexpected<Error> refuse_body(std::string_view problem) {
  return fail(ErrorCode::kMalformed,
              fmt::format("The request content was invalid and could not be deserialized: {}.", problem),
              "InvalidRequestContent");
}

}  // namespace

Result<json::object> parse_body(std::string_view body) {
  if (body.empty()) return json::object{};
  if (body.size() > kMaximumBody) return refuse_body(fmt::format("it is larger than {} bytes", kMaximumBody));
  json::basic_parser<BodyChecker> checker(strict_options());
  json::error_code error;
  const std::size_t read = checker.write_some(false, body.data(), body.size(), error);
  if (error) {
    const std::string& problem = checker.handler().problem;
    return refuse_body(fmt::format("{}, at byte {}", problem.empty() ? error.message() : problem, read));
  }
  const std::size_t rest = body.find_first_not_of(" \t\r\n", read);
  if (rest != std::string_view::npos) {
    return refuse_body(fmt::format("something follows its JSON value, at byte {}", rest));
  }
  json::value parsed = json::parse({body.data(), body.size()}, error, {}, strict_options());
  if (error) return refuse_body(error.message());
  if (!parsed.is_object()) return refuse_body("it is not a JSON object");
  return std::move(parsed.get_object());
}

Status allow_only(const json::object& object, std::initializer_list<std::string_view> known, std::string_view message) {
  for (const auto& [key, value] : object) {
    const std::string name(key);
    if (value.is_null() || std::find(known.begin(), known.end(), name) != known.end()) continue;
    return fail(ErrorCode::kInvalidArgument, fmt::format(fmt::runtime(message), name.substr(0, 200)),
                "InvalidParameter", name);
  }
  return {};
}

const json::value* Properties::find(std::string_view name) const {
  const json::value* const found = object_.if_contains({name.data(), name.size()});
  return found == nullptr || found->is_null() ? nullptr : found;
}

void Properties::reject(std::string_view name, std::string_view expected) {
  if (error_) return;
  const std::string target = path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
  error_ = Error{ErrorCode::kInvalidArgument, fmt::format("The property '{}' must be {}.", target, expected),
                 "InvalidParameter", target};
}

bool Properties::has(std::string_view name) const { return find(name) != nullptr; }

std::string Properties::text(std::string_view name, std::string fallback) {
  const json::value* const found = find(name);
  if (found == nullptr) return fallback;
  if (!found->is_string()) {
    reject(name, "text");
    return fallback;
  }
  return found->get_string().empty() ? fallback : std::string(found->get_string());
}

std::optional<int> Properties::number(std::string_view name) {
  const json::value* const found = find(name);
  if (found == nullptr) return {};
  if (!found->is_int64() || found->get_int64() < -1000000000 || found->get_int64() > 1000000000) {
    reject(name, "a whole number");
    return {};
  }
  return static_cast<int>(found->get_int64());
}

std::optional<bool> Properties::boolean(std::string_view name) {
  const json::value* const found = find(name);
  if (found == nullptr) return {};
  if (found->is_bool()) return found->get_bool();
  if (found->is_string() && found->get_string() == "true") return true;
  if (found->is_string() && found->get_string() == "false") return false;
  reject(name, "true or false");
  return {};
}

const json::object& Properties::object(std::string_view name) {
  static const json::object kEmpty;
  const json::value* const found = find(name);
  if (found == nullptr) return kEmpty;
  if (found->is_object()) return found->get_object();
  reject(name, "an object");
  return kEmpty;
}

const json::array& Properties::array(std::string_view name) {
  static const json::array kEmpty;
  const json::value* const found = find(name);
  if (found == nullptr) return kEmpty;
  if (found->is_array()) return found->get_array();
  reject(name, "a list");
  return kEmpty;
}

Status Properties::status() const {
  if (error_) return fail(*error_);
  return {};
}

}  // namespace slipway::api
