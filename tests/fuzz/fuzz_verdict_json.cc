#include "attestation/result_token.h"
#include "attestation/verdict.h"

// A verdict from a bundle or a server: what parses is written back to the same value, and any can be made into claims.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto verdict = attestation::verdict_from_json(as_text({data, size}));
  if (!verdict) return 0;
  const std::string json = attestation::to_json(*verdict);
  const auto again = attestation::verdict_from_json(json);
  if (!again || attestation::to_json(*again) != json) __builtin_trap();
  const attestation::TrustVector vector = attestation::trust_vector(*verdict);
  if (vector.empty()) __builtin_trap();
  static_cast<void>(attestation::result_claims(*verdict, {}));
  return 0;
}
