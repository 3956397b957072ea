#include "enrolment/json_fields.h"

#include <fmt/core.h>

#include <boost/json/parse.hpp>

#include "base/text.h"
#include "enrolment/refusal.h"

namespace slipway::enrolment {
namespace {

constexpr std::size_t kMaximumDepth = 4;
// More keys than any message has: what comes from outside is quoted in errors only up to here.
constexpr std::size_t kMaximumQuotedKey = 40;

tl::unexpected<Error> malformed_message(std::string message, std::string_view key) {
  return fail(ErrorCode::kMalformed, std::move(message), std::string(refusal::kMalformedMessage), std::string(key));
}

}  // namespace

Result<JsonFields> JsonFields::parse(std::string_view json, std::size_t maximum_size, std::string_view what) {
  if (json.size() > maximum_size) {
    return malformed_message(
        fmt::format("The {} has {} bytes, and at most {} are read.", what, json.size(), maximum_size), "");
  }
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = kMaximumDepth;
  boost::json::value value = boost::json::parse({json.data(), json.size()}, error, {}, options);
  if (error) return malformed_message(fmt::format("The {} is not JSON: {}.", what, error.message()), "");
  if (!value.is_object()) return malformed_message(fmt::format("The {} is not a JSON object.", what), "");
  return JsonFields(std::move(value.get_object()), what);
}

tl::unexpected<Error> JsonFields::malformed(std::string_view key, std::string_view why) const {
  const std::string shown = printable(key, kMaximumQuotedKey);
  return malformed_message(fmt::format("\"{}\" of the {} {}.", shown, what_, why), shown);
}

bool JsonFields::has(std::string_view key) const { return object_.contains({key.data(), key.size()}); }

Result<boost::json::value> JsonFields::take(std::string_view key) {
  const auto found = object_.find({key.data(), key.size()});
  if (found == object_.end()) return malformed(key, "is missing");
  boost::json::value value = std::move(found->value());
  object_.erase(found);
  return value;
}

Result<std::string> JsonFields::text(std::string_view key, std::size_t maximum_size) {
  SLIPWAY_ASSIGN(const boost::json::value value, take(key));
  const boost::json::string* text = value.if_string();
  if (text == nullptr) return malformed(key, "is not a string");
  if (text->size() > maximum_size) return malformed(key, fmt::format("is longer than {} characters", maximum_size));
  return std::string(text->data(), text->size());
}

Result<Bytes> JsonFields::bytes(std::string_view key, std::size_t maximum_size) {
  SLIPWAY_ASSIGN(const std::string encoded, text(key, (maximum_size + 2) / 3 * 4));
  auto decoded = from_base64(encoded);
  if (!decoded) return malformed(key, "is not base64");
  if (decoded->size() > maximum_size) return malformed(key, fmt::format("is longer than {} bytes", maximum_size));
  return std::move(*decoded);
}

Result<std::int64_t> JsonFields::integer(std::string_view key, std::int64_t minimum, std::int64_t maximum) {
  SLIPWAY_ASSIGN(const boost::json::value value, take(key));
  const std::int64_t* number = value.if_int64();
  if (number == nullptr || *number < minimum || *number > maximum) {
    return malformed(key, fmt::format("is not an integer from {} to {}", minimum, maximum));
  }
  return *number;
}

Result<std::vector<int>> JsonFields::integers(std::string_view key, std::size_t maximum_count, int minimum,
                                              int maximum) {
  SLIPWAY_ASSIGN(const boost::json::value value, take(key));
  const boost::json::array* array = value.if_array();
  if (array == nullptr || array->size() > maximum_count) {
    return malformed(key, fmt::format("is not an array of at most {} integers", maximum_count));
  }
  std::vector<int> numbers;
  for (const boost::json::value& element : *array) {
    const std::int64_t* number = element.if_int64();
    if (number == nullptr || *number < minimum || *number > maximum) {
      return malformed(key, fmt::format("has an element that is not an integer from {} to {}", minimum, maximum));
    }
    numbers.push_back(static_cast<int>(*number));
  }
  return numbers;
}

Result<std::vector<std::pair<std::string, std::string>>> JsonFields::text_pairs(std::string_view key,
                                                                                std::size_t maximum_count,
                                                                                std::size_t maximum_size) {
  SLIPWAY_ASSIGN(const boost::json::value value, take(key));
  const boost::json::object* object = value.if_object();
  if (object == nullptr || object->size() > maximum_count) {
    return malformed(key, fmt::format("is not an object of at most {} strings", maximum_count));
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, element] : *object) {
    const boost::json::string* text = element.if_string();
    if (text == nullptr || text->size() > maximum_size || name.size() > maximum_size) {
      return malformed(key, fmt::format("has a value that is not a string of at most {} characters", maximum_size));
    }
    pairs.emplace_back(std::string(name.data(), name.size()), std::string(text->data(), text->size()));
  }
  return pairs;
}

Status JsonFields::finish() const {
  if (object_.empty()) return {};
  const auto key = object_.begin()->key();
  return malformed({key.data(), key.size()}, "is not a key of it");
}

}  // namespace slipway::enrolment
