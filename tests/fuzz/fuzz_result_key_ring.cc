#include <algorithm>

#include "attestation/result_token.h"

// The file of the keys that sign attestation results. No key is met by chance, so '@' in the input stands for one.
namespace {

using namespace slipway;

constexpr std::size_t kMaximumStandIns = 32;  // no document has so many keys

std::string with_keys(std::string_view input, const std::string& pem) {
  std::string json;
  std::size_t left = kMaximumStandIns;
  for (const char character : input) {
    if (character != '@' || left == 0) {
      json += character;
      continue;
    }
    --left;
    for (const char each : pem) json += each == '\n' ? std::string("\\n") : std::string(1, each);
  }
  return json;
}

bool sign_in_order(const std::vector<attestation::ResultKey>& keys) {
  return std::is_sorted(keys.begin(), keys.end(),
                        [](const auto& left, const auto& right) { return left.signs_from < right.signs_from; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string pem = crypto::PrivateKey::generate_p256().pem();
  const auto ring = attestation::result_key_ring_from_json(with_keys(as_text({data, size}), pem));
  if (!ring) return 0;
  const std::string json = attestation::to_json(*ring);
  const auto again = attestation::result_key_ring_from_json(json);
  if (!again || attestation::to_json(*again) != json) __builtin_trap();
  if (!sign_in_order(ring->keys())) __builtin_trap();
  const auto set = ring->key_set();
  if (!set || set->find("PRIVATE") != std::string::npos) __builtin_trap();
  for (const attestation::ResultKey& key : ring->keys()) {
    const auto signing = ring->signing_key(key.signs_from);
    if (!signing || (*signing)->signs_from != key.signs_from) __builtin_trap();
  }
  return 0;
}
