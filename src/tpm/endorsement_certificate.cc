#include "tpm/endorsement_certificate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "crypto/certificate_details.h"
#include "crypto/certificate_path.h"

namespace slipway::tpm {
namespace {

constexpr std::string_view kManufacturer = "2.23.133.2.1", kModel = "2.23.133.2.2", kVersion = "2.23.133.2.3";
constexpr std::string_view kEndorsementPurpose = "2.23.133.8.1";
constexpr int kVersion3 = 3;
constexpr std::size_t kMaximumSize = 16U << 10;

tl::unexpected<Error> refuse(std::string_view reason, std::string why) {
  return fail(ErrorCode::kPermissionDenied, "the endorsement key's certificate is refused: " + std::move(why),
              "EndorsementCertificate" + std::string(reason));
}

tl::unexpected<Error> malformed(std::string why) {
  return fail(ErrorCode::kMalformed, "the endorsement key's certificate cannot be read: " + std::move(why),
              "EndorsementCertificateMalformed");
}

// The bytes of the outermost SEQUENCE (X.690, 8.1), if everything behind it is filling of an NV index.
Result<ByteView> without_filling(ByteView bytes) {
  ByteReader reader(bytes);
  SLIPWAY_ASSIGN(const std::uint8_t tag, reader.u8("tag of the certificate"));
  if (tag != 0x30) return fail(ErrorCode::kMalformed, "at offset 0: expected a SEQUENCE, with which DER begins");
  SLIPWAY_ASSIGN(const std::uint8_t first, reader.u8("length of the certificate"));
  std::size_t size = first;
  if (first == 0x82) {
    SLIPWAY_ASSIGN(size, reader.u16_be("length of the certificate"));
  } else if (first >= 0x80) {
    return fail(ErrorCode::kMalformed, "at offset 1: expected a length of two bytes, as every such certificate has");
  }
  SLIPWAY_TRY(reader.take(size, "certificate"));
  const std::size_t end = reader.offset();
  const ByteView filling = reader.rest();
  if (!std::all_of(filling.begin(), filling.end(), [](std::uint8_t byte) { return byte == 0 || byte == 0xff; }))
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the end, or the filling of an NV index", end));
  return bytes.first(end);
}

std::string attribute(const crypto::CertificateDetails& details, std::string_view type) {
  for (const auto& [name, value] : details.alternative_names)
    if (name == type) return value;
  return {};
}

Status check_uses(const crypto::CertificateDetails& details) {
  if (details.authority) return refuse("Authority", "it is an authority's");
  if (details.has_key_usage && (!details.key_encipherment || details.key_cert_sign))
    return refuse("Use", "its keyUsage is not that of an RSA endorsement key (keyEncipherment)");
  const auto& purposes = details.extended_key_uses;
  if (!purposes.empty() && std::find(purposes.begin(), purposes.end(), kEndorsementPurpose) == purposes.end())
    return refuse("Purpose", "its extendedKeyUsage does not name tcg-kp-EKCertificate (2.23.133.8.1)");
  return {};
}

}  // namespace

Result<VerifiedEndorsementCertificate> check_endorsement_certificate(ByteView certificate,
                                                                     const crypto::PublicKey& endorsement_key,
                                                                     const EndorsementTrust& trust, Time at) {
  if (certificate.size() > kMaximumSize) return malformed(fmt::format("it has {} bytes", certificate.size()));
  const auto der = without_filling(certificate);
  if (!der) return malformed(der.error().message);
  auto parsed = crypto::Certificate::from_der(*der);
  if (!parsed) return malformed(parsed.error().message);
  const auto details = crypto::details_of(*parsed);
  if (!details) return malformed(details.error().message);
  if (details->version != kVersion3) return malformed(fmt::format("it is of version {}, not 3", details->version));
  if (crypto::subject_public_key_info(*parsed) != endorsement_key.spki_der())
    return refuse("Key", "its key is not the endorsement key recorded for this machine");
  SLIPWAY_TRY(check_uses(*details));
  VerifiedEndorsementCertificate result{*std::move(parsed),
                                        {},
                                        attribute(*details, kManufacturer),
                                        attribute(*details, kModel),
                                        attribute(*details, kVersion)};
  if (result.manufacturer.empty() || result.model.empty() || result.version.empty())
    return refuse("Name", "its alternative name lacks the TPM's manufacturer, model or version");
  auto path = crypto::find_path(result.certificate, trust.intermediates, trust.roots, at);
  if (!path) return refuse("Path", path.error().message);
  result.path = *std::move(path);
  return result;
}

EndorsementTrust sort_endorsement_trust(const std::vector<crypto::Certificate>& certificates) {
  EndorsementTrust trust;
  for (const crypto::Certificate& certificate : certificates)
    (certificate.self_signed() ? trust.roots : trust.intermediates).push_back(certificate);
  return trust;
}

}  // namespace slipway::tpm
