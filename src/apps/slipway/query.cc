#include "apps/slipway/query.h"

#include "apps/slipway/query_parser.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using Kind = QueryStep::Kind;

json::value run(const QuerySteps& steps, const json::value& start);

bool is_true(const json::value& value) {
  if (value.is_null()) return false;
  if (value.is_bool()) return value.get_bool();
  if (value.is_string()) return !value.get_string().empty();
  if (value.is_array()) return !value.get_array().empty();
  if (value.is_object()) return !value.get_object().empty();
  return true;
}

bool holds(const QueryStep& filter, const json::value& element) {
  const json::value left = run(filter.left, element);
  if (filter.comparison == QueryStep::Comparison::kTruth) return is_true(left);
  const json::value right = filter.right_is_literal ? filter.literal : run(filter.right, element);
  return (left == right) == (filter.comparison == QueryStep::Comparison::kEqual);
}

json::value element_at(const json::array& array, int index) {
  const auto size = static_cast<std::int64_t>(array.size());
  const std::int64_t at = index < 0 ? size + index : index;
  return at >= 0 && at < size ? array[static_cast<std::size_t>(at)] : json::value(nullptr);
}

json::value flattened(const json::array& array) {
  json::array flat;
  for (const json::value& element : array) {
    if (element.is_array())
      flat.insert(flat.end(), element.get_array().begin(), element.get_array().end());
    else
      flat.push_back(element);
  }
  return flat;
}

json::value filtered(const QueryStep& step, const json::array& array) {
  json::array kept;
  for (const json::value& element : array)
    if (holds(step, element)) kept.push_back(element);
  return kept;
}

json::value composed(const QueryStep& step, const json::value& value) {
  if (value.is_null()) return nullptr;
  if (step.kind == Kind::kArray) {
    json::array array;
    for (const auto& [name, part] : step.parts) array.push_back(run(part, value));
    return array;
  }
  json::object object;
  for (const auto& [name, part] : step.parts) object[name] = run(part, value);
  return object;
}

json::value apply_to_one(const QueryStep& step, const json::value& value) {
  switch (step.kind) {
    case Kind::kMember: {
      const json::value* found = value.is_object() ? value.get_object().if_contains(step.name) : nullptr;
      return found == nullptr ? json::value(nullptr) : *found;
    }
    case Kind::kIndex:
      return value.is_array() ? element_at(value.get_array(), step.index) : json::value(nullptr);
    case Kind::kFlatten:
      return value.is_array() ? flattened(value.get_array()) : json::value(nullptr);
    case Kind::kEach:
      return value.is_array() ? value : json::value(nullptr);
    case Kind::kFilter:
      return value.is_array() ? filtered(step, value.get_array()) : json::value(nullptr);
    case Kind::kObject:
    case Kind::kArray:
      return composed(step, value);
    case Kind::kPipe:
      break;
  }
  return value;
}

// `levels` arrays deep, each element by itself; what comes to null is left out.
json::value apply_at(const QueryStep& step, const json::value& value, int levels) {
  if (levels == 0) return apply_to_one(step, value);
  if (!value.is_array()) return nullptr;
  json::array results;
  for (const json::value& element : value.get_array())
    if (json::value result = apply_at(step, element, levels - 1); !result.is_null())
      results.push_back(std::move(result));
  return results;
}

json::value without_nulls(json::value value, int levels) {
  if (levels == 0 || !value.is_array()) return value;
  json::array kept;
  for (json::value& element : value.get_array())
    if (json::value inner = without_nulls(std::move(element), levels - 1); !inner.is_null())
      kept.push_back(std::move(inner));
  return kept;
}

json::value run(const QuerySteps& steps, const json::value& start) {
  json::value value = start;
  int levels = 0;  // of projection: how many arrays deep the next step works
  for (const auto& step : steps) {
    if (step->kind == Kind::kPipe) {
      value = without_nulls(std::move(value), levels);
      levels = 0;
      continue;
    }
    if (step->kind == Kind::kFlatten) {
      // It ends the projections before it, and begins one.
      value = apply_to_one(*step, without_nulls(std::move(value), levels));
      levels = 1;
      continue;
    }
    value = apply_at(*step, value, levels);
    if (step->kind == Kind::kEach || step->kind == Kind::kFilter) ++levels;
  }
  return without_nulls(std::move(value), levels);
}

}  // namespace

Result<Query> Query::parse(std::string_view text) { return QueryParser(text).parse(); }

json::value Query::apply(const json::value& value) const { return run(steps_, value); }

bool Query::holds(const json::value& value) const { return is_true(apply(value)); }

Result<json::value> query(const json::value& value, std::string_view text) {
  SLIPWAY_ASSIGN(const Query parsed, Query::parse(text));
  return parsed.apply(value);
}

}  // namespace slipway::cli
