#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::api {

// One condition of a $filter: "state eq 'a'" is {"state","eq","a"}; "startswith(name,'a')" {"name","startswith","a"};
// "names/any(x:x eq 'a')" {"names","any","a"}; "assignedTo('a')" {"assignedTo","call","a"}; "atScope()" the same with
// "".
struct FilterTerm {
  std::string name, comparison, value;
};

inline constexpr std::size_t kMaximumFilter = 4096;

// The part of OData's $filter that clients of this API send: conditions of the forms above, joined by "and". eq, ge and
// le compare. kInvalidArgument, with the byte at which it stopped to be one, for anything else; what a condition's name
// means is the caller's to judge. Empty text has no conditions.
Result<std::vector<FilterTerm>> parse_filter(std::string_view filter);

// kInvalidArgument for a condition that a collection does not know, naming it.
tl::unexpected<Error> unknown_filter(const FilterTerm& term);

}  // namespace slipway::api
