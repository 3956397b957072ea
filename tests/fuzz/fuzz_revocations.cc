#include <algorithm>

#include "attestation/references.h"

// A dbx file, bare or as it is published for an update.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto revocations = attestation::revocations_from_dbx({data, size});
  if (!revocations) return 0;
  for (const auto* digests : {&revocations->image_sha256, &revocations->certificate_sha256})
    for (const Bytes& digest : *digests)
      if (digest.size() != 32) __builtin_trap();
  if (!std::is_sorted(revocations->image_sha256.begin(), revocations->image_sha256.end())) __builtin_trap();
  return 0;
}
