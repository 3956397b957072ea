#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"

// --query: the part of JMESPath (jmespath.org/specification.html) that scripts around az use.
//
//   a.b   a."b-c"      members                       [0]  [-1]        elements
//   []                 flattens, then each element   [*]              each element
//   [?a.b=='v']        the elements for which it holds; also != and a path alone; v is 'text' or `json`
//   .{x: a.b, y: c}    an object made of expressions  .[a, b]         an array of them
//   a | b              b of the whole of a            @               the value itself
//
// Slices, functions, wildcards of objects, other comparisons and &&, || and ! are refused by name with their position.
namespace slipway::cli {

struct QueryStep;

class Query {
 public:
  // At most 4096 bytes, 16 levels, and 64 times the value that it is applied to. kInvalidArgument: what stands at
  // which offset, and what is taken there.
  static Result<Query> parse(std::string_view text);

  // null where there is nothing; a projection leaves out elements that come to null, as JMESPath does.
  boost::json::value apply(const boost::json::value& value) const;
  // True if what it gives is something: not null, false, or an empty text, array or object.
  bool holds(const boost::json::value& value) const;

 private:
  std::vector<std::shared_ptr<const QueryStep>> steps_;

  friend class QueryParser;
};

// Both at once.
Result<boost::json::value> query(const boost::json::value& value, std::string_view text);

}  // namespace slipway::cli
