#include <fstream>
#include <iterator>
#include <string>

#include "attestation/verdict.h"
#include "base/byte_reader.h"
#include "bootchain/event_log.h"
#include "bootchain/ima_log.h"
#include "bootchain/replay.h"
#include "crypto/key.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

// Evidence of a guest that may log what it likes. Where the input replays, the quote is signed over
// what it replays to, so that the rules behind the quote are reached. The reference
// values are those of a recorded boot; no evidence but that boot's own may be trusted.
namespace {

using namespace slipway;

Bytes read_file(const std::string& name) {
  std::ifstream file(
      std::string(SLIPWAY_SOURCE_DIR) + "/tests/corpus/boots/debian12-ovmf-minimal-secureboot-on/" + name,
      std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return to_bytes(text);
}

struct World {
  crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  attestation::Expectation expectation;
  attestation::ReferenceValues reference;
  std::vector<Bytes> trusted_digests;  // held_digests() of the recorded boot

  World() {
    expectation.qualifying_data = Bytes(32, 1);
    expectation.attestation_key =
        tpm::marshal_public_area(tpm::attestation_key_area(key.public_key().p256_point().value()));
    expectation.pcrs = attestation::expected_pcrs();
    reference.manifest = image::manifest_from_json(as_text(read_file("manifest.json"))).value();
    reference.secure_boot_required = true;
    const auto log = bootchain::parse_event_log(read_file("log.bin")).value();
    for (const auto& event : log.events)
      if (event.pcr == 0) reference.firmware_pcr0_events.push_back(event.digests[0].digest);
    trusted_digests = held_digests(log);
  }

  // Digests of PCR 8 and 9, each event's: every one of them must be the recorded boot's.
  static std::vector<Bytes> held_digests(const bootchain::UnverifiedEventLog& log) {
    std::vector<Bytes> digests;
    for (const std::uint32_t pcr : {8u, 9u}) {
      for (const auto& event : log.events)
        if (event.pcr == pcr && event.type != bootchain::kEvNoAction) digests.push_back(event.digests[0].digest);
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  const ByteView input(data, size);
  const auto log = bootchain::parse_event_log(input);
  const auto replayed = log ? bootchain::replay(*log, bootchain::kSha256Bank) : Result<bootchain::PcrValues>();
  if (!log || !replayed) {
    attestation::UnverifiedEvidence evidence{to_bytes(input), to_bytes(input), to_bytes(input), to_bytes(input)};
    const auto verdict = attestation::appraise(evidence, world.expectation, world.reference, Time{});
    if (verdict.verdict_class != attestation::VerdictClass::kEvidenceBroken) __builtin_trap();
    return 0;
  }
  const auto evidence = signed_evidence(world, *replayed, input);
  const auto verdict = attestation::appraise(evidence, world.expectation, world.reference, Time{});
  if (verdict.verdict_class == attestation::VerdictClass::kTrusted &&
      World::held_digests(*log) != world.trusted_digests)
    __builtin_trap();
  if (!attestation::verdict_from_json(attestation::to_json(verdict))) __builtin_trap();
  return 0;
}
