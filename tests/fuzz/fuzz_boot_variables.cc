#include <algorithm>
#include <string>

#include "attestation/appraiser.h"
#include "bootchain/boot_policy.h"
#include "bootchain/ovmf_firmware_for_tests.h"
#include "bootchain/variable_store.h"
#include "corpus.h"
#include "image/predict.h"
#include "image/shim_admission.h"

// A variable store from anybody, and all that is concluded from one: what firmware and shim would load, which entry
// lets a recorded boot's shim run, and what a boot with these variables must measure.
namespace {

using namespace slipway;
using Variables = std::vector<bootchain::StoredVariable>;

struct World {
  image::Manifest manifest =
      image::manifest_from_json(as_text(fuzz::read_corpus("boots/debian12-ovmf-minimal-secureboot-on/manifest.json")))
          .value();
  image::FirmwareFacts firmware{Bytes(32, 1), Bytes(32, 2), Bytes(32, 3)};
  Bytes shim_file = fuzz::read_corpus("fuzz/pe_image/small-shim.efi");
  bootchain::UnverifiedPeImage shim = bootchain::parse_pe_image(shim_file).value();
};

void judge(const World& world, const Variables& variables, const bootchain::SecureBootState& state) {
  if (bootchain::would_firmware_load(world.shim, state).rule.empty()) __builtin_trap();
  const auto trust = bootchain::read_shim_trust(world.shim, variables);
  if (!trust) return;
  static_cast<void>(bootchain::would_shim_start(world.shim, state, *trust));
  const auto shim = bootchain::would_shim_load(world.shim, state, *trust, bootchain::ShimCaller::kShim);
  const auto lock = bootchain::would_shim_load(world.shim, state, *trust, bootchain::ShimCaller::kShimLock);
  if (shim.loads && !lock.loads) __builtin_trap();
}

// What vouches for shim must stand in db, whatever else does.
void check_admission(const Bytes& entry, const bootchain::SecureBootState& state) {
  const bool stands = std::any_of(state.db.begin(), state.db.end(), [&](const bootchain::EfiSignature& each) {
    Bytes whole = to_bytes(each.owner.bytes);
    put_bytes(whole, each.data);
    return whole == entry;
  });
  if (!stands) __builtin_trap();
}

void check_prediction(image::Prediction prediction) {
  const std::string json = image::to_json(prediction);
  const auto again = image::prediction_from_json(json);
  if (!again || image::to_json(*again) != json) __builtin_trap();
  attestation::References references;
  references.predictions = {{std::move(prediction), std::nullopt}};
  if (!attestation::Appraiser::make(std::move(references))) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  const auto variables = bootchain::read_variable_store(bootchain::testing::with_volume_checksums({data, size}));
  if (!variables) return 0;
  const auto state = bootchain::read_secure_boot_state(*variables);
  if (state) judge(world, *variables, *state);
  const auto admitting = image::entry_that_admits_shim(world.manifest, *variables);
  if (admitting && state) check_admission(*admitting, *state);
  auto prediction = image::predict(world.manifest, world.firmware, *variables);
  if (!prediction) return 0;
  if (prediction->secure_boot && !admitting) __builtin_trap();
  if (state && prediction->secure_boot != state->enabled) __builtin_trap();
  check_prediction(*std::move(prediction));
  return 0;
}
