#pragma once

#include <string_view>

// Why a node was turned away: stable names, as they stand in Error::reason, in the JSON of a refusal and in the
// operator's view. One for each rule of docs/formats/enrolment.md.
namespace slipway::enrolment::refusal {

// Who asks.
inline constexpr std::string_view kUnknownInstance = "UnknownInstance";
inline constexpr std::string_view kForeignAddress = "ForeignAddress";  // not from the address of the instance's VM
inline constexpr std::string_view kRateLimited = "RateLimited";
inline constexpr std::string_view kMalformedMessage = "MalformedMessage";

// Attestation (pools with a vTPM).
inline constexpr std::string_view kNoVtpmRecorded = "NoVtpmRecorded";                // the pool has none, or its EK is
                                                                                     // not recorded yet
inline constexpr std::string_view kForeignEndorsementKey = "ForeignEndorsementKey";  // not the EK recorded
inline constexpr std::string_view kUnfitAttestationKey = "UnfitAttestationKey";      // not a restricted signing key
inline constexpr std::string_view kSecondAttestationKey = "SecondAttestationKey";    // the instance enrolled another
inline constexpr std::string_view kUnknownNonce = "UnknownNonce";  // not a challenge of this server, or changed
inline constexpr std::string_view kForeignNonce = "ForeignNonce";  // asked for by another instance or for another
                                                                   // purpose
inline constexpr std::string_view kExpiredNonce = "ExpiredNonce";
inline constexpr std::string_view kUsedNonce = "UsedNonce";
inline constexpr std::string_view kCredentialNotActivated = "CredentialNotActivated";  // the AK is not in that TPM
inline constexpr std::string_view kBadCertificateRequest = "BadCertificateRequest";
inline constexpr std::string_view kWrongKeyBinding = "WrongKeyBinding";  // the quote is over other keys or another
                                                                         // nonce
inline constexpr std::string_view kVerdictNotTrusted = "VerdictNotTrusted";
inline constexpr std::string_view kNotEnrolled = "NotEnrolled";  // attests again before it enrolled

// One-time secret and renewal (pools without a vTPM).
inline constexpr std::string_view kSecretRefusedForVtpmPool = "SecretRefusedForVtpmPool";
inline constexpr std::string_view kRenewalRefusedForVtpmPool = "RenewalRefusedForVtpmPool";
inline constexpr std::string_view kSecretUsed = "SecretUsed";
inline constexpr std::string_view kSecretExpired = "SecretExpired";
inline constexpr std::string_view kWrongSecret = "WrongSecret";
inline constexpr std::string_view kHostObservationUnfit = "HostObservationUnfit";  // what the host sees does not fit
inline constexpr std::string_view kNothingToRenew = "NothingToRenew";  // no certificate issued, or it has expired
inline constexpr std::string_view kWrongRenewalSignature = "WrongRenewalSignature";

}  // namespace slipway::enrolment::refusal
