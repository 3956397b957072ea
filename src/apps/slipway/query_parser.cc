#include "apps/slipway/query_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace slipway::cli {
namespace {

namespace json = boost::json;
using Kind = QueryStep::Kind;

constexpr std::size_t kLongest = 4096;
constexpr int kDeepest = 16;
// [@, @].[@, @]... doubles what it is given every six bytes.
constexpr std::size_t kMostCopies = 64;
constexpr std::size_t kShown = 40;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

std::shared_ptr<const QueryStep> step_of(Kind kind) {
  QueryStep step;
  step.kind = kind;
  return std::make_shared<const QueryStep>(std::move(step));
}

// At most kMostCopies + 1, which stands for everything above.
std::size_t copies_of(const QuerySteps& steps) {
  std::size_t copies = 1;
  for (const auto& step : steps) copies = std::min(copies * step->copies, kMostCopies + 1);
  return copies;
}

}  // namespace

Result<Query> QueryParser::parse() {
  if (text_.size() > kLongest) return refuse(fmt::format("a query of more than {} bytes", kLongest));
  SLIPWAY_ASSIGN(QuerySteps steps, expression(0));
  if (at_ < text_.size()) return refuse_here();
  Query query;
  query.steps_ = std::move(steps);
  return query;
}

tl::unexpected<Error> QueryParser::refuse(std::string_view what) const {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("at offset {}: {} is more than slipway takes, which is a.b, a.\"b\", [N], [], [*], "
                          "[?a=='v'], {{x: a}}, [a, b] and |; take the JSON and use jq for the rest",
                          at_, what));
}

// What stands here, by name where it has one.
tl::unexpected<Error> QueryParser::refuse_here() const {
  const std::string_view rest = text_.substr(std::min(at_, text_.size()));
  if (rest.empty())
    return fail(ErrorCode::kInvalidArgument, fmt::format("at offset {}: the query ends where more is needed", at_));
  for (const std::string_view mark : {"&&", "||", "<=", ">=", "<", ">", "!=", "==", "!", "&"})
    if (rest.starts_with(mark)) return refuse(fmt::format("the operator '{}' in this place", mark));
  if (rest.front() == '*') return refuse("the wildcard '*' of an object");
  if (rest.front() == ':') return refuse("the slice ':'");
  if (rest.front() == '(') return refuse("a function or a parenthesis");
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("at offset {}: '{}' is not expected", at_, rest.substr(0, kShown)));
}

void QueryParser::skip_space() {
  while (peek() == ' ' || peek() == '\t' || peek() == '\n') ++at_;
}

bool QueryParser::at_name() const { return is_name_start(peek()) || peek() == '"'; }

bool QueryParser::take(std::string_view mark) {
  skip_space();
  if (!text_.substr(at_).starts_with(mark)) return false;
  at_ += mark.size();
  return true;
}

Status QueryParser::expect(char mark) {
  skip_space();
  if (peek() != mark) return refuse_here();
  ++at_;
  return {};
}

Result<std::string> QueryParser::quoted_name() {
  const std::size_t start = at_;
  std::size_t end = at_ + 1;
  while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2U : 1U;
  if (end >= text_.size())
    return fail(ErrorCode::kInvalidArgument, fmt::format("at offset {}: the quote is never closed", start));
  json::error_code error;
  const json::value value = json::parse(text_.substr(start, end + 1 - start), error);
  if (error || !value.is_string())
    return fail(ErrorCode::kInvalidArgument, fmt::format("at offset {}: the quoted name is no JSON string", start));
  at_ = end + 1;
  return std::string(value.get_string());
}

Result<std::string> QueryParser::name() {
  if (peek() == '"') return quoted_name();
  const std::size_t start = at_;
  if (!is_name_start(peek())) return refuse_here();
  while (is_name_part(peek())) ++at_;
  std::string found(text_.substr(start, at_ - start));
  if (peek() == '(') {
    at_ = start;
    return refuse(fmt::format("the function {}()", found));
  }
  if (peek() == '-')
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("at offset {}: a name with '-' stands in double quotes: \"{}-...\"", start, found));
  return found;
}

Result<json::value> QueryParser::literal() {
  const char quote = peek();
  const std::size_t start = at_;
  const std::size_t end = text_.find(quote, at_ + 1);
  if (end == std::string_view::npos)
    return fail(ErrorCode::kInvalidArgument, fmt::format("at offset {}: the quote is never closed", start));
  const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
  at_ = end + 1;
  if (quote == '\'') return json::value(json::string(inside));
  json::error_code error;
  json::value value = json::parse(inside, error);
  if (error)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("at offset {}: what stands between backticks is no JSON", start));
  return value;
}

Result<QuerySteps> QueryParser::expression(int depth) {
  if (depth > kDeepest) return refuse(fmt::format("a query of more than {} levels", kDeepest));
  QuerySteps steps;
  SLIPWAY_TRY(first(steps, depth));
  for (;;) {
    skip_space();
    if (peek() == '.') {
      ++at_;
      SLIPWAY_TRY(dotted(steps, depth));
    } else if (peek() == '[') {
      SLIPWAY_TRY(bracket(steps, depth));
    } else if (peek() == '|' && !text_.substr(at_).starts_with("||")) {
      ++at_;
      steps.push_back(step_of(Kind::kPipe));
      SLIPWAY_TRY(first(steps, depth));
    } else {
      break;
    }
  }
  if (copies_of(steps) > kMostCopies)
    return refuse(fmt::format("a query that makes more than {} of one value", kMostCopies));
  return steps;
}

// The beginning of an expression, and what stands behind a pipe: no dot before it.
Status QueryParser::first(QuerySteps& steps, int depth) {
  skip_space();
  if (take("@")) return {};
  if (peek() == '{') return object(steps, depth);
  if (peek() != '[') return dotted(steps, depth);
  // "[" begins an element, a projection or an array of expressions.
  std::size_t next = at_ + 1;
  while (next < text_.size() && text_[next] == ' ') ++next;
  const bool is_array = next < text_.size() && (is_name_start(text_[next]) || text_[next] == '"' || text_[next] == '@');
  return is_array ? array(steps, depth) : bracket(steps, depth);
}

Status QueryParser::dotted(QuerySteps& steps, int depth) {
  skip_space();
  if (peek() == '{') return object(steps, depth);
  if (peek() == '[') return array(steps, depth);
  if (!at_name()) return refuse_here();
  QueryStep step;
  SLIPWAY_ASSIGN(step.name, name());
  steps.push_back(std::make_shared<const QueryStep>(std::move(step)));
  return {};
}

Status QueryParser::bracket(QuerySteps& steps, int depth) {
  ++at_;
  if (take("]")) {
    steps.push_back(step_of(Kind::kFlatten));
    return {};
  }
  if (take("?")) return filter(steps, depth);
  if (take("*")) {
    steps.push_back(step_of(Kind::kEach));
    return expect(']');
  }
  return index(steps);
}

Status QueryParser::index(QuerySteps& steps) {
  QueryStep step;
  step.kind = Kind::kIndex;
  const std::string_view rest = text_.substr(at_);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), step.index);
  if (error != std::errc()) return refuse_here();
  at_ += static_cast<std::size_t>(end - rest.data());
  steps.push_back(std::make_shared<const QueryStep>(std::move(step)));
  return expect(']');
}

Status QueryParser::filter(QuerySteps& steps, int depth) {
  QueryStep step;
  step.kind = Kind::kFilter;
  SLIPWAY_ASSIGN(step.left, expression(depth + 1));
  if (take("=="))
    step.comparison = QueryStep::Comparison::kEqual;
  else if (take("!="))
    step.comparison = QueryStep::Comparison::kDifferent;
  if (step.comparison != QueryStep::Comparison::kTruth) {
    skip_space();
    step.right_is_literal = peek() == '\'' || peek() == '`';
    if (step.right_is_literal) {
      SLIPWAY_ASSIGN(step.literal, literal());
    } else {
      SLIPWAY_ASSIGN(step.right, expression(depth + 1));
    }
  }
  SLIPWAY_TRY(expect(']'));
  step.copies = std::max(copies_of(step.left), copies_of(step.right));
  steps.push_back(std::make_shared<const QueryStep>(std::move(step)));
  return {};
}

Status QueryParser::object(QuerySteps& steps, int depth) {
  QueryStep step;
  step.kind = Kind::kObject;
  step.copies = 0;
  SLIPWAY_TRY(expect('{'));
  do {
    skip_space();
    SLIPWAY_ASSIGN(std::string key, name());
    SLIPWAY_TRY(expect(':'));
    SLIPWAY_ASSIGN(QuerySteps part, expression(depth + 1));
    step.copies += copies_of(part);
    step.parts.emplace_back(std::move(key), std::move(part));
  } while (take(","));
  SLIPWAY_TRY(expect('}'));
  steps.push_back(std::make_shared<const QueryStep>(std::move(step)));
  return {};
}

Status QueryParser::array(QuerySteps& steps, int depth) {
  QueryStep step;
  step.kind = Kind::kArray;
  step.copies = 0;
  SLIPWAY_TRY(expect('['));
  do {
    SLIPWAY_ASSIGN(QuerySteps part, expression(depth + 1));
    step.copies += copies_of(part);
    step.parts.emplace_back(std::string(), std::move(part));
  } while (take(","));
  SLIPWAY_TRY(expect(']'));
  steps.push_back(std::make_shared<const QueryStep>(std::move(step)));
  return {};
}

}  // namespace slipway::cli
