#include <algorithm>
#include <optional>
#include <string>

#include "attestation/appraiser.h"
#include "base/byte_reader.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"
#include "bootchain/ima_log.h"
#include "bootchain/replay.h"
#include "corpus.h"
#include "crypto/certificate_details.h"
#include "crypto/key.h"
#include "image/predict.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

// Evidence of a guest that may log what it likes: a firmware event log, then, behind kImaMarker, an IMA log. An input
// without the marker has no IMA log; one that begins with it stands behind the recorded boot's own event log. Where
// both are whole, the quote is signed over what they replay to, so that the rules behind the quote are reached. The
// reference values are those of a recorded boot; no evidence but that boot's own may be trusted, and not even that one
// where its components are revoked.
namespace {

using namespace slipway;
using fuzz::read_corpus;

constexpr std::string_view kImaMarker = "\n-- IMA log --\n";
constexpr int kImaPcr = 10;

const std::string kBoot = "boots/debian12-ovmf-minimal-secureboot-on/";

struct World {
  crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  attestation::Expectation expectation;
  Bytes recorded_log = read_corpus(kBoot + "log.bin");
  std::optional<attestation::Appraiser> appraiser;
  std::optional<attestation::Appraiser> revoking;  // the same, but all that the recorded boot ran is revoked
  std::vector<Bytes> trusted_digests;              // held_digests() of the recorded boot

  // What the recorded boot measured, predicted from its manifest; firmware and variables as the log has them.
  static image::Prediction prediction_of(const bootchain::UnverifiedEventLog& log, const image::Manifest& manifest) {
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
      for (const image::BootFile& file : manifest.boot_files)
        if (event.pcr == 4 && predicted.sha256 == file.authenticode_sha256) predicted.component = file.path;
      prediction.events.push_back(std::move(predicted));
    }
    const image::BootFile* shim = find_boot_file(manifest, image::BootFileRole::kShim);
    prediction.signed_files = {{shim->path, manifest.shim_certificate_chains}};
    return prediction;
  }

  // Every image of the boot, and every certificate that vouched for one: db's itself, shim's by its digest.
  static attestation::Revocations revocations_of(const bootchain::UnverifiedEventLog& log,
                                                 const image::Manifest& manifest) {
    constexpr std::size_t kOwnerSize = 16;
    attestation::Revocations revocations;
    for (const image::BootFile& file : manifest.boot_files)
      if (!file.authenticode_sha256.empty()) revocations.image_sha256.push_back(file.authenticode_sha256);
    for (const auto& event : log.events) {
      if (event.type != bootchain::kEvEfiVariableAuthority) continue;
      const auto variable = bootchain::decode_variable_data(event.data).value();
      if (variable.value.size() <= kOwnerSize) continue;
      const auto certificate = crypto::Certificate::from_der(ByteView(variable.value).subspan(kOwnerSize));
      if (!certificate) continue;  // shim's revocation level
      if (variable.name == "db")
        revocations.certificates.push_back(certificate->der());
      else
        revocations.certificate_sha256.push_back(tbs_digest(*certificate, crypto::HashAlgorithm::kSha256));
    }
    if (revocations.certificates.empty() || revocations.certificate_sha256.empty()) __builtin_trap();
    return revocations;
  }

  World() {
    expectation.qualifying_data = Bytes(32, 1);
    expectation.attestation_key =
        tpm::marshal_public_area(tpm::attestation_key_area(key.public_key().p256_point().value()));
    expectation.pcrs = attestation::expected_pcrs();
    const auto log = bootchain::parse_event_log(recorded_log).value();
    const auto manifest = image::manifest_from_json(as_text(read_corpus(kBoot + "manifest.json"))).value();
    attestation::References references;
    references.predictions = {{prediction_of(log, manifest), std::nullopt}};
    references.secure_boot_required = true;
    references.policy.set(attestation::Claim::kImaPrograms, attestation::Enforcement::kRequire);
    references.policy.set(attestation::Claim::kImaViolations, attestation::Enforcement::kRequire);
    attestation::References others = references;
    others.revocations = {{Bytes(32, 1)}, {read_corpus("endorsement/swtpm-ek-rsa2048.der")}, {Bytes(32, 2)}};
    references.revocations = revocations_of(log, manifest);
    appraiser = attestation::Appraiser::make(std::move(others)).value();
    revoking = attestation::Appraiser::make(std::move(references)).value();
    trusted_digests = held_digests(log);
  }

  // The digests of each PCR that no boot may vary in: every one of them must be the recorded boot's.
  static std::vector<Bytes> held_digests(const bootchain::UnverifiedEventLog& log) {
    std::vector<Bytes> digests;
    for (const std::uint32_t pcr : {0u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 14u}) {
      for (const auto& event : log.events)
        if (event.pcr == pcr && event.type != bootchain::kEvNoAction)
          digests.push_back(bootchain::find_digest(event, bootchain::kSha256Bank)->bytes());
    }
    return digests;
  }
};

// The IMA log with the right SHA-1 in front of each entry's data: no valid one is met by chance. Violations, whose
// SHA-1 is all zeros, stay what they are.
Bytes with_right_digests(ByteView log) {
  constexpr std::size_t kSha1Size = 20;
  Bytes bytes = to_bytes(log);
  ByteReader reader(log);
  while (!reader.empty()) {
    const std::size_t sha1_at = reader.offset() + 4;
    if (!reader.take(4 + kSha1Size, "PCR and digest")) break;
    const auto name_size = reader.u32_le("size of the name");
    if (!name_size || !reader.take(*name_size, "name")) break;
    const auto size = reader.u32_le("size of the data");
    const auto data = size ? reader.take(*size, "data") : Result<ByteView>();
    if (!size || !data) break;
    const auto sha1 = log.subspan(sha1_at, kSha1Size);
    if (std::all_of(sha1.begin(), sha1.end(), [](std::uint8_t byte) { return byte == 0; })) continue;
    const Bytes right = crypto::digest(crypto::HashAlgorithm::kSha1, *data);
    std::copy(right.begin(), right.end(), bytes.begin() + static_cast<std::ptrdiff_t>(sha1_at));
  }
  return bytes;
}

struct Logs {
  Bytes firmware, ima;
};

Logs split(const World& world, ByteView input) {
  const std::size_t marker = as_text(input).find(kImaMarker);
  if (marker == std::string_view::npos) return {to_bytes(input), {}};
  return {marker == 0 ? world.recorded_log : to_bytes(input.first(marker)),
          with_right_digests(input.subspan(marker + kImaMarker.size()))};
}

// Both logs beside a quote over these PCRs; those that are not named have their first value.
attestation::UnverifiedEvidence signed_evidence(const World& world, const bootchain::PcrValues& pcrs, Logs logs) {
  std::vector<Bytes> values;
  for (const int pcr : world.expectation.pcrs) {
    const auto value = pcrs.find(pcr);
    values.push_back(value == pcrs.end() ? bootchain::initial_pcr(pcr, 32) : value->second);
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
  evidence.firmware_event_log = std::move(logs.firmware);
  evidence.ima_log = std::move(logs.ima);
  return evidence;
}

attestation::VerdictClass appraise(const World& world, const attestation::Appraiser& appraiser,
                                   const attestation::UnverifiedEvidence& evidence) {
  const auto verdict = appraiser.appraise(evidence, world.expectation, {}).verdict;
  const std::string json = attestation::to_json(verdict);
  const auto again = attestation::verdict_from_json(json);
  if (!again || attestation::to_json(*again) != json) __builtin_trap();
  return verdict.verdict_class;
}

// Whether a boot with this IMA log may be trusted, by the plainest of the rules alone: what cannot be read, what
// changed while it was measured, and a kernel module from elsewhere may not.
bool is_harmless(const bootchain::UnverifiedImaEntry& entry) {
  if (entry.violation) return false;
  const auto file = bootchain::read_ima_measurement(entry);
  return file && (!file->path.ends_with(".ko") || file->path.starts_with("/usr/lib/modules/"));
}

void check_broken(const World& world, ByteView input, Logs logs) {
  const attestation::UnverifiedEvidence unsigned_evidence{to_bytes(input), to_bytes(input), logs.firmware, logs.ima};
  for (const auto& evidence : {unsigned_evidence, signed_evidence(world, {}, std::move(logs))})
    if (appraise(world, *world.appraiser, evidence) != attestation::VerdictClass::kEvidenceBroken) __builtin_trap();
}

attestation::VerdictClass check_whole(const World& world, Logs logs) {
  const auto log = bootchain::parse_event_log(logs.firmware).value();
  const auto ima = bootchain::parse_ima_log(logs.ima).value();
  bootchain::PcrValues pcrs = bootchain::replay(log, bootchain::kSha256Bank).value();
  pcrs.try_emplace(kImaPcr, bootchain::ima_pcr_values(ima).back());
  const auto evidence = signed_evidence(world, pcrs, std::move(logs));
  if (appraise(world, *world.revoking, evidence) == attestation::VerdictClass::kTrusted) __builtin_trap();
  const auto verdict = appraise(world, *world.appraiser, evidence);
  if (verdict != attestation::VerdictClass::kTrusted) return verdict;
  if (World::held_digests(log) != world.trusted_digests) __builtin_trap();
  if (!std::all_of(ima.begin(), ima.end(), is_harmless)) __builtin_trap();
  return verdict;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  // Else nothing below would say anything.
  static const auto recorded = check_whole(world, {world.recorded_log, {}});
  if (recorded != attestation::VerdictClass::kTrusted) __builtin_trap();

  const ByteView input(data, size);
  Logs logs = split(world, input);
  const auto log = bootchain::parse_event_log(logs.firmware);
  if (log && bootchain::replay(*log, bootchain::kSha256Bank) && bootchain::parse_ima_log(logs.ima))
    check_whole(world, std::move(logs));
  else
    check_broken(world, input, std::move(logs));
  return 0;
}
