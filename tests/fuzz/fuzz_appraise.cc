#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "attestation/appraiser.h"
#include "base/byte_reader.h"
#include "base/source_folder_for_tests.h"
#include "bootchain/event_log.h"
#include "bootchain/ima_log.h"
#include "bootchain/replay.h"
#include "crypto/key.h"
#include "image/predict.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

// Evidence of a guest that may log what it likes. Where the input replays, the quote is signed over
// what it replays to, so that the rules behind the quote are reached. The reference
// values are those of a recorded boot; no evidence but that boot's own may be trusted.
namespace {

using namespace slipway;

Bytes read_file(const std::string& name) {
  std::ifstream file(source_folder() + "/tests/corpus/boots/debian12-ovmf-minimal-secureboot-on/" + name,
                     std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return to_bytes(text);
}

struct World {
  crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  attestation::Expectation expectation;
  std::optional<attestation::Appraiser> appraiser;
  std::vector<Bytes> trusted_digests;  // held_digests() of the recorded boot

  // What the recorded boot measured, predicted from its manifest; firmware and variables as the log has them.
  static attestation::References references(const bootchain::UnverifiedEventLog& log) {
    const auto manifest = image::manifest_from_json(as_text(read_file("manifest.json"))).value();
    image::Prediction prediction;
    prediction.image_version = manifest.version;
    prediction.secure_boot = true;
    prediction.firmware_sha256 = Bytes(32, 1);
    for (const auto& event : log.events) {
      if (event.type == bootchain::kEvNoAction) continue;
      image::PredictedEvent predicted;
      predicted.pcr = static_cast<int>(event.pcr);
      predicted.type = event.type;
      predicted.rule = "pcr" + std::to_string(event.pcr) + ".event";
      if (event.pcr == 1 && event.type != bootchain::kEvSeparator)
        predicted.origin = image::Origin::kMayVary;
      else
        predicted.sha256 = event.digests[0].digest.bytes();
      prediction.events.push_back(std::move(predicted));
    }
    attestation::References references;
    references.predictions = {{std::move(prediction), std::nullopt}};
    references.secure_boot_required = true;
    return references;
  }

  World() {
    expectation.qualifying_data = Bytes(32, 1);
    expectation.attestation_key =
        tpm::marshal_public_area(tpm::attestation_key_area(key.public_key().p256_point().value()));
    expectation.pcrs = attestation::expected_pcrs();
    const auto log = bootchain::parse_event_log(read_file("log.bin")).value();
    appraiser = attestation::Appraiser::make(references(log)).value();
    trusted_digests = held_digests(log);
  }

  // The digests of each PCR that no boot may vary in: every one of them must be the recorded boot's.
  static std::vector<Bytes> held_digests(const bootchain::UnverifiedEventLog& log) {
    std::vector<Bytes> digests;
    for (const std::uint32_t pcr : {0u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 14u}) {
      for (const auto& event : log.events)
        if (event.pcr == pcr && event.type != bootchain::kEvNoAction)
          digests.push_back(event.digests[0].digest.bytes());
    }
    return digests;
  }
};

attestation::UnverifiedEvidence signed_evidence(const World& world, const bootchain::PcrValues& replayed,
                                                ByteView log_bytes) {
  std::vector<Bytes> values;
  for (const int pcr : world.expectation.pcrs) {
    const auto value = replayed.find(pcr);
    values.push_back(value == replayed.end() ? bootchain::initial_pcr(pcr, 32) : value->second);
  }
  tpm::QuoteBody body;
  body.qualified_signer = Bytes(34, 2);
  body.extra_data = world.expectation.qualifying_data;
  body.selections = {{tpm::kAlgSha256, world.expectation.pcrs}};
  body.pcr_digest = tpm::pcr_digest(values);
  attestation::UnverifiedEvidence evidence;
  evidence.attest = tpm::marshal_quote(body);
  const auto signature = world.key.sign(crypto::SignatureScheme::kEcdsaP256Sha256, evidence.attest);
  evidence.signature = tpm::marshal_signature(crypto::SignatureScheme::kEcdsaP256Sha256, *signature).value();
  evidence.firmware_event_log = to_bytes(log_bytes);
  return evidence;
}

attestation::Verdict appraise(const World& world, const attestation::UnverifiedEvidence& evidence) {
  return world.appraiser->appraise(evidence, world.expectation, {}).verdict;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  const ByteView input(data, size);
  const auto log = bootchain::parse_event_log(input);
  const auto replayed = log ? bootchain::replay(*log, bootchain::kSha256Bank) : Result<bootchain::PcrValues>();
  if (!log || !replayed) {
    attestation::UnverifiedEvidence evidence{to_bytes(input), to_bytes(input), to_bytes(input), to_bytes(input)};
    const auto verdict = appraise(world, evidence);
    if (verdict.verdict_class != attestation::VerdictClass::kEvidenceBroken) __builtin_trap();
    return 0;
  }
  const auto evidence = signed_evidence(world, *replayed, input);
  const auto verdict = appraise(world, evidence);
  if (verdict.verdict_class == attestation::VerdictClass::kTrusted &&
      World::held_digests(*log) != world.trusted_digests)
    __builtin_trap();
  if (!attestation::verdict_from_json(attestation::to_json(verdict))) __builtin_trap();
  return 0;
}
