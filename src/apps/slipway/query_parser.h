#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/slipway/query.h"

// What a query is made of once it is read, and the reading; query.cc applies it.
namespace slipway::cli {

using QuerySteps = std::vector<std::shared_ptr<const QueryStep>>;

struct QueryStep {
  enum class Kind { kMember, kIndex, kFlatten, kEach, kFilter, kObject, kArray, kPipe };
  enum class Comparison { kTruth, kEqual, kDifferent };

  Kind kind = Kind::kMember;
  std::string name;  // kMember
  int index = 0;     // kIndex; from the end if negative
  // kFilter: left, and for a comparison the literal or the path on its right.
  Comparison comparison = Comparison::kTruth;
  QuerySteps left, right;
  bool right_is_literal = false;
  boost::json::value literal;
  std::vector<std::pair<std::string, QuerySteps>> parts;  // kObject, kArray (without names)
  // How many times over it may work through, or give, what it is given.
  std::size_t copies = 1;
};

class QueryParser {
 public:
  explicit QueryParser(std::string_view text) : text_(text) {}
  Result<Query> parse();

 private:
  Result<QuerySteps> expression(int depth);
  Status first(QuerySteps& steps, int depth);
  Status dotted(QuerySteps& steps, int depth);
  Status bracket(QuerySteps& steps, int depth);
  Status filter(QuerySteps& steps, int depth);
  Status object(QuerySteps& steps, int depth);
  Status array(QuerySteps& steps, int depth);
  Status index(QuerySteps& steps);
  Result<std::string> name();
  Result<std::string> quoted_name();
  Result<boost::json::value> literal();
  void skip_space();
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool at_name() const;
  bool take(std::string_view mark);
  Status expect(char mark);
  tl::unexpected<Error> refuse(std::string_view what) const;
  tl::unexpected<Error> refuse_here() const;

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace slipway::cli
