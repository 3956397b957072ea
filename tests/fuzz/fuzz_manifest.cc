#include "attestation/verdict.h"
#include "image/manifest.h"

// Manifest and verdict as JSON: what parses is written back to the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const std::string_view text = as_text({data, size});
  if (const auto manifest = image::manifest_from_json(text)) {
    const std::string json = image::to_json(*manifest);
    const auto again = image::manifest_from_json(json);
    if (!again || image::to_json(*again) != json) __builtin_trap();
  }
  if (const auto verdict = attestation::verdict_from_json(text)) {
    const std::string json = attestation::to_json(*verdict);
    const auto again = attestation::verdict_from_json(json);
    if (!again || attestation::to_json(*again) != json) __builtin_trap();
  }
  return 0;
}
