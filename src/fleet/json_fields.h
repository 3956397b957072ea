#pragma once

#include <boost/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/text.h"
#include "base/time.h"
#include "fleet/types.h"

// One list of fields for both directions: `fields(visit, record)` names each member once, a FieldWriter or a
// FieldReader walks over it. Reading is strict: a missing key, an unknown key or a wrong type is kMalformed with the
// key's name. JSON that is not UTF-8 is read with U+FFFD in the place of what is not.
namespace slipway::fleet {

class FieldWriter {
 public:
  // What is not UTF-8 stands as U+FFFD: a document that is written can be read.
  void operator()(std::string_view name, const std::string& value) {
    put(name, boost::json::string(valid_utf8(value)));
  }
  void operator()(std::string_view name, int value) { put(name, value); }
  void operator()(std::string_view name, bool value) { put(name, value); }
  void operator()(std::string_view name, const Bytes& value) { put(name, boost::json::string(to_base64(value))); }
  void operator()(std::string_view name, Time value) { put(name, boost::json::string(to_rfc3339(value))); }
  void operator()(std::string_view name, const std::optional<Time>& value) {
    value ? (*this)(name, *value) : put(name, nullptr);
  }
  void operator()(std::string_view name, ProvisioningState value) { put(name, boost::json::string(to_string(value))); }
  void operator()(std::string_view name, NodePhase value) { put(name, boost::json::string(to_string(value))); }

  std::string text() const { return boost::json::serialize(object_); }

 private:
  void put(std::string_view name, boost::json::value value) { object_[name] = std::move(value); }
  boost::json::object object_;
};

class FieldReader {
 public:
  // `noun` names the record in error messages: "cluster".
  FieldReader(std::string_view noun, std::string_view json);

  void operator()(std::string_view name, std::string& value);
  void operator()(std::string_view name, int& value);
  void operator()(std::string_view name, bool& value);
  void operator()(std::string_view name, Bytes& value);
  // A list of texts.
  void operator()(std::string_view name, std::vector<std::string>& value);
  void operator()(std::string_view name, Time& value);
  void operator()(std::string_view name, std::optional<Time>& value);
  void operator()(std::string_view name, ProvisioningState& value);
  void operator()(std::string_view name, NodePhase& value);

  // The first thing that was wrong, or kMalformed if a key was in the text that no field asked for.
  Status finish() const;

 private:
  // Null once something was wrong.
  const boost::json::value* take(std::string_view name);
  const std::string* take_text(std::string_view name);
  void reject(std::string_view name, std::string_view expected);

  std::string noun_;
  boost::json::object object_;
  std::set<std::string, std::less<>> seen_;
  std::optional<Error> error_;
  std::string text_;
};

}  // namespace slipway::fleet
