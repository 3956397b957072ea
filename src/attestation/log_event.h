#pragma once

#include <string>

#include "bootchain/event_log.h"

namespace slipway::attestation {

// What an event measured, for people: GRUB's text, a variable's name, or its type. Printable ASCII, at most 256
// characters: the text is a guest's.
std::string describe_event(const bootchain::UnverifiedEvent& event);

// The event's sha256 digest; empty if it has none.
Bytes sha256_of(const bootchain::UnverifiedEvent& event);

}  // namespace slipway::attestation
