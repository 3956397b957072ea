#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <numeric>

#include "attestation/appraiser.h"
#include "bench/corpus.h"
#include "bench/goals.h"
#include "bench/live_heap.h"
#include "bench/median.h"
#include "bootchain/event_log.h"
#include "bootchain/replay.h"
#include "crypto/key.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

// One appraisal of a good boot: an RSA-2048 quote over PCR 0 to 15 and a log of 116 events and 45 kB, held against a
// prediction under the default policy. The log is a real one (RHEL 9 on OVMF, 99 events, 41 kB) with 17 more GRUB
// commands of the usual length.
namespace slipway::bench {
namespace {

using bootchain::UnverifiedEvent;
using bootchain::UnverifiedEventLog;

constexpr int kMoreCommands = 17;

UnverifiedEventLog the_log() {
  UnverifiedEventLog log = bootchain::parse_event_log(read_corpus("eventlogs/rhel9-qemu-ovmf-secureboot.bin")).value();
  for (int i = 0; i < kMoreCommands; ++i) {
    const std::string text = fmt::format(
        "menuentry 'Entry {}' --class gnu-linux --class os --unrestricted "
        "--id=gnulinux-{} {{ load_video; insmod gzio; linux /vmlinuz-{} root=/dev/mapper/root ro }}",
        i, i, i);
    UnverifiedEvent event;
    event.pcr = 8;
    event.type = bootchain::kEvIpl;
    event.data = to_bytes("grub_cmd: " + text + '\0');
    event.digests = {{bootchain::kSha256Bank, crypto::sha256(as_bytes(text))}};
    log.events.push_back(std::move(event));
  }
  return log;
}

image::Prediction prediction_of(const UnverifiedEventLog& log) {
  image::Prediction prediction;
  prediction.image_version = "benchmark";
  prediction.secure_boot = true;
  prediction.firmware_sha256 = Bytes(32, 1);
  for (const UnverifiedEvent& event : log.events) {
    if (event.type == bootchain::kEvNoAction) continue;
    image::PredictedEvent predicted;
    predicted.pcr = static_cast<int>(event.pcr);
    predicted.type = event.type;
    predicted.sha256 = event.digests[0].digest.bytes();
    predicted.rule = fmt::format("pcr{}.event", event.pcr);
    predicted.component = fmt::format("component {}", event.index);
    prediction.events.push_back(std::move(predicted));
  }
  return prediction;
}

Bytes attestation_key_of(const crypto::PrivateKey& key) {
  // The benchmark is of RSA; the key's area is made as the TPM's own would be.
  return tpm::marshal_public_area(tpm::attestation_key_area(key.public_key().rsa_numbers().value()));
}

// Everything that one appraisal is given.
struct Case {
  crypto::PrivateKey key = crypto::PrivateKey::generate_rsa2048();
  attestation::UnverifiedEvidence evidence;
  Bytes raw_signature;
  std::size_t events = 0;
  std::unique_ptr<attestation::Appraiser> appraiser;
  std::unique_ptr<attestation::PreparedExpectation> expectation;

  Case() {
    const UnverifiedEventLog log = the_log();
    events = log.events.size() + 1;
    attestation::Expectation expected;
    expected.qualifying_data = Bytes(32, 0x5a);
    expected.attestation_key = attestation_key_of(key);
    expected.pcrs = attestation::expected_pcrs();
    sign(log, expected);

    attestation::References references;
    references.predictions.push_back({prediction_of(log), {}});
    references.secure_boot_required = true;
    auto made = attestation::Appraiser::make(std::move(references));
    if (!made) give_up(made.error().message);
    appraiser = std::make_unique<attestation::Appraiser>(*std::move(made));
    expectation = std::make_unique<attestation::PreparedExpectation>(std::move(expected));
    const auto verdict = appraise().verdict;
    if (verdict.verdict_class != attestation::VerdictClass::kTrusted)
      give_up(verdict.findings.empty() ? "no finding" : verdict.findings[0].message);
  }

  [[noreturn]] static void give_up(const std::string& why) {
    fmt::print(stderr, "slipway-bench: the boot to be appraised is not a good one: {}\n", why);
    std::exit(1);
  }

  void sign(const UnverifiedEventLog& log, const attestation::Expectation& expected) {
    const auto replayed = bootchain::replay(log, bootchain::kSha256Bank).value();
    std::vector<Bytes> values;
    for (const int pcr : expected.pcrs) {
      const auto value = replayed.find(pcr);
      values.push_back(value == replayed.end() ? bootchain::initial_pcr(pcr, 32) : value->second);
    }
    tpm::QuoteBody body;
    body.qualified_signer = Bytes(34, 2);
    body.extra_data = expected.qualifying_data;
    body.selections = {{tpm::kAlgSha256, expected.pcrs}};
    body.pcr_digest = tpm::pcr_digest(values);
    evidence.attest = tpm::marshal_quote(body);
    raw_signature = key.sign(crypto::SignatureScheme::kRsaPkcs1Sha256, evidence.attest).value();
    evidence.signature = tpm::marshal_signature(crypto::SignatureScheme::kRsaPkcs1Sha256, raw_signature).value();
    evidence.firmware_event_log = bootchain::encode_event_log(log);
  }

  attestation::Appraisal appraise() const { return appraiser->appraise(evidence, *expectation, {}); }
};

const Case& the_case() {
  static const Case made;
  return made;
}

// What OpenSSL needs for the same evidence and nothing else: the signature under a key that is already parsed, and
// SHA-256 over the log once, with contexts made beforehand.
class Floor {
 public:
  Floor() : digest_(EVP_MD_fetch(nullptr, "SHA2-256", nullptr)), hashing_(EVP_MD_CTX_new()) {
    verifying_ = EVP_PKEY_CTX_new(the_case().key.get(), nullptr);
    check(EVP_PKEY_verify_init(verifying_));
    check(EVP_PKEY_CTX_set_rsa_padding(verifying_, RSA_PKCS1_PADDING));
    check(EVP_PKEY_CTX_set_signature_md(verifying_, digest_));
  }
  ~Floor() {
    EVP_PKEY_CTX_free(verifying_);
    EVP_MD_CTX_free(hashing_);
    EVP_MD_free(digest_);
  }
  Floor(const Floor&) = delete;
  Floor& operator=(const Floor&) = delete;

  void run() {
    const attestation::UnverifiedEvidence& evidence = the_case().evidence;
    std::array<std::uint8_t, 32> digest{};
    hash(evidence.attest, digest);
    check(EVP_PKEY_verify(verifying_, the_case().raw_signature.data(), the_case().raw_signature.size(), digest.data(),
                          digest.size()));
    hash(evidence.firmware_event_log, digest);
    benchmark::DoNotOptimize(digest);
  }

 private:
  static void check(int result) {
    if (result != 1) Case::give_up("OpenSSL refuses the floor's signature");
  }
  void hash(ByteView bytes, std::array<std::uint8_t, 32>& digest) {
    check(EVP_DigestInit_ex2(hashing_, digest_, nullptr));
    check(EVP_DigestUpdate(hashing_, bytes.data(), bytes.size()));
    check(EVP_DigestFinal_ex(hashing_, digest.data(), nullptr));
  }

  EVP_MD* digest_;
  EVP_MD_CTX* hashing_;
  EVP_PKEY_CTX* verifying_ = nullptr;
};

void openssl_floor(benchmark::State& state) {
  Floor floor;
  for (auto _ : state) floor.run();
}
BENCHMARK(openssl_floor)->Unit(benchmark::kMicrosecond);

void one_appraisal(benchmark::State& state) {
  const Case& given = the_case();
  for (auto _ : state) benchmark::DoNotOptimize(given.appraise());
}
BENCHMARK(one_appraisal)->Unit(benchmark::kMicrosecond);

void parse_the_log(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(bootchain::parse_event_log(the_case().evidence.firmware_event_log));
}
BENCHMARK(parse_the_log)->Unit(benchmark::kMicrosecond);

void replay_the_log(benchmark::State& state) {
  const UnverifiedEventLog log = the_log();
  for (auto _ : state) benchmark::DoNotOptimize(bootchain::replay(log, bootchain::kSha256Bank));
}
BENCHMARK(replay_the_log)->Unit(benchmark::kMicrosecond);

}  // namespace

std::vector<Goal> appraisal_goals() {
  const Case& given = the_case();
  Floor floor;
  // Alternating, so that both see the same machine.
  std::vector<double> ratios, floors, appraisals;
  for (int i = 0; i < 41; ++i) {
    floors.push_back(median_seconds(5, 100, [&] { floor.run(); }));
    appraisals.push_back(median_seconds(5, 100, [&] { benchmark::DoNotOptimize(given.appraise()); }));
    ratios.push_back(appraisals.back() / floors.back());
  }
  const auto median = [](std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  };
  const double ratio = median(ratios);

  constexpr int kAppraisals = 10000;
  const HeapCount count;
  for (int i = 0; i < kAppraisals; ++i) benchmark::DoNotOptimize(given.appraise());
  const LiveHeap heap = count.so_far();
  return {
      {fmt::format("one appraisal (RSA-2048, {} events, {} bytes of log)", given.events,
                   given.evidence.firmware_event_log.size()),
       fmt::format("{:.1f} us, {:.2f} x the floor of {:.1f} us", 1e6 * median(appraisals), ratio, 1e6 * median(floors)),
       "2 x the floor", ratio <= 2.0},
      {fmt::format("heap that {} appraisals leave behind", kAppraisals),
       fmt::format("{} bytes in {} blocks ({} allocations each)", heap.bytes, heap.blocks,
                   heap.allocations / kAppraisals),
       "0 bytes", heap.bytes == 0},
  };
}

}  // namespace slipway::bench
