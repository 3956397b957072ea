#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace slipway::attestation {

// The classes of a verdict. An outage never looks like an attack, nor the other way round.
enum class VerdictClass {
  kTrusted,
  kUntrusted,               // a rule is broken: findings name the component
  kEvidenceBroken,          // the evidence contradicts itself or cannot be read
  kReferenceValuesMissing,  // nothing to compare with
};
// "trusted", "untrusted", "evidenceBroken", "referenceValuesMissing".
std::string_view to_string(VerdictClass verdict_class);

enum class Severity { kError, kWarning };
std::string_view to_string(Severity severity);  // "error", "warning"

// One thing that is not as it must be.
struct Finding {
  std::string rule;       // stable name: "pcr9.initrd", "quote.nonce", "secureBoot.disabled"
  int pcr = -1;           // -1 where the rule is of no PCR
  int event = -1;         // index in the firmware event log, or -1
  std::string component;  // path or name: "/EFI/debian/initrd"
  std::string package, signer;
  std::string expected, found;
  std::string message;                   // what happened, to what, why
  std::string remedy;                    // what to do
  Severity severity = Severity::kError;  // as the policy says; a warning leaves a verdict as it is
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
  std::string policy;        // the name of the one that it was made under
  // The image version of the prediction that the boot matches or, where it matches none, is closest to; empty where
  // nothing was compared.
  std::string prediction;
  bool matches_prediction = false;  // every event is as that prediction says
  std::vector<Finding> findings;
  std::vector<Component> components;
};

// The same verdict gives the same bytes; docs/formats/verdict.md. What is not UTF-8 stands as U+FFFD.
std::string to_json(const Verdict& verdict);
Result<Verdict> verdict_from_json(std::string_view json);

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

}  // namespace slipway::attestation
