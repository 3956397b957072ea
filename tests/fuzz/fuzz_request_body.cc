#include <boost/json.hpp>

#include "api/json.h"

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
  if (!again || *again != *parsed) __builtin_trap();
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
