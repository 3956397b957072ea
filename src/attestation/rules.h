#pragma once

#include "attestation/sequence.h"
#include "attestation/verdict.h"
#include "bootchain/verified_boot.h"

// The rules that a verified boot is judged by, one function for each part of the boot. Each appends its findings and
// the components that it looked at to the verdict, in the order of the boot.
namespace slipway::attestation {

// PCR 0, 1, 2, 3, 6 and those that nothing may extend (11, 12, 13, 15).
void judge_firmware(const bootchain::VerifiedBoot& boot, const ReferenceValues& reference, Verdict& verdict);

// PCR 7 and 14: Secure Boot's variables and authorities, and shim's own state. Sets Verdict::secure_boot.
void judge_secure_boot(const bootchain::VerifiedBoot& boot, const ReferenceValues& reference, Verdict& verdict);

// PCR 4, 5, 8 and 9: partition table, images, GRUB's commands and files.
void judge_boot_chain(const bootchain::VerifiedBoot& boot, const ReferenceValues& reference, Verdict& verdict);

// The events of a PCR without constants that say nothing about what ran: separators and the firmware's actions named in
// TCG PC Client Platform Firmware Profile. They are known by their digests, never by the type that the log claims.
std::vector<const bootchain::UnverifiedEvent*> without_constants(
    const std::vector<const bootchain::UnverifiedEvent*>& events);

// Exactly one separator must stand in PCR 0 to 7; a finding "pcrN.separator" otherwise.
void judge_separator(const bootchain::VerifiedBoot& boot, int pcr, Verdict& verdict);

}  // namespace slipway::attestation
