#include "host/memory/software_attester.h"

#include <fmt/core.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "bootchain/event_log.h"
#include "bootchain/ima_log.h"
#include "bootchain/replay.h"
#include "tpm/credential.h"
#include "tpm/public_area.h"

namespace slipway::host {
namespace {

constexpr std::size_t kDigestSize = 32;
constexpr std::size_t kMaximumQualifyingData = 64;
constexpr int kImaPcr = 10;

Result<crypto::PrivateKey> key_from(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = object.if_contains({name.data(), name.size()});
  const boost::json::string* pem = value == nullptr ? nullptr : value->if_string();
  if (pem == nullptr) return fail(ErrorCode::kMalformed, fmt::format("A software TPM's state lacks \"{}\".", name));
  return crypto::PrivateKey::from_pem({pem->data(), pem->size()});
}

}  // namespace

SoftwareAttester::SoftwareAttester(crypto::PrivateKey endorsement_key, crypto::PrivateKey attestation_key)
    : endorsement_key_(std::move(endorsement_key)), attestation_key_(std::move(attestation_key)) {
  reset_pcrs();
}

Result<std::unique_ptr<SoftwareAttester>> SoftwareAttester::manufacture() {
  return std::unique_ptr<SoftwareAttester>(
      new SoftwareAttester(crypto::PrivateKey::generate_rsa2048(), crypto::PrivateKey::generate_rsa2048()));
}

Result<std::unique_ptr<SoftwareAttester>> SoftwareAttester::from_state(std::string_view json) {
  boost::json::error_code error;
  const boost::json::value state = boost::json::parse({json.data(), json.size()}, error);
  if (error || !state.is_object()) {
    return fail(ErrorCode::kMalformed, "A software TPM's state is not a JSON object.");
  }
  SLIPWAY_ASSIGN(auto endorsement_key, key_from(state.get_object(), "endorsementKey"));
  SLIPWAY_ASSIGN(auto attestation_key, key_from(state.get_object(), "attestationKey"));
  std::unique_ptr<SoftwareAttester> attester(
      new SoftwareAttester(std::move(endorsement_key), std::move(attestation_key)));
  const boost::json::value* const resets = state.get_object().if_contains("resetCount");
  if (resets != nullptr) attester->reset_count_ = resets->to_number<std::uint32_t>(error);
  if (error) return fail(ErrorCode::kMalformed, "A software TPM's count of resets is not a number.");
  attester->clock_safe_ = false;
  return attester;
}

std::string SoftwareAttester::state() const {
  return boost::json::serialize(boost::json::object{{"endorsementKey", endorsement_key_.pem()},
                                                    {"attestationKey", attestation_key_.pem()},
                                                    {"resetCount", reset_count_}});
}

void SoftwareAttester::reset_pcrs() {
  for (int pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
    pcrs_[static_cast<std::size_t>(pcr)] = bootchain::initial_pcr(pcr, kDigestSize);
  }
}

Status SoftwareAttester::boot(Bytes firmware_event_log, Bytes ima_log) {
  SLIPWAY_ASSIGN(const auto log, bootchain::parse_event_log(firmware_event_log));
  SLIPWAY_ASSIGN(const auto values, bootchain::replay(log, bootchain::kSha256Bank));
  SLIPWAY_ASSIGN(const auto ima, bootchain::parse_ima_log(ima_log));
  reset_pcrs();
  for (const auto& [pcr, value] : values) pcrs_[static_cast<std::size_t>(pcr)] = value;
  for (const auto& entry : ima) extend(kImaPcr, entry.sha256_extended);
  firmware_event_log_ = std::move(firmware_event_log);
  ima_log_ = std::move(ima_log);
  ++reset_count_;
  return {};
}

void SoftwareAttester::extend(int pcr, ByteView sha256) {
  Bytes& value = pcrs_.at(static_cast<std::size_t>(pcr));
  value = bootchain::extend(crypto::HashAlgorithm::kSha256, value, sha256);
}

Result<Bytes> SoftwareAttester::endorsement_key_public() {
  SLIPWAY_ASSIGN(const auto numbers, endorsement_key_.public_key().rsa_numbers());
  return tpm::marshal_public_area(tpm::endorsement_key_area(numbers));
}

Result<Bytes> SoftwareAttester::attestation_key_public() {
  SLIPWAY_ASSIGN(const auto numbers, attestation_key_.public_key().rsa_numbers());
  return tpm::marshal_public_area(tpm::attestation_key_area(numbers));
}

Result<Bytes> SoftwareAttester::activate_credential(ByteView id_object, ByteView encrypted_secret) {
  SLIPWAY_ASSIGN(const Bytes area, attestation_key_public());
  SLIPWAY_ASSIGN(const Bytes name, tpm::compute_name(area));
  return tpm::activate_credential(endorsement_key_, name, id_object, encrypted_secret);
}

Result<tpm::UnverifiedQuote> SoftwareAttester::quote(ByteView qualifying_data, const std::vector<int>& pcrs) {
  if (qualifying_data.size() > kMaximumQualifyingData) {
    return fail(ErrorCode::kInvalidArgument, "Qualifying data of a quote has at most 64 bytes.");
  }
  SLIPWAY_ASSIGN(const std::vector<Bytes> values, read_pcrs(pcrs));
  SLIPWAY_ASSIGN(const Bytes area, attestation_key_public());
  tpm::QuoteBody body;
  SLIPWAY_ASSIGN(body.qualified_signer, tpm::compute_name(area));
  body.extra_data = to_bytes(qualifying_data);
  body.clock.clock = ++clock_;
  body.clock.reset_count = reset_count_;
  body.clock.safe = clock_safe_;
  body.selections = {{tpm::kAlgSha256, pcrs}};
  body.pcr_digest = tpm::pcr_digest(values);
  tpm::UnverifiedQuote quote;
  quote.attest = tpm::marshal_quote(body);
  constexpr auto kScheme = crypto::SignatureScheme::kRsaPkcs1Sha256;
  SLIPWAY_ASSIGN(const Bytes signature, attestation_key_.sign(kScheme, quote.attest));
  SLIPWAY_ASSIGN(quote.signature, tpm::marshal_signature(kScheme, signature));
  return quote;
}

Result<std::vector<Bytes>> SoftwareAttester::read_pcrs(const std::vector<int>& pcrs) {
  std::vector<Bytes> values;
  for (const int pcr : pcrs) {
    if (pcr < 0 || pcr >= tpm::kPcrCount) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("PCR {} does not exist: a TPM has PCR 0 to 23.", pcr));
    }
    values.push_back(pcrs_[static_cast<std::size_t>(pcr)]);
  }
  return values;
}

Result<Bytes> SoftwareAttester::firmware_event_log() { return firmware_event_log_; }

Result<Bytes> SoftwareAttester::ima_log() { return ima_log_; }

}  // namespace slipway::host
