#include "attestation/evidence_bundle.h"
#include "base/refusals_for_tests.h"
#include "bootchain/corpus_for_tests.h"

// What this room promises to refuse and has no test for beside its reader: a good input with one thing changed, so that
// no other check stands in the way.
namespace slipway::attestation {
namespace {

TEST(Refusals, OfABundleOverItsLimit) {
  std::string json(as_text(bootchain::read_corpus("fuzz/evidence_bundle/small.json")));
  json.resize(kMaximumBundle, ' ');
  ASSERT_EQ(refusal_of(bundle_from_json(json)), "");
  json.push_back(' ');
  EXPECT_EQ(refusal_of(bundle_from_json(json)), "at byte 67108864 of the evidence bundle: a bundle has at most 64 MiB");
}

}  // namespace
}  // namespace slipway::attestation
