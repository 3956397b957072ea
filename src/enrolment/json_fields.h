#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace slipway::enrolment {

// Reads one JSON object key by key, strictly: each read removes its key, and finish() refuses what is left. Every
// failure is kMalformed with the key's name as target. Used by messages.cc alone.
class JsonFields {
 public:
  // `what` names the message in errors: "evidence request".
  static Result<JsonFields> parse(std::string_view json, std::size_t maximum_size, std::string_view what);

  Result<std::string> text(std::string_view key, std::size_t maximum_size);
  // Base64 of at most `maximum_size` bytes.
  Result<Bytes> bytes(std::string_view key, std::size_t maximum_size);
  Result<std::int64_t> integer(std::string_view key, std::int64_t minimum, std::int64_t maximum);
  Result<std::vector<int>> integers(std::string_view key, std::size_t maximum_count, int minimum, int maximum);
  // An object whose values are strings, in its order.
  Result<std::vector<std::pair<std::string, std::string>>> text_pairs(std::string_view key, std::size_t maximum_count,
                                                                      std::size_t maximum_size);
  bool has(std::string_view key) const;
  Status finish() const;

 private:
  JsonFields(boost::json::object object, std::string_view what) : object_(std::move(object)), what_(what) {}
  Result<boost::json::value> take(std::string_view key);
  tl::unexpected<Error> malformed(std::string_view key, std::string_view why) const;

  boost::json::object object_;
  std::string what_;
};

}  // namespace slipway::enrolment
