#include "attestation/evidence_bundle.h"

// What was kept of a TPM: what parses is written back to the same value, and shows no TPM that went back behind itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto sighting = attestation::sighting_from_json(as_text({data, size}));
  if (!sighting) {
    if (sighting.error().message.find("at byte ") != 0) __builtin_trap();
    return 0;
  }
  const std::string json = attestation::to_json(*sighting);
  const auto again = attestation::sighting_from_json(json);
  if (!again || attestation::to_json(*again) != json) __builtin_trap();
  for (const bool host_restarted : {false, true})
    if (!attestation::judge_continuity(*sighting, *again, host_restarted).findings.empty()) __builtin_trap();
  return 0;
}
