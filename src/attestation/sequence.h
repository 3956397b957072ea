#pragma once

#include <string>
#include <vector>

#include "attestation/verdict.h"
#include "bootchain/event_log.h"

namespace slipway::attestation {

// One event that a PCR must show, and what it stands for.
struct ExpectedEvent {
  std::string rule;       // name of the finding if it differs: "pcr9.initrd"
  std::string component;  // path or name
  Bytes digest;           // sha256
  std::string text;       // what was measured, where it is a text: shown instead of the digest
  std::string package, signer;
};

// How an expected event fared: its index is the expected event's.
struct SequenceResult {
  std::vector<bool> matches;
  std::vector<Bytes> found;  // the digest that stood in its place; empty where nothing did
};

// Holds the events of a PCR against the expected ones: the same digests in the same order, nothing more and nothing
// missing. Every difference becomes one finding in `findings`; a rule "pcrN.unexpected" stands for events that are too
// many, at most 16 of them.
SequenceResult compare_sequence(int pcr, const std::vector<const bootchain::UnverifiedEvent*>& events,
                                const std::vector<ExpectedEvent>& expected, std::vector<Finding>& findings);

// What an event measured, for people: GRUB's text, a variable's name, or its type. Printable ASCII, at most 256
// characters: the text is a guest's.
std::string describe_event(const bootchain::UnverifiedEvent& event);

// The event's sha256 digest; empty if it has none.
Bytes sha256_of(const bootchain::UnverifiedEvent& event);

}  // namespace slipway::attestation
