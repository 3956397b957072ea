#include <cstdint>

#include "apps/slipway/query.h"
#include "base/bytes.h"

// What somebody types after --query: never anything but a query or a refusal with an offset, and a query ends on any
// value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const boost::json::value kValue = boost::json::parse(
      R"([{"name": "a", "n": 1, "list": [[1, 2], null, {"x": "y"}], "o": {"name": true}}, {"name": "b"}, [3], null])");
  const auto query = slipway::cli::Query::parse(slipway::as_text({data, size}));
  if (query) {
    static_cast<void>(query->apply(kValue));
    static_cast<void>(query->holds(kValue));
  } else if (query.error().message.find("at offset ") == std::string::npos) {
    __builtin_trap();
  }
  return 0;
}
