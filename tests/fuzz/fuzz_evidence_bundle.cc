#include "attestation/endorsement.h"
#include "attestation/evidence_bundle.h"

// A bundle from anybody: what parses is written back to the same value, and appraising it gives the same bytes twice.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto bundle = attestation::bundle_from_json(as_text({data, size}));
  if (!bundle) {
    if (bundle.error().message.find("at byte ") != 0) __builtin_trap();
    return 0;
  }
  const std::string json = attestation::to_json(*bundle);
  const auto again = attestation::bundle_from_json(json);
  if (!again || attestation::to_json(*again) != json) __builtin_trap();
  static_cast<void>(attestation::check_endorsement(*bundle, nullptr));
  const auto first = attestation::appraise_again(*bundle);
  const auto second = attestation::appraise_again(*again);
  if (first.has_value() != second.has_value()) __builtin_trap();
  if (first && attestation::to_json(*first) != attestation::to_json(*second)) __builtin_trap();
  return 0;
}
