#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "image/manifest.h"

namespace slipway::attestation {

// The classes of a verdict. An outage never looks like an attack, nor the other way round.
enum class VerdictClass {
  kTrusted,
  kUntrusted,               // a rule is broken: findings name the component
  kEvidenceBroken,          // the evidence contradicts itself or cannot be read
  kReferenceValuesMissing,  // nothing to compare with
};
std::string_view to_string(
    VerdictClass verdict_class);  // "trusted", "untrusted", "evidenceBroken", "referenceValuesMissing"

// One thing that is not as it must be.
struct Finding {
  std::string rule;       // stable name: "pcr9.initrd", "quote.nonce", "secureBoot.disabled"
  int pcr = -1;           // -1 where the rule is of no PCR
  int event = -1;         // index in the firmware event log, or -1
  std::string component;  // path or name: "/EFI/debian/initrd"
  std::string package, signer;
  std::string expected, found;
  std::string message;  // what happened, to what, why
  std::string remedy;   // what to do
};

// One component of the boot chain, in the order of the boot: what `slipway node boot` prints.
struct Component {
  std::string name;  // "firmware", "shim", "grub", "kernel", "initrd", "kernel command line", "root file system"
  std::string path, package;
  int pcr = -1;
  std::string measurement;  // hex
  std::string signer;
  std::string origin;  // "computed", "calibrated": where the reference value comes from
  bool matches = false;
};

struct Verdict {
  VerdictClass verdict_class = VerdictClass::kEvidenceBroken;
  Time appraised{};
  bool secure_boot = false;  // from the verified log alone
  std::vector<Finding> findings;
  std::vector<Component> components;
};

std::string to_json(const Verdict& verdict);
Result<Verdict> verdict_from_json(std::string_view json);

// SHA-256 of the values of the variables that decide what Secure Boot lets run, as the host reads them from the VM's
// variable store.
struct SecureBootVariables {
  Bytes platform_key_sha256, key_exchange_keys_sha256, db_sha256, dbx_sha256;
};

// What the evidence is held against.
struct ReferenceValues {
  image::Manifest manifest;
  std::vector<Bytes> firmware_pcr0_events;  // sha256 digests in order, from the calibration boot
  bool secure_boot_required = false;
  // The variable store that the VM was made with; if given, PCR 7 must show exactly these (secureBoot.variables).
  std::optional<SecureBootVariables> secure_boot_variables;
};

// The sha256 PCRs that a node is asked to quote: 0 to 15, all that firmware and the operating system use.
std::vector<int> expected_pcrs();

// What the enrolment service knows before it asks: the evidence must answer to just this.
struct Expectation {
  Bytes qualifying_data;  // 32 bytes
  Bytes attestation_key;  // TPMT_PUBLIC that the credential activation proved
  std::vector<int> pcrs;  // the selection asked for, sha256
};

struct UnverifiedEvidence {
  Bytes attest;     // TPMS_ATTEST
  Bytes signature;  // TPMT_SIGNATURE
  Bytes firmware_event_log;
  Bytes ima_log;
};

// Appraises evidence; pure. Checks, in this order; each has a finding of its own name and a negative test:
//   quote.attestationKey  the expectation's public area is one of an attestation key (tpm::check_attestation_key)
//   quote.magic       TPM_GENERATED_VALUE, and the type is TPM_ST_ATTEST_QUOTE; quote.form for any other wrong form
//   quote.signature   the signature over attest holds under the attestation key
//   quote.nonce       extraData equals the qualifying data
//   quote.selection   the selection is exactly the one asked for, each PCR once
//   log.form, ima.form    the logs parse; every digest that an event's data determines is equal
//   log.replay        replay gives the quoted PCR digest (together with PCR 10 from a prefix of the IMA log)
//   secureBoot.*      PCR 7: variables and authorities from the verified log
//     variables       SecureBoot, PK, KEK, db, dbx, in this order, then a separator; equal to the reference where given
//     disabled        SecureBoot is 1 where it is required
//     authority       the db entry that vouched for shim stands in db; shim vouched by its own vendor certificate
//     sbat            shim's revocation level is the one that this shim sets
//     unexpected      nothing else
//   pcr0.* pcr1.* pcr2.* pcr3.* pcr4.* pcr5.* pcr6.* pcr8.* pcr9.* pcr14.*   equal to the reference values, in order,
//                     nothing more and nothing missing; PCR 1 may hold any boot entries
//   pcr11.* pcr12.* pcr13.* pcr15.*   not extended by anything
// A failed quote.* or log.* check ends the appraisal (kEvidenceBroken): nothing behind it means anything. All other
// findings are collected. Where only reference values are lacking, the class is kReferenceValuesMissing.
// The caller must have established that the attestation key lives in the instance's TPM (credential activation).
Verdict appraise(const UnverifiedEvidence& evidence, const Expectation& expectation, const ReferenceValues& reference,
                 Time now);

}  // namespace slipway::attestation
