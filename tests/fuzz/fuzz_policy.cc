#include "attestation/policy.h"
#include "base/bytes.h"

// A policy is written by people: what parses is written back to the same value, and never relaxes what no policy may.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto policy = attestation::policy_from_json(as_text({data, size}));
  if (!policy) {
    if (policy.error().message.find("at byte ") != 0) __builtin_trap();
    return 0;
  }
  const std::string json = attestation::to_json(*policy);
  const auto again = attestation::policy_from_json(json);
  if (!again || attestation::to_json(*again) != json) __builtin_trap();
  if (policy->allowed_programs.allows("/usr/bin/../../tmp/x") || policy->allowed_programs.allows("")) __builtin_trap();
  return 0;
}
