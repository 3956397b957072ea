#pragma once

#include <fmt/format.h>

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "image/json_document.h"

namespace slipway::image {

// Reads one JSON object strictly: each key is taken once, a missing key or another type is kMalformed with the offset
// in the document, the object's name and the key's, and finish() refuses keys that nobody took. Owns neither the object
// nor the document, which must outlive it.
class ObjectReader {
 public:
  // The document's own object. `name` says in error messages what it is: "the image manifest".
  static Result<ObjectReader> open(const JsonDocument& document, std::string name);
  // An element of the array that is the member `key` of this object: "boot file 2 of the manifest".
  Result<ObjectReader> element(std::string_view key, std::size_t index, const boost::json::value& value,
                               std::string name) const;

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

  // The error of a key whose value is not what it must be: "at offset N: ... is not `expected`".
  tl::unexpected<Error> wrong(std::string_view key, std::string_view expected) const;
  // An error of the object as a whole: "at offset N: <name> <message>".
  tl::unexpected<Error> malformed(std::string_view message) const;

 private:
  ObjectReader(const boost::json::object& object, std::string name, std::string_view text, std::string path)
      : object_(&object), name_(std::move(name)), text_(text), path_(std::move(path)) {}
  static Result<ObjectReader> open(const boost::json::value& value, std::string name, std::string_view text,
                                   std::string path);

  const boost::json::object* object_;
  std::string name_;
  std::string_view text_;  // of the document
  std::string path_;       // of this object in it, as in offset_in_json
  std::size_t taken_ = 0;
};

}  // namespace slipway::image
