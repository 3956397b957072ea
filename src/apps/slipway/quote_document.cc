#include "apps/slipway/quote_document.h"

#include <fmt/format.h>

#include "apps/slipway/output.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

std::string bank_name(std::uint16_t algorithm) {
  switch (algorithm) {
    case tpm::kAlgSha1:
      return "sha1";
    case tpm::kAlgSha256:
      return "sha256";
    case 0x000c:
      return "sha384";
    case 0x000d:
      return "sha512";
    default:
      return fmt::format("{:#06x}", algorithm);
  }
}

std::string scheme_name(std::uint16_t algorithm) { return algorithm == tpm::kAlgEcdsa ? "ECDSA" : "RSASSA"; }

QuoteCheck passed(std::string name) { return {std::move(name), true, {}}; }
QuoteCheck failed(std::string name, std::string reason) { return {std::move(name), false, std::move(reason)}; }

void check_signature(ByteView attest, const crypto::PublicKey& key, const tpm::QuoteSignature& signature,
                     std::vector<QuoteCheck>& checks) {
  const bool rsa = signature.algorithm == tpm::kAlgRsaSsa;
  if (signature.hash != tpm::kAlgSha256 || rsa != key.is_rsa()) {
    checks.push_back(failed(
        "signatureAlgorithm",
        fmt::format("{} over {} by {} key: SHA-256 alone is trusted, by a key of the same family",
                    scheme_name(signature.algorithm), bank_name(signature.hash), key.is_rsa() ? "an RSA" : "a P-256")));
    return;
  }
  checks.push_back(passed("signatureAlgorithm"));
  const auto scheme = rsa ? crypto::SignatureScheme::kRsaPkcs1Sha256 : crypto::SignatureScheme::kEcdsaP256Sha256;
  checks.push_back(key.verify(scheme, attest, signature.signature)
                       ? passed("signature")
                       : failed("signature", "the signature over the quote does not hold for this key"));
}

}  // namespace

Result<InspectedQuote> inspect_quote(ByteView attest, const QuoteExpectation& expectation) {
  InspectedQuote quote;
  SLIPWAY_ASSIGN(quote.body, tpm::parse_quote(attest));
  if (expectation.tpmt_signature) {
    auto signature = tpm::parse_signature(*expectation.tpmt_signature);
    if (!signature) return fail(ErrorCode::kMalformed, signature.error().message, {}, "signature");
    quote.signature = *std::move(signature);
  }
  if (quote.signature && expectation.key) check_signature(attest, *expectation.key, *quote.signature, quote.checks);
  if (expectation.public_area) {
    const auto key = tpm::check_attestation_key(*expectation.public_area);
    quote.checks.push_back(key ? passed("attestationKey") : failed("attestationKey", key.error().message));
  }
  if (expectation.qualifying_data) {
    const bool same = equal_in_constant_time(quote.body.extra_data, *expectation.qualifying_data);
    quote.checks.push_back(same ? passed("qualifyingData")
                                : failed("qualifyingData", "the quote answers another challenge: its data are " +
                                                               to_hex(quote.body.extra_data)));
  }
  return quote;
}

Status read_quote_key(ByteView file, QuoteExpectation& expectation) {
  if (const std::size_t begin = as_text(file).find("-----BEGIN "); begin != std::string_view::npos) {
    const auto key = crypto::PublicKey::from_pem(as_text(file));
    if (!key)
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: expected a PEM public key: {}", begin, key.error().message));
    expectation.key = *key;
    return {};
  }
  Bytes area = to_bytes(file);
  if (auto unwrapped = tpm::unwrap_public_area(file)) area = *std::move(unwrapped);
  SLIPWAY_ASSIGN(const tpm::PublicArea parsed, tpm::parse_public_area(area));
  SLIPWAY_ASSIGN(expectation.key, tpm::key_of(parsed, file.size() - area.size()));
  expectation.public_area = std::move(area);
  return {};
}

json::object quote_document(const InspectedQuote& quote) {
  const tpm::QuoteBody& body = quote.body;
  json::array selections, checks;
  for (const tpm::PcrSelection& selection : body.selections)
    selections.push_back(
        {{"bank", bank_name(selection.hash)}, {"pcrs", json::array(selection.pcrs.begin(), selection.pcrs.end())}});
  for (const QuoteCheck& check : quote.checks)
    checks.push_back({{"check", check.name},
                      {"holds", check.holds},
                      {"reason", check.holds ? json::value(nullptr) : json::value(check.reason)}});
  json::value signature = nullptr;
  if (quote.signature)
    signature = json::object{{"algorithm", scheme_name(quote.signature->algorithm)},
                             {"hash", bank_name(quote.signature->hash)},
                             {"value", to_hex(quote.signature->signature)}};
  return {{"qualifiedSigner", to_hex(body.qualified_signer)},
          {"qualifyingData", to_hex(body.extra_data)},
          {"clock",
           {{"milliseconds", body.clock.clock},
            {"resetCount", body.clock.reset_count},
            {"restartCount", body.clock.restart_count},
            {"safe", body.clock.safe}}},
          {"firmwareVersion", fmt::format("{:#018x}", body.firmware_version)},
          {"selections", std::move(selections)},
          {"pcrDigest", to_hex(body.pcr_digest)},
          {"signature", std::move(signature)},
          {"checks", std::move(checks)}};
}

std::string quote_table(const InspectedQuote& quote) {
  const tpm::QuoteBody& body = quote.body;
  std::vector<std::vector<std::string>> rows = {{"qualified signer", to_hex(body.qualified_signer)},
                                                {"qualifying data", to_hex(body.extra_data)}};
  for (const tpm::PcrSelection& selection : body.selections)
    rows.push_back({"PCRs", fmt::format("{}:{}", bank_name(selection.hash), fmt::join(selection.pcrs, ","))});
  rows.push_back({"PCR digest", to_hex(body.pcr_digest)});
  rows.push_back({"clock", fmt::format("{} ms{}", body.clock.clock, body.clock.safe ? "" : ", not safe")});
  rows.push_back({"resets, restarts", fmt::format("{}, {}", body.clock.reset_count, body.clock.restart_count)});
  rows.push_back({"TPM firmware", fmt::format("{:#018x}", body.firmware_version)});
  if (quote.signature)
    rows.push_back({"signature", fmt::format("{} over {}", scheme_name(quote.signature->algorithm),
                                             bank_name(quote.signature->hash))});
  for (const QuoteCheck& check : quote.checks) rows.push_back({check.name, check.holds ? "holds" : check.reason});
  return to_table({"What", "Value"}, rows);
}

}  // namespace slipway::cli
