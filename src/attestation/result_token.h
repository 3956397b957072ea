#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/verdict.h"
#include "base/bytes.h"
#include "base/time.h"
#include "crypto/key.h"

// The result of an appraisal for others: an Entity Attestation Token (RFC 9711) as a JWT, with the trustworthiness
// vector of "Attestation Results for Secure Interactions" (draft-ietf-rats-ar4si) under the names that "EAT Attestation
// Results" (draft-ietf-rats-ear) gives them. docs/formats/attestation-result.md is its profile.
namespace slipway::attestation {

// Trustworthiness claims by name, draft-ietf-rats-ar4si, "Trustworthiness Claims". What a verdict says nothing of is
// left out.
using TrustVector = std::map<std::string, int>;
// Tiers of that draft, of one claim and of a whole vector: its worst claim's.
enum class TrustTier { kNone, kAffirming, kWarning, kContraindicated };
std::string_view to_string(TrustTier tier);  // "none", "affirming", "warning", "contraindicated"
TrustTier tier_of(const TrustVector& vector);

// What the verdict says, claim by claim:
//   instance-identity  the TPM is this instance's own, and only went forward
//   hardware           firmware: PCR 0 to 3 and 6
//   executables        boot images and files, kernel modules and programs: PCR 4, 9, 10 and 14, revocations. At best
//                      "approved during boot": what containers run is their cluster's business
//   configuration      Secure Boot, partition table, commands: PCR 5, 7, 8, 11 to 13 and 15
//   file-system        the root under dm-verity
// A finding that is an error makes its claim contraindicated, a warning one of the warning tier; of evidence that is
// broken every claim says that its cryptographic validation failed, and of a boot without reference values there is
// none but instance-identity.
TrustVector trust_vector(const Verdict& verdict);

struct ResultSubject {
  std::string issuer;    // names the installation whose key set verifies it: "urn:uuid:" and its tenant's id
  std::string instance;  // node instance id
  std::string node;      // its name
  std::string cluster;   // resource id
  Bytes nonce;           // 8 to 64 bytes: of the challenge that was answered
  Time expires{};
};

// The token's payload: JSON with keys in a fixed order.
std::string result_claims(const Verdict& verdict, const ResultSubject& subject);

inline constexpr std::string_view kResultProfile = "tag:slipway.invalid,2026:attestation-result-1";
inline constexpr std::string_view kResultType = "eat+jwt";

// A key that signs results, and since when.
struct ResultKey {
  crypto::PrivateKey key;
  std::string id;     // "kid": the first 16 digits of the key's fingerprint
  Time published{};   // stands in the key set from here on
  Time signs_from{};  // until the next key's
};
ResultKey make_result_key(crypto::PrivateKey key, Time published, Time signs_from);

struct ResultKeyTimes {
  seconds period{30 * 24 * 3600};  // how long a key signs
  seconds publication{24 * 3600};  // how long a key is published before it signs
  seconds token_lifetime{1800};    // how long a key stays published after it signed last
};

// The keys of a moment, oldest first: never empty after advance(). Pure but for `make`.
class ResultKeyRing {
 public:
  explicit ResultKeyRing(std::vector<ResultKey> keys = {}) : keys_(std::move(keys)) {}

  // Adds what is due and drops what nobody needs any more; true if something changed and must be kept before it is
  // used. The very first key signs at once: nobody can have seen the set without it.
  template <typename Make>
  bool advance(Time now, const ResultKeyTimes& times, Make make) {
    bool changed = drop_old(now, times);
    if (keys_.empty()) {
      keys_.push_back(make_result_key(make(), now, now));
      changed = true;
    }
    if (is_due(now, times)) {
      const Time from = std::max(keys_.back().signs_from + times.period, now + times.publication);
      keys_.push_back(make_result_key(make(), now, from));
      changed = true;
    }
    return changed;
  }

  const std::vector<ResultKey>& keys() const { return keys_; }
  // The youngest key that may sign already. kPreconditionFailed where there is none: advance() first.
  Result<const ResultKey*> signing_key(Time now) const;
  // A JSON Web Key Set (RFC 7517 section 5).
  Result<std::string> key_set() const;

 private:
  bool drop_old(Time now, const ResultKeyTimes& times);
  bool is_due(Time now, const ResultKeyTimes& times) const;
  std::vector<ResultKey> keys_;
};

// With private keys: for a file of mode 0600 alone.
std::string to_json(const ResultKeyRing& ring);
Result<ResultKeyRing> result_key_ring_from_json(std::string_view json);

}  // namespace slipway::attestation
