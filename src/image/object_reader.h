#pragma once

#include <fmt/format.h>

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace slipway::image {

// Reads one JSON object strictly: each key is taken once, a missing key or another type is kMalformed with the object's
// and the key's name, and finish() refuses keys that nobody took. Does not own the object.
class ObjectReader {
 public:
  // `name` says in error messages what the object is: "boot file 2 of the manifest".
  static Result<ObjectReader> open(const boost::json::value& value, std::string name);

  // True if there is such a key: for those that a document may leave out.
  bool has(std::string_view key) const { return object_->contains(key); }
  Result<const boost::json::value*> take(std::string_view key);
  Result<std::string> text(std::string_view key);
  Result<bool> boolean(std::string_view key);
  // Whole numbers alone: 1.0 is refused.
  Result<std::uint64_t> number(std::string_view key);
  Result<std::int64_t> signed_number(std::string_view key);
  Result<const boost::json::array*> array(std::string_view key);
  Result<std::vector<std::string>> texts(std::string_view key);
  // 64 hexadecimal digits.
  Result<Bytes> digest(std::string_view key);
  Result<std::vector<Bytes>> digests(std::string_view key);
  Status finish() const;

  // The error of a key whose value is not what it must be: "... is not `expected`".
  tl::unexpected<Error> wrong(std::string_view key, std::string_view expected) const;

 private:
  ObjectReader(const boost::json::object& object, std::string name) : object_(&object), name_(std::move(name)) {}
  const boost::json::object* object_;
  std::string name_;
  std::size_t taken_ = 0;
};

}  // namespace slipway::image
