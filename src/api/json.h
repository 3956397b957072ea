#pragma once

#include <boost/json.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::api {

inline constexpr std::size_t kMaximumBody = 1U << 20;
inline constexpr std::size_t kMaximumDepth = 24;
inline constexpr std::size_t kMaximumValues = 20000;

// A request's body: one JSON object within the limits above, no name twice in one object, no number beyond a double.
// kMalformed otherwise, saying what is wrong and at which byte; an empty body is an empty object.
Result<boost::json::object> parse_body(std::string_view body);

// kInvalidArgument, with `message` for people ("{}" stands for the name), for the first property that is not in
// `known`: it would not be kept, and nothing is dropped in silence. Null is as good as absent.
Status allow_only(const boost::json::object& object, std::initializer_list<std::string_view> known,
                  std::string_view message);

// Reads properties of one object, and remembers the first that has the wrong type. `path` names the object in targets:
// "properties.securityProfile". An absent property, null and, for text, "" leave the default: clients send all three
// for "the server decides".
class Properties {
 public:
  Properties(const boost::json::object& object, std::string path) : object_(object), path_(std::move(path)) {}

  bool has(std::string_view name) const;
  std::string text(std::string_view name, std::string fallback = {});
  std::optional<int> number(std::string_view name);
  // Templates write booleans as "true" and "false" too.
  std::optional<bool> boolean(std::string_view name);
  // An empty object where there is none.
  const boost::json::object& object(std::string_view name);
  const boost::json::array& array(std::string_view name);
  // kInvalidArgument with the property as target, if one had the wrong type.
  Status status() const;

 private:
  const boost::json::value* find(std::string_view name) const;
  void reject(std::string_view name, std::string_view expected);

  const boost::json::object& object_;
  std::string path_;
  std::optional<Error> error_;
};

}  // namespace slipway::api
