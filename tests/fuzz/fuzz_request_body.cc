#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <limits>

#include "api/json.h"

namespace {

namespace json = boost::json;

// Boost.JSON 1.81 reads a fraction to within a unit in the last place and writes it exactly; no property is a fraction.
bool same(const json::value& a, const json::value& b) {
  if (a.is_object() && b.is_object())
    return a.get_object().size() == b.get_object().size() &&
           std::ranges::all_of(a.get_object(), [&](const json::key_value_pair& member) {
             const json::value* const other = b.get_object().if_contains(member.key());
             return other != nullptr && same(member.value(), *other);
           });
  if (a.is_array() && b.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), same);
  if (a.is_double() && b.is_double())
    return a == b || std::abs(a.get_double() - b.get_double()) <=
                         std::max(1e-14 * std::abs(a.get_double()), std::numeric_limits<double>::min());
  return a == b;
}

}  // namespace

// A body that is let through is one object within the limits, and means the same to whoever reads it after us.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto parsed = api::parse_body(body);
  if (!parsed) {
    if (parsed.error().message.empty()) __builtin_trap();
    return 0;
  }
  if (size > api::kMaximumBody) __builtin_trap();
  const auto again = api::parse_body(boost::json::serialize(*parsed));
  if (!again || !same(*again, *parsed)) __builtin_trap();
  api::Properties properties(*parsed, "");
  for (const auto& member : *parsed) {
    const std::string name(member.key());
    static_cast<void>(properties.text(name));
    static_cast<void>(properties.number(name));
    static_cast<void>(properties.boolean(name));
    static_cast<void>(properties.object(name));
    static_cast<void>(properties.array(name));
  }
  static_cast<void>(properties.status());
  static_cast<void>(api::allow_only(*parsed, {"location"}, "no '{}'"));
  return 0;
}
